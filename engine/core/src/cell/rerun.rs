//! Going through a turn of an earlier life as if it were new: the same events and the same cut, and everything
//! that follows from them decided and computed anew. Recovery takes firings from the mark ([`super::replay`]);
//! this finds out whether they would be the same.

use super::Cell;
use super::log::Cause;
use super::turn::{CellTurn, TURN_LIMIT, TurnContext};
use crate::durable::{GraphCheck, TurnMark};

/// What a turn came to when it was gone through again.
#[derive(Default)]
pub struct Rerun {
    /// Per source, boundaries made and events held.
    pub sources: Vec<(u32, u64)>,
    /// Number of the first firing.
    pub first_firing: u64,
    /// Firings.
    pub firings: u64,
    /// Per firing the index of each source's value, as [`TurnMark::rows`] has them.
    pub rows: Vec<u32>,
    /// What came of it, by graph; of every terminal, whether anybody took from it then or not.
    pub graphs: Vec<GraphCheck>,
    /// What the turn leaves to others.
    pub turn: CellTurn,
}

/// Where the firings of a turn come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deciding {
    /// They are decided anew.
    Anew,
    /// They are those of the mark: something happened before it that it does not tell of, as a firing by hand.
    Followed,
}

impl Cell {
    /// The turn of `mark` again, up to where its accumulators handle what the rings hold: see
    /// [`Cell::replay_events`]. To be called first, once.
    pub fn begin_rerun(&mut self, mark: &TurnMark) {
        if mark.policy.paused != self.policy.is_paused() {
            if mark.policy.paused { self.policy.pause() } else { self.policy.resume() }
        }
    }

    /// What the accumulators made is decided on and run. The graphs must be in their seats.
    pub fn rerun_turn(&mut self, mark: &TurnMark, deciding: Deciding, cx: &TurnContext<'_>) -> Rerun {
        let mut rerun = Rerun { first_firing: self.next_firing, ..Rerun::default() };
        for at in 0..self.columns.len() {
            let before = self.earlier.as_ref().map_or(0, |earlier| earlier.kept_of(at));
            let made = self.columns[at].len().saturating_sub(before);
            rerun.sources.push((u32::try_from(made).unwrap_or(u32::MAX), self.slots[at].held()));
        }
        for run in self.seats.iter_mut().filter_map(|seat| seat.run.as_mut()) {
            run.begin_check();
        }
        self.rows.clear();
        self.blocked = false;
        match (deciding, self.limit_of(mark)) {
            (Deciding::Followed, _) => self.rows.clone_from(&mark.rows),
            (Deciding::Anew, None) => {}
            (Deciding::Anew, Some(limit)) => {
                self.arrive_as(mark);
                self.policy.decide(&mut self.rows, limit);
                self.filter(cx, &mut rerun.turn);
            }
        }
        rerun.rows.clone_from(&self.rows);
        self.run_rows(Cause::Criteria, cx, &mut rerun.turn);
        rerun.graphs = self.seats.iter_mut().filter_map(|seat| seat.run.as_mut()?.check()).collect();
        rerun.firings = self.next_firing - rerun.first_firing;
        match deciding {
            Deciding::Anew => self.trim(),
            Deciding::Followed => self.stand_as(mark),
        }
        self.rows.clear();
        let kept = self.columns.iter().map(|column| column.len()).collect();
        self.earlier.get_or_insert_default().keep(kept);
        rerun
    }

    /// Be where the turn ended.
    fn stand_as(&mut self, mark: &TurnMark) {
        for (at, source) in mark.sources.iter().enumerate().take(self.columns.len()) {
            let column = &mut self.columns[at];
            column.drop_front(column.len().saturating_sub(source.kept as usize));
            let order = &mut self.orders[at];
            order.drain(..order.len().saturating_sub(source.unmerged.len()));
        }
        self.policy.restore(&mark.policy);
    }

    /// How many firings the turn might decide. A mark without a check does not say: then as many as it did.
    fn limit_of(&self, mark: &TurnMark) -> Option<usize> {
        match &mark.check {
            Some(check) => check.limit.map(|limit| limit as usize),
            None if mark.rows.is_empty() => Some(0),
            None => Some((mark.rows.len() / self.columns.len().max(1)).min(TURN_LIMIT)),
        }
    }

    /// Merge as far as the turn did: events that it saw waiting, and that are not here now, held it back.
    fn arrive_as(&mut self, mark: &TurnMark) {
        if !self.policy.needs_order() {
            return self.arrive();
        }
        let left = |at: usize| mark.sources.get(at).map_or(0, |source| source.unmerged.len());
        let mut rest: Vec<Vec<u64>> = Vec::with_capacity(self.orders.len());
        for (at, order) in self.orders.iter_mut().enumerate() {
            let keep = order.len().saturating_sub(left(at));
            rest.push(order.split_off(keep));
        }
        // No events wait in the rings, so all that is left here is merged.
        self.arrive();
        for (order, rest) in self.orders.iter_mut().zip(rest) {
            order.extend(rest);
        }
    }

    /// Firings up to the number `next` happened outside of every turn, by hand.
    pub fn skip_firings(&mut self, next: u64) {
        self.next_firing = self.next_firing.max(next);
    }
}
