//! The seat of a graph at a reactor: its run if it is there, and its delivery ring in any case.

use super::delivery::Delivery;
use super::detached::{DetachCause, Detached, HandedOver};
use super::ids::FiringIds;
use super::log::Outcome;
use super::run::{GraphRun, RunContext};
use crate::fault::Failure;
use crate::graph::{GraphDecl, View};
use crate::id::{FiringId, GraphName, PackageName};
use crate::ledger::{Dropped, Entry, Settled};
use crate::letter::{DeadLetter, Letter, Place};
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Where a graph runs at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seated {
    /// In the cell.
    InPlace,
    /// With a worker of its own.
    Detached,
    /// Nowhere: its actor is gone, its firings queue.
    Out,
    /// Nowhere, for this reason; its firings are dropped.
    Quarantined(String),
}

/// A graph's place at its reactor. What every turn touches comes first and lies together.
#[repr(C)]
pub struct Seat {
    pub(crate) seated: Seated,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) accepted_in_place: u64,
    /// Firings that it may run before the clock is read again. Grows while it is fast.
    quota: usize,
    /// Chunks in a row that were slow.
    slow_chunks: u8,
    /// Small turns since the clock was read.
    unclocked: u8,
    /// Whether its subscription has a filter.
    pub(crate) is_filtered: bool,
    /// Position of each input among the reactor's sources.
    pub(crate) map: Vec<usize>,
    pub(crate) run: Option<GraphRun>,
    pub(crate) decl: Arc<GraphDecl>,
    pub(crate) name: GraphName,
    pub(crate) package: PackageName,
    /// Firings that the subscription's filter kept from it.
    refused: Entry,
    /// The first firing whose outputs wait at a sink.
    pub(super) unflushed: Option<u64>,
}

/// How a seat's time is taken.
pub(crate) struct Watch<'a> {
    pub(crate) clock: &'a dyn Fn() -> Timestamp,
    /// The last reading, if nothing but seats has run since: the end of one is the start of the next.
    pub(crate) read: &'a mut Option<Timestamp>,
    /// A firing that takes longer is slow.
    pub(crate) slow: Duration,
}

/// What a seat did with the firings of a turn.
#[derive(Default)]
pub(crate) struct SeatTurn {
    pub(crate) took: Duration,
    pub(crate) blocked: bool,
    /// Rarely: the graph left its seat.
    pub(crate) ended: Option<Box<SeatEnd>>,
}

/// How a graph left its seat.
#[derive(Default)]
pub(crate) struct SeatEnd {
    pub(crate) detached: Option<Box<Detached>>,
    pub(crate) quarantined: Option<Failure>,
}

impl SeatTurn {
    pub(super) fn end(&mut self) -> &mut SeatEnd {
        self.ended.get_or_insert_default()
    }
}

/// The clock is read after a chunk of firings; a chunk this short lets the next one double.
const SHORT_CHUNK: Duration = Duration::from_micros(200);

/// Times the limit at which one slow firing is enough.
const FAR_BEYOND: u32 = 10;

/// Quota of a graph that was fast many times in a row.
const PROVEN: usize = 256;

/// Small turns of a proven graph between two that are looked at.
const UNCLOCKED: u8 = 3;

/// Firings of a turn that is not worth a reading of the clock.
const SMALL_TURN: usize = 4;

impl Seat {
    pub(crate) fn new(run: GraphRun, package: PackageName, map: Vec<usize>, delivery: Arc<Delivery>) -> Self {
        Self {
            name: run.decl().name.clone(),
            package,
            is_filtered: run.decl().filter.is_some(),
            decl: Arc::clone(run.decl_shared()),
            map,
            run: Some(run),
            seated: Seated::InPlace,
            delivery,
            accepted_in_place: 0,
            refused: Entry::default(),
            quota: 1,
            slow_chunks: 0,
            unclocked: 0,
            unflushed: None,
        }
    }

    /// Run the firings of `view`, or deliver them to wherever the graph is.
    #[inline]
    pub(crate) fn turn(
        &mut self,
        view: &View<'_>,
        first: u64,
        watch: Watch<'_>,
        cx: &mut RunContext<'_>,
    ) -> SeatTurn {
        let n = view.len();
        // Most turns of a lightly loaded reactor are these: they touch little code and no clock.
        let unwatched = n <= SMALL_TURN && self.quota >= PROVEN && self.unclocked < UNCLOCKED;
        if !unwatched || self.run.is_none() || !self.is_next_here() {
            return self.watched_turn(view, first, watch, cx);
        }
        self.unclocked += 1;
        *watch.read = None;
        let (done, end) = self.run_chunk(view, first, 0, n, cx);
        match end.ended {
            None => SeatTurn { blocked: end.blocked, ..SeatTurn::default() },
            Some(ended) => self.left(*ended, view, first, done, cx),
        }
    }

