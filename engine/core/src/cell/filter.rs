//! Filters: which firings take place, and which of them a subscription wants.

use super::Cell;
use super::turn::{CellTurn, TurnContext};
use crate::column::AnyColumn;
use crate::fault::{Failure, guarded};
use crate::graph::{ABSENT, View};
use crate::id::{FiringId, ItemId};
use crate::ledger::{Dropped, Settled};
use crate::letter::{DeadLetter, Letter, Place};
use crate::time::Timestamp;

impl Cell {
    /// Drop the rows that the reactor's filter refuses.
    pub(super) fn filter(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        if !self.is_filtered {
            return;
        }
        let Some(filter) = &self.decl.filter else { return };
        let stride = self.columns.len();
        let mut kept = Vec::with_capacity(self.rows.len());
        for row in self.rows.chunks_exact(stride) {
            let inputs: Vec<Option<(&dyn AnyColumn, usize)>> = row
                .iter()
                .zip(&self.columns)
                .map(|(index, column)| (*index != ABSENT).then_some((&**column, *index as usize)))
                .collect();
            match guarded(|| filter(&inputs)) {
                Ok(true) => kept.extend_from_slice(row),
                Ok(false) => self.firings.settle(Settled::Filtered, 1),
                Err(failure) => {
                    turn.failures.push(failure.clone());
                    self.firings.drop(Dropped::DeadLetter, 1);
                    turn.letters.push(self.filter_letter(row, failure, cx.now));
                }
            }
        }
        self.firings.accepted += ((self.rows.len() - kept.len()) / stride) as u64;
        self.rows = kept;
    }

    fn filter_letter(&self, row: &[u32], failure: Failure, now: Timestamp) -> DeadLetter {
        let columns = row
            .iter()
            .zip(&self.columns)
            .map(|(index, column)| {
                let mut copy = column.fresh();
                if *index != ABSENT {
                    copy.push_from(&**column, *index as usize);
                }
                copy
            })
            .collect();
        DeadLetter {
            place: Place::Reactor(self.decl.name.clone()),
            item: ItemId(self.firings.settled() + self.firings.dropped()),
            why: Dropped::DeadLetter,
            failure: Some(failure),
            attempts: 1,
            at: now,
            letter: Letter::Inputs { firing: FiringId(self.next_firing), columns },
        }
    }

    /// The end of the run of rows from `from` on that a subscription's filter admits; `from` itself if it
    /// refuses that one, which is then accounted for.
    pub(super) fn admitted(
        &mut self,
        index: usize,
        from: usize,
        first: u64,
        cx: &TurnContext<'_>,
        turn: &mut CellTurn,
    ) -> usize {
        let stride = self.columns.len();
        let n = self.rows.len() / stride;
        let seat = &mut self.seats[index];
        let Some(filter) = seat.decl.filter.clone() else { return n };
        for at in from..n {
            let row = &self.rows[at * stride..(at + 1) * stride];
            let inputs: Vec<Option<(&dyn AnyColumn, usize)>> = seat
                .map
                .iter()
                .map(|source| {
                    (row[*source] != ABSENT).then_some((&*self.columns[*source], row[*source] as usize))
                })
                .collect();
            let verdict = guarded(|| filter(&inputs));
            if matches!(verdict, Ok(true)) {
                continue;
            }
            if at == from {
                let map = std::mem::take(&mut seat.map);
                let id = FiringId(first + at as u64);
                let view = View::new(&self.columns, &map, row, id);
                let mut run_cx = turn.run_context(cx.now, cx.waker);
                seat.refuse(&view, id, verdict.err(), &mut run_cx);
                seat.map = map;
            }
            return at;
        }
        n
    }
}
