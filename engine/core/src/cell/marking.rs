//! What a cell notes of each turn for the journal: see [`crate::durable`].

use super::Cell;
use super::turn::CellTurn;
use crate::durable::{OpenFirings, Outgoing, SourceMark, TurnCheck, TurnMark};
use crate::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one turn wants on disk, as one indivisible batch.
#[derive(Debug, Default)]
pub struct TurnWrite {
    /// Number of the mark, counted from 1 within this life of the cell; 0 without one.
    pub number: u64,
    /// The mark; none if the cell keeps none, or the turn changed nothing.
    pub mark: Option<TurnMark>,
    /// What it sent to durable accumulators.
    pub outbox: Vec<Outgoing>,
}

/// Notes between the turns.
pub(super) struct Marking {
    /// Outputs leave only when the turn that they come from is on disk.
    holds: bool,
    /// Marks handed out.
    number: u64,
    /// The last of them that is on disk.
    synced: Arc<AtomicU64>,
    /// Events of each source that had left its ring for good at the last mark.
    consumed: Vec<u64>,
    held: Vec<u64>,
    open: Vec<OpenFirings>,
    paused: bool,
    turn: TurnMark,
}

impl Cell {
    /// Hand out a mark for every turn from now on. With `holds`, outputs leave only when the number of the
    /// turn's mark is stored in the returned counter, and the cell's doorbell rung.
    pub fn keep_marks(&mut self, holds: bool) -> Arc<AtomicU64> {
        let synced = Arc::new(AtomicU64::new(0));
        for slot in &mut self.slots {
            slot.take_given_up();
        }
        self.marking = Some(Box::new(Marking {
            holds,
            number: 0,
            synced: Arc::clone(&synced),
            consumed: self.slots.iter().map(|slot| slot.consumed()).collect(),
            held: self.slots.iter().map(|slot| slot.held()).collect(),
            open: Vec::new(),
            paused: self.policy.is_paused(),
            turn: TurnMark::default(),
        }));
        synced
    }

    /// Whether its outputs wait until the turn that they come from is on disk.
    pub fn holds_outputs(&self) -> bool {
        self.marking.as_ref().is_some_and(|marking| marking.holds)
    }

    /// Whether a turn whose outputs wait is not on disk yet.
    #[inline]
    pub(super) fn is_uncommitted(&self) -> bool {
        let waits = |marking: &Marking| marking.synced.load(Ordering::Acquire) < marking.number;
        self.marking.as_ref().is_some_and(|marking| marking.holds && waits(marking))
    }

    /// A turn begins.
    #[cold]
    pub(super) fn begin_mark(&mut self, now: Timestamp) {
        let Some(marking) = &mut self.marking else { return };
        let n_senders = self.seats.len();
        for run in self.seats.iter_mut().filter_map(|seat| seat.run.as_mut()) {
            run.hold(marking.holds);
            run.set_n_senders(n_senders);
            run.begin_check();
        }
        let sources = self.columns.iter().map(|column| SourceMark {
            // Until the turn's end: where its boundaries begin.
            kept: u32::try_from(column.len()).unwrap_or(u32::MAX),
            ..SourceMark::default()
        });
        marking.turn = TurnMark {
            now: now.as_nanos(),
            first_firing: self.next_firing,
            sources: sources.collect(),
            check: Some(TurnCheck::default()),
            ..TurnMark::default()
        };
    }

    /// The turn may decide so many firings.
    #[cold]
    pub(super) fn note_limit(&mut self, limit: usize) {
        if let Some(check) = self.marking.as_mut().and_then(|marking| marking.turn.check.as_mut()) {
            check.limit = u32::try_from(limit).ok();
        }
    }

    /// Everything has happened, and nothing is trimmed yet.
    #[cold]
    pub(super) fn note_turn(&mut self, started: bool, flushed: bool) {
        let Some(marking) = &mut self.marking else { return };
        let mark = &mut marking.turn;
        (mark.started, mark.flushed) = (started, flushed);
        for (source, column) in mark.sources.iter_mut().zip(&self.columns) {
            source.made = u32::try_from(column.len()).unwrap_or(u32::MAX) - source.kept;
        }
        mark.rows.clone_from(&self.rows);
    }

    /// The turn has ended: what it wants on disk, if anything.
    #[cold]
    fn end_mark(&mut self) -> Option<(u64, TurnMark)> {
        let graphs = self.seats.iter_mut().filter_map(|seat| seat.run.as_mut()?.check()).collect();
        let open: Vec<OpenFirings> = self.seats.iter().filter_map(|seat| seat.open_firings()).collect();
        let marking = self.marking.as_mut()?;
        let mut mark = std::mem::take(&mut marking.turn);
        let mut changed = false;
        for (at, source) in mark.sources.iter_mut().enumerate() {
            let slot = &mut self.slots[at];
            let (consumed, held) = (slot.consumed(), slot.held());
            source.consumed = consumed - std::mem::replace(&mut marking.consumed[at], consumed);
            source.given_up = slot.take_given_up();
            changed |= std::mem::replace(&mut marking.held[at], held) != held;
            source.held = held;
            source.kept = u32::try_from(self.columns[at].len()).unwrap_or(u32::MAX);
            source.unmerged.clone_from(&self.orders[at]);
        }
        let paused = self.policy.is_paused();
        changed |= std::mem::replace(&mut marking.paused, paused) != paused;
        changed |= marking.open != open || !mark.is_idle();
        if !changed {
            return None;
        }
        mark.policy = self.policy.mark();
        mark.next_firing = self.next_firing;
        if let Some(check) = &mut mark.check {
            check.graphs = graphs;
        }
        marking.open.clone_from(&open);
        mark.open = open;
        marking.number += 1;
        Some((marking.number, mark))
    }

    /// What the turn wants on disk.
    #[inline]
    pub(super) fn write_down(&mut self, turn: &mut CellTurn) {
        let mut outbox = self.take_outbox();
        // What a graph sent before it left belongs to this turn as well.
        for detached in &mut turn.detached {
            outbox.append(&mut detached.run.take_outbox());
        }
        if self.marking.is_none() && outbox.is_empty() {
            return;
        }
        let (number, mark) = self.end_mark().map_or((0, None), |(number, mark)| (number, Some(mark)));
        if mark.is_some() || !outbox.is_empty() {
            turn.write = Some(Box::new(TurnWrite { number, mark, outbox }));
        }
        self.blocked |= self.is_uncommitted();
    }

    /// What the graphs in place sent to durable accumulators.
    #[inline]
    pub(super) fn take_outbox(&mut self) -> Vec<Outgoing> {
        let mut outbox = Vec::new();
        for run in self.seats.iter_mut().filter_map(|seat| seat.run.as_mut()) {
            if run.has_outgoing() {
                outbox.append(&mut run.take_outbox());
            }
        }
        outbox
    }
}
