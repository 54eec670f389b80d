//! Commands to a cell: firing by hand, pausing, flushing; and its health.

use super::Cell;
use super::log::Cause;
use super::turn::{CellTurn, TurnContext};
use crate::column::AnyColumn;
use crate::graph::{ABSENT, Presence};
use crate::health::Health;
use crate::id::{AccumulatorName, FiringId, GraphName, ReactorName};

/// A firing by hand that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FireError {
    /// A graph needs a source that has no value.
    #[error(
        "E0320: graph {graph} needs {accumulator}, which has no value yet; push one, or give one with `fire_with`"
    )]
    Absent {
        /// The graph.
        graph: GraphName,
        /// The source.
        accumulator: AccumulatorName,
    },
    /// An input was given for a source that the reactor does not have, or of another type.
    #[error("E0321: reactor {reactor} has no source {accumulator} of the given type; it has {offered:?}")]
    UnknownInput {
        /// The reactor.
        reactor: ReactorName,
        /// The source.
        accumulator: AccumulatorName,
        /// Those it has, with their types.
        offered: Vec<String>,
    },
    /// It is paused.
    #[error("E0322: reactor {reactor} is paused; resume it first")]
    Paused {
        /// The reactor.
        reactor: ReactorName,
    },
    /// Its actor is not there to be asked.
    #[error("E0324: reactor {reactor} did not answer; it is restarting or its engine has stopped")]
    Gone {
        /// The reactor.
        reactor: ReactorName,
    },
    /// A subscriber has no room, and its policy is to block.
    #[error("E0323: reactor {reactor} waits for room at a subscriber; try again when it has caught up")]
    Blocked {
        /// The reactor.
        reactor: ReactorName,
    },
}

impl Cell {
    /// Fire now, with the cache as it is, or with `inputs` laid over it for this firing only.
    ///
    /// # Errors
    /// [`FireError`]; nothing fired.
    pub fn fire(
        &mut self,
        inputs: &[(AccumulatorName, Box<dyn AnyColumn>)],
        cx: &TurnContext<'_>,
    ) -> Result<(FiringId, CellTurn), FireError> {
        let reactor = || self.decl.name.clone();
        if self.policy.is_paused() {
            return Err(FireError::Paused { reactor: reactor() });
        }
        if self.blocked {
            return Err(FireError::Blocked { reactor: reactor() });
        }
        let mut row = self.policy.cache();
        let mut given = Vec::with_capacity(inputs.len());
        for (name, column) in inputs {
            let value = self.decl.source(name).and_then(|source| {
                self.columns[source].payload_type().fits(column.payload_type()).then_some(())?;
                let mut own = self.columns[source].fresh();
                own.push_converted(&**column, 0).ok()?;
                Some((source, own))
            });
            let Some((source, own)) = value else {
                return Err(FireError::UnknownInput {
                    reactor: reactor(),
                    accumulator: name.clone(),
                    offered: self.offered(),
                });
            };
            row[source] = u32::try_from(self.columns[source].len()).unwrap_or(ABSENT);
            given.push((source, own));
        }
        self.check_presence(&row)?;
        let lengths: Vec<usize> = self.columns.iter().map(|column| column.len()).collect();
        for (source, own) in given {
            self.columns[source].push_from(&*own, 0);
        }
        self.rows.clear();
        if inputs.is_empty() {
            self.policy.fire(&mut self.rows);
        } else {
            self.rows.extend_from_slice(&row);
        }
        let id = FiringId(self.next_firing);
        let mut turn = CellTurn::default();
        let cause = if inputs.is_empty() { Cause::Fire } else { Cause::FireWith };
        self.run_rows(cause, cx, &mut turn);
        for (column, len) in self.columns.iter_mut().zip(lengths) {
            column.truncate(len);
        }
        self.trim();
        Ok((id, turn))
    }

    fn offered(&self) -> Vec<String> {
        let accumulators = self.decl.accumulators.iter();
        accumulators
            .map(|accumulator| format!("{}: {}", accumulator.name, accumulator.boundary.name()))
            .collect()
    }

    fn check_presence(&self, row: &[u32]) -> Result<(), FireError> {
        for seat in &self.seats {
            for (input, source) in seat.decl.inputs.iter().zip(&seat.map) {
                if input.presence == Presence::Required && row[*source] == ABSENT {
                    return Err(FireError::Absent {
                        graph: seat.name.clone(),
                        accumulator: input.accumulator.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Stop firing; accept and remember.
    pub fn pause(&mut self) {
        self.policy.pause();
    }

    /// Fire again; the next turn decides what is pending.
    pub fn resume(&mut self) {
        self.policy.resume();
    }

    /// Let batch and window accumulators flush at the next turn.
    pub fn ask_flush(&mut self) {
        self.flush_asked = true;
    }

    /// Whether that turn is still to come.
    pub fn is_flush_asked(&self) -> bool {
        self.flush_asked
    }

    /// Its health, by the sources that are ready and those that ever were. It is warming until the
    /// criteria could be met; after that, sources that were ready and are not degrade it.
    pub fn health(&self, ready: &[bool], were_ready: &[bool]) -> Health {
        if self.policy.is_paused() {
            return Health::Paused;
        }
        let criteria = self.policy.criteria();
        let out = |source: usize| !ready[source] || self.slots[source].is_quarantined();
        let names = |sources: &mut dyn Iterator<Item = usize>| -> Vec<AccumulatorName> {
            sources.map(|source| self.decl.accumulators[source].name.clone()).collect()
        };
        let there = (0..ready.len()).filter(|source| !out(*source)).collect();
        let ever = (0..ready.len()).filter(|source| were_ready[*source]).collect();
        if !criteria.is_met(there) && !criteria.is_met(ever) {
            return Health::Warming {
                waiting: names(&mut criteria.named().iter().filter(|source| out(*source))),
            };
        }
        let dead = names(&mut (0..ready.len()).filter(|source| out(*source) && were_ready[*source]));
        if dead.is_empty() { Health::Live } else { Health::Degraded { sources: dead } }
    }
}