    /// Whether a firing runs here and now: the graph is in its place, and nothing older waits.
    #[inline]
    fn is_next_here(&self) -> bool {
        matches!(self.seated, Seated::InPlace) && !self.delivery.has_waiting()
    }

    /// The graph left its seat within a chunk; those behind `done` follow it.
    #[cold]
    fn left(
        &mut self,
        ended: ChunkEnded,
        view: &View<'_>,
        first: u64,
        done: usize,
        cx: &mut RunContext<'_>,
    ) -> SeatTurn {
        let mut end = SeatEnd { detached: None, quarantined: ended.quarantined };
        if end.quarantined.is_none() {
            end.detached = self.detach(ended.hand, DetachCause::Pended);
        }
        if done < view.len() {
            self.delivery.deliver(view, first, done, cx.now, cx.letters);
        }
        SeatTurn { ended: Some(Box::new(end)), ..SeatTurn::default() }
    }

    /// A turn with an eye on the clock.
    #[inline(never)]
    fn watched_turn(
        &mut self,
        view: &View<'_>,
        first: u64,
        watch: Watch<'_>,
        cx: &mut RunContext<'_>,
    ) -> SeatTurn {
        let mut turn = SeatTurn::default();
        // What waits is older: behind it the order holds, and the next turn takes both.
        if self.run.is_none() || !self.is_next_here() {
            *watch.read = None;
            self.delivery.deliver(view, first, 0, cx.now, cx.letters);
            return turn;
        }
        let n = view.len();
        let mut from = 0;
        while from < n {
            let to = n.min(from + self.quota);
            // Its own time only: the turn's start is that of the accumulators and of its siblings, too.
            let since = self.needs_clock(to - from).then(|| watch.read.unwrap_or_else(watch.clock));
            let (done, end) = self.run_chunk(view, first, from, to, cx);
            let ran = done - from;
            from = done;
            *watch.read = since.map(|_| (watch.clock)());
            let took = watch.read.zip(since).map_or(Duration::ZERO, |(now, since)| now.since(since));
            if let Some(ended) = end.ended {
                let left = self.left(*ended, view, first, done, cx);
                return SeatTurn { took: turn.took + took, blocked: turn.blocked, ended: left.ended };
            }
            turn.took += took;
            if self.is_slow(took / u32::try_from(ran.max(1)).unwrap_or(u32::MAX), watch.slow) {
                turn.end().detached = self.detach(None, DetachCause::Slow(took));
                break;
            }
            turn.blocked |= end.blocked;
            self.quota = if took < SHORT_CHUNK { (self.quota * 2).min(256) } else { (self.quota / 2).max(1) };
        }
        if from < n {
            self.delivery.deliver(view, first, from, cx.now, cx.letters);
        }
        turn
    }

    /// A graph that has proved fast is looked at in one small turn of four: a reading costs as much as
    /// several firings.
    fn needs_clock(&mut self, ran: usize) -> bool {
        let proven = self.quota >= PROVEN && ran <= SMALL_TURN;
        let clocked = !proven || self.unclocked >= UNCLOCKED;
        self.unclocked = if clocked { 0 } else { self.unclocked + 1 };
        clocked
    }

    /// Run firings `from..to`; returns where it stopped.
    #[inline(never)]
    fn run_chunk(
        &mut self,
        view: &View<'_>,
        first: u64,
        from: usize,
        to: usize,
        cx: &mut RunContext<'_>,
    ) -> (usize, ChunkEnd) {
        let mut end = ChunkEnd::default();
        let Some(run) = &mut self.run else { return (from, end) };
        let chunk = view.prefix(to);
        let mut done = to;
        if let Some(ended) = run.run_all(&chunk, FiringIds::From(first), from, cx) {
            let mut rare = ChunkEnded { hand: None, quarantined: None };
            if let Some((next, failure)) = ended.quarantined {
                done = next;
                rare.quarantined = Some(failure);
            }
            if let Some((at, rest)) = ended.pending {
                done = at + 1;
                self.delivery.hand_over(cx.now);
                let id = FiringId(first + at as u64);
                rare.hand = Some(HandedOver { id, rest, inputs: super::run::inputs_of(view, at) });
            }
            end.ended = Some(Box::new(rare));
        }
        self.accepted_in_place += (done - from) as u64;
        let pends = end.ended.as_ref().is_some_and(|ended| ended.hand.is_some());
        if let Some(checking) = &mut run.checking {
            checking.ran(first + from as u64..first + done as u64);
        }
        self.delivery.ran_in_place(first + done as u64 - u64::from(pends));
        if run.has_exceptions() {
            self.delivery.note(run.take_exceptions());
        }
        if !run.flush(cx) {
            end.blocked = true;
            self.unflushed.get_or_insert(first + from as u64);
        }
        (done, end)
    }

