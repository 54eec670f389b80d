//! Upgrading in place: at a turn boundary the parts of a cell are exchanged for those of another version.
//!
//! Rings, columns, flags, queues, seats, sinks and firing numbers are the cell's and go on; what a part
//! keeps for itself is exported, migrated and imported before anything is exchanged. Until then the old
//! parts are whole, and can go on.

use super::Cell;
use super::run::GraphRun;
use super::seat::Seated;
use crate::accumulator::{AnySlot, ImportError, Kind};
use crate::fault::{Failure, guarded};
use crate::graph::{GraphDecl, GraphPart};
use crate::id::AccumulatorName;
use crate::reactor::ReactorDecl;
use crate::time::Timestamp;
use std::sync::Arc;

/// A state that the new version of an accumulator does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// It keeps another type, or the state cannot be fetched.
    #[error(
        "E0330: the new version of accumulator {accumulator} does not take the state of the old one: {why}"
    )]
    OtherState {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// Why, and what to do.
        why: String,
    },
    /// The migration failed, or the state could not be read.
    #[error(
        "E0331: the state of accumulator {accumulator} could not be taken in: {reason}; mend the migration"
    )]
    Migration {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// What it said.
        reason: String,
    },
    /// The old version failed as it gave its state.
    #[error(
        "E0333: the old version of accumulator {accumulator} does not give its state: {reason}; unload it and load the new one, which begins anew"
    )]
    Export {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// What it said.
        reason: Failure,
    },
    /// It would lose events that the old one holds.
    #[error(
        "E0332: the old version of accumulator {accumulator} holds {held} events, and the new one took {taken}; hand them all on in the migration"
    )]
    HeldEvents {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// Held before.
        held: u64,
        /// Held after.
        taken: u64,
    },
}

impl Cell {
    /// Let `next`, slots of `decl`, take in the states of this cell's parts at `now`. The cell itself stays as
    /// it is.
    ///
    /// # Errors
    /// [`UpgradeError`], naming the accumulator.
    pub fn rehearse(
        &self,
        next: &mut [Box<dyn AnySlot>],
        decl: &ReactorDecl,
        now: Timestamp,
    ) -> Result<(), UpgradeError> {
        for ((old, new), decl) in self.slots.iter().zip(next).zip(&decl.accumulators) {
            let accumulator = || decl.name.clone();
            let failed = |failure: Failure| UpgradeError::Migration {
                accumulator: accumulator(),
                reason: failure.to_string(),
            };
            let state = guarded(|| old.export(now))
                .map_err(|reason| UpgradeError::Export { accumulator: accumulator(), reason })?;
            // A function of an older library keeps nothing where its kind keeps nothing.
            let keeps = !matches!(decl.kind, Kind::Passthrough | Kind::Polling);
            if let Some(state) = state.filter(|state| keeps || !state.is_unreachable()) {
                let state = decl.migrated(state).map_err(failed)?;
                let taken = guarded(|| Ok(new.import(state, now))).map_err(failed)?;
                taken.map_err(|error| refusal(accumulator(), error))?;
            }
            let (held, taken) = (old.held(), new.held());
            if held != taken {
                return Err(UpgradeError::HeldEvents { accumulator: accumulator(), held, taken });
            }
        }
        Ok(())
    }

    /// Exchange the slots for `next`, which took in the states since the last turn.
    pub fn exchange(&mut self, mut next: Vec<Box<dyn AnySlot>>, decl: ReactorDecl) {
        for (old, new) in self.slots.iter_mut().zip(&mut next) {
            let succeeded = new.succeed(&mut **old);
            debug_assert!(succeeded, "types were compared before the commit");
        }
        let old = std::mem::replace(&mut self.slots, next);
        self.is_filtered = decl.filter.is_some();
        self.decl = decl;
        // Its author's code may panic as it goes.
        let _ = guarded(|| Ok(drop(old)));
    }

    /// Let the new version of a graph have its seat; what queued is run by it. The part comes back if the
    /// run is elsewhere.
    pub fn upgrade_graph(
        &mut self,
        decl: &GraphDecl,
        part: Box<dyn GraphPart>,
    ) -> Option<Box<dyn GraphPart>> {
        let seat = self.seats.iter_mut().find(|seat| seat.name == decl.name)?;
        seat.decl = Arc::new(decl.clone());
        seat.is_filtered = decl.filter.is_some();
        if seat.quarantined().is_some() {
            // A new version clears what the old one had earned.
            seat.seated = if seat.run.is_some() { Seated::InPlace } else { Seated::Detached };
            seat.delivery.pardon();
        }
        match &mut seat.run {
            Some(run) => {
                run.upgrade(decl.clone(), part);
                None
            }
            None => Some(part),
        }
    }
}

/// A state that was not taken, as an upgrade's error.
fn refusal(accumulator: AccumulatorName, error: ImportError) -> UpgradeError {
    match error {
        ImportError::Unreadable { reason } | ImportError::Failed { reason } => {
            UpgradeError::Migration { accumulator, reason: reason.to_string() }
        }
        other => UpgradeError::OtherState { accumulator, why: other.to_string() },
    }
}

impl GraphRun {
    /// Go on with another version of the graph; sinks stay, past faults are forgotten.
    pub fn upgrade(&mut self, decl: GraphDecl, part: Box<dyn GraphPart>) {
        self.redeclare(decl);
        self.install(part);
    }

    /// Another version of the same graph: its terminals are the same, in whatever order.
    fn redeclare(&mut self, decl: GraphDecl) {
        let mut sinks = std::mem::take(&mut self.sinks);
        let places = decl.terminals.iter().map(|terminal| {
            let known = self.decl.terminals.iter().position(|known| known.name == terminal.name);
            known.and_then(|at| sinks.get_mut(at)).map(std::mem::take).unwrap_or_default()
        });
        self.sinks = places.collect();
        self.outcomes = decl.outcomes();
        for (output, sinks) in self.outcomes.outputs().iter_mut().zip(&self.sinks) {
            output.want(!sinks.is_empty());
        }
        self.decl = Arc::new(decl);
        self.shadows = None;
    }
}
