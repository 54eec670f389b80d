//! The cell of a shared accumulator: nothing fires there, every boundary goes on to each of the reactors.
//!
//! The column holds boundaries until the slowest of them has taken them, and each has its own place in
//! it: one that is slow holds its siblings back only once the column is full as well.

use super::Cell;
use super::turn::{CellTurn, TurnContext};
use crate::accumulator::AnyRing;
use crate::accumulator::outlet::{AnyOutlet, OutletContext};
use crate::id::ReactorName;
use crate::letter::Place;
use crate::reactor::{ReactorDecl, ReactorDeclError, Strategy};
use std::sync::Arc;
use std::time::Duration;

/// One reactor that shares.
struct Reader {
    outlet: Box<dyn AnyOutlet>,
    /// Index of the next boundary for it.
    next: usize,
}

/// The reactors that share.
#[derive(Default)]
pub(super) struct Readers(Vec<Reader>);

impl Cell {
    /// A cell for a shared accumulator ([`crate::package::Share::cell`]), which nobody reads yet.
    ///
    /// # Errors
    /// [`ReactorDeclError`] if the declaration is wrong.
    pub fn shared(decl: ReactorDecl, slow: Duration) -> Result<Self, ReactorDeclError> {
        let mut cell = Self::new(decl, slow)?;
        cell.readers = Some(Box::default());
        Ok(cell)
    }

    /// From now on `reactor` has every boundary, in `ring`, that of its share.
    pub fn send_on_to(&mut self, reactor: ReactorName, ring: Arc<dyn AnyRing>) {
        let next = self.policy.n_arrived(0) as usize;
        let accumulator = self.decl.accumulators[0].name.clone();
        if let Some(readers) = &mut self.readers {
            let outlet = ring.outlet(Place::Share { accumulator, reactor });
            readers.0.push(Reader { outlet, next });
        }
    }

    /// Whether it is the cell of a shared accumulator.
    pub fn is_shared(&self) -> bool {
        self.readers.is_some()
    }

    /// A reactor that takes the newest only, and shares with others: while it cannot fire it goes on
    /// taking, or it would hold its siblings back.
    pub(super) fn absorbs(decl: &ReactorDecl) -> bool {
        decl.strategy == Strategy::Latest && decl.accumulators.iter().any(|source| source.is_share())
    }

    /// Take what has come, without firing.
    #[cold]
    pub(super) fn absorb(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        self.accumulate(cx, turn);
        self.arrive();
        self.trim();
        turn.more |= self.can_go_on();
    }

    /// Send each reader what it has not had, as far as it has room.
    #[inline(never)]
    pub(super) fn send_on(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        let (Some(readers), Some(column)) = (&mut self.readers, self.columns.first()) else { return };
        let mut outlet_cx = OutletContext {
            now: cx.now,
            waker: cx.waker,
            letters: &mut turn.letters,
            failures: &mut turn.failures,
        };
        readers.0.retain_mut(|reader| match reader.outlet.send(&**column, reader.next, &mut outlet_cx) {
            Ok(sent) => {
                reader.next += sent;
                true
            }
            // The reactor is taken down; what it did not take was never its own.
            Err(_) => false,
        });
        // With nobody left to read, what is here waits to be given up.
        if let Some(slowest) = readers.0.iter().map(|reader| reader.next).min() {
            self.policy.hand_on(0, u32::try_from(slowest).unwrap_or(u32::MAX));
        }
    }

    /// `spent` values were dropped from the front of the column.
    pub(super) fn follow_trim(&mut self, spent: usize) {
        for reader in self.readers.iter_mut().flat_map(|readers| &mut readers.0) {
            reader.next = reader.next.saturating_sub(spent);
        }
    }
}