    /// The subscription's filter refused this firing, or failed on it.
    pub(crate) fn refuse(
        &mut self,
        view: &View<'_>,
        id: FiringId,
        failure: Option<Failure>,
        cx: &mut RunContext<'_>,
    ) {
        self.refused.accepted += 1;
        let Some(failure) = failure else {
            self.refused.settle(Settled::Filtered, 1);
            return self.delivery.note(vec![(id, Outcome::Filtered)]);
        };
        self.refused.drop(Dropped::DeadLetter, 1);
        self.delivery.note(vec![(id, Outcome::Failed(failure.clone()))]);
        cx.failures.push(failure.clone());
        cx.letters.push(DeadLetter {
            place: Place::Graph(self.name.clone()),
            item: crate::id::ItemId(id.0),
            why: Dropped::DeadLetter,
            failure: Some(failure),
            attempts: 1,
            at: cx.now,
            letter: Letter::Inputs { firing: id, columns: super::run::inputs_of(view, 0) },
        });
    }

    /// The run is back in the cell, and measured anew.
    pub(crate) fn come_back(&mut self, run: GraphRun) {
        self.run = Some(run);
        self.seated = Seated::InPlace;
        (self.quota, self.slow_chunks) = (1, 0);
    }

    /// Whether a chunk that took `per_firing` moves the graph out: at once if it was far beyond the
    /// limit, else at the second in a row, since one wait for a processor is no fault of the graph.
    fn is_slow(&mut self, per_firing: Duration, slow: Duration) -> bool {
        self.slow_chunks = if per_firing >= slow { self.slow_chunks + 1 } else { 0 };
        self.slow_chunks >= 2 || per_firing >= slow.saturating_mul(FAR_BEYOND)
    }

    /// Take the run out of the cell.
    pub(super) fn detach(&mut self, hand: Option<HandedOver>, why: DetachCause) -> Option<Box<Detached>> {
        let mut run = self.run.take()?;
        // What it makes elsewhere is of no turn.
        run.checking = None;
        self.seated = Seated::Detached;
        // From here on the delivery edge knows of the run only what it is told.
        self.delivery.conclude(0, None, run.entry(), Vec::new());
        let delivery = Arc::clone(&self.delivery);
        Some(Box::new(Detached { graph: self.name.clone(), run, delivery, hand, why }))
    }

    /// Take it out of service: what waits and what comes is dropped.
    pub(crate) fn quarantine(&mut self, reason: String, cx: &mut RunContext<'_>) {
        self.seated = Seated::Quarantined(reason);
        self.delivery.quarantine(cx.now, cx.letters);
        if let Some(run) = &mut self.run {
            run.give_up_outputs(Dropped::Quarantined, cx);
        }
    }

    /// Whether its actor is gone, and its firings queue.
    pub fn is_out(&self) -> bool {
        self.seated == Seated::Out
    }

    /// Whether it runs with a worker of its own.
    pub fn is_detached(&self) -> bool {
        self.seated == Seated::Detached
    }

    /// Why it is out of service, if it is.
    pub fn quarantined(&self) -> Option<&str> {
        match &self.seated {
            Seated::Quarantined(reason) => Some(reason),
            Seated::InPlace | Seated::Detached | Seated::Out => None,
        }
    }

    /// The delivery edge's ledger.
    pub(crate) fn entry(&self) -> Entry {
        let mut entry = self.delivery.entry(self.run.as_ref().map(GraphRun::entry));
        entry.accepted += self.accepted_in_place;
        entry += self.refused;
        entry
    }
}

#[derive(Default)]
struct ChunkEnd {
    blocked: bool,
    ended: Option<Box<ChunkEnded>>,
}

/// A chunk that did not run to its end in place.
struct ChunkEnded {
    hand: Option<HandedOver>,
    quarantined: Option<Failure>,
}
