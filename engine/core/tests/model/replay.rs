//! A crash at any moment: a fresh cell goes through the marks that reached the disk, takes the other events
//! anew, and fires what an undisturbed one would have fired.

use super::harness::{Rig, Row, Seen, cases, criteria_of, quiet_panic, recorder, source_name};
use super::reference::{Sequential, Shape, shapes};
use acequia_core::FiringId;
use acequia_core::accumulator::{AccumulatorDecl, Batch, Kind, Passthrough, Reply, Stateful};
use acequia_core::cell::{Checkpoint, EdgeKind};
use acequia_core::durable::TurnMark;
use acequia_core::fault::FaultBudget;
use acequia_core::graph::View;
use acequia_core::reactor::{ReactorDecl, Strategy as ReactorStrategy};
use acequia_core::ring::{EncodedEvents, Intake, Written};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const ROOM: usize = 8;
const BAD: u64 = 5;

fn accumulator(source: usize) -> AccumulatorDecl {
    let name = source_name(source);
    let decl = match source {
        0 => AccumulatorDecl::passthrough::<u64>(name),
        1 => AccumulatorDecl::new(name, Kind::Stream, || {
            Stateful::new(0_u64, |sum: &mut u64, event: &u64| {
                *sum += event;
                Ok(Some(*sum))
            })
        }),
        2 => AccumulatorDecl::new(name, Kind::Batch, || {
            Batch::new(None, 3, |events: &[u64]| Ok(Some(events.iter().sum::<u64>())))
        }),
        _ => AccumulatorDecl::new(name, Kind::Passthrough, || {
            Passthrough::new(|event: &u64| {
                if *event % 7 == BAD { quiet_panic("bad") } else { Ok(Reply::Ready(Some(*event))) }
            })
        }),
    };
    decl.capacity(ROOM).budget(FaultBudget { attempts: 1, faults: 1_000_000, ..FaultBudget::default() })
}

/// What each accumulator makes of an event.
#[derive(Default)]
struct Makes {
    sum: u64,
    batch: Vec<u64>,
}

impl Makes {
    fn boundary(&mut self, source: usize, event: u64) -> Option<u64> {
        match source {
            0 => Some(event),
            1 => {
                self.sum += event;
                Some(self.sum)
            }
            2 => {
                self.batch.push(event);
                (self.batch.len() == 3).then(|| std::mem::take(&mut self.batch).iter().sum())
            }
            _ => (event % 7 != BAD).then_some(event),
        }
    }
}

#[derive(Debug, Clone)]
enum Op {
    Push {
        source: usize,
        n: usize,
    },
    Turn,
    Settle,
    Pause,
    Resume,
    /// The subscriber elsewhere takes what it was delivered, and ends it.
    Take,
    /// All that the cell is is written down, if it can be.
    Checkpoint,
    /// The machine stops; the last marks had not reached the disk.
    Crash {
        lost: usize,
    },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0..4_usize, 1..6_usize).prop_map(|(source, n)| Op::Push { source, n }),
        4 => Just(Op::Turn),
        2 => Just(Op::Settle),
        1 => Just(Op::Pause),
        2 => Just(Op::Resume),
        2 => Just(Op::Take),
        2 => Just(Op::Checkpoint),
        2 => (0..4_usize).prop_map(|lost| Op::Crash { lost }),
    ];
    proptest::collection::vec(op, 1..80)
}

/// Events and marks, as a journal keeps them.
#[derive(Default)]
struct Journal {
    /// Source and value, in the order of arrival.
    events: Vec<(usize, u64)>,
    marks: Vec<Vec<u8>>,
    /// The last checkpoint, behind so many marks.
    checkpoint: Option<(usize, Vec<u8>)>,
}

struct Life {
    rig: Rig,
    shape: Shape,
    journal: Journal,
    reference: Sequential,
    makes: Makes,
    next: u64,
    /// Events of the journal that are in the rings, or were.
    offered: usize,
    fired: BTreeMap<u64, Row>,
    seen: usize,
    delivered: BTreeMap<u64, Row>,
}

/// Here the test itself is the journal.
struct Elsewhere;

impl Intake for Elsewhere {
    fn poll_open(&self, _waker: &std::task::Waker) -> bool {
        true
    }

    fn write(&self, _values: EncodedEvents, _written: Written) {
        unreachable!("the test writes by itself")
    }
}

fn rig(shape: &Shape) -> Rig {
    let accumulators = (0..shape.n).map(accumulator).collect();
    let criteria = criteria_of(&shape.named, shape.needed);
    let decl = ReactorDecl::new("r", accumulators, criteria).strategy(ReactorStrategy::Sequential);
    let mut rig = Rig::over(decl);
    for (source, slot) in rig.cell.slots().iter().enumerate() {
        slot.ring().set_journaled(source_name(source).into(), Arc::new(Elsewhere));
    }
    let elsewhere = recorder("elsewhere", shape.n, &Seen::default()).delivery_capacity(1_000_000);
    rig.bind(elsewhere);
    rig.cell.detach(&"elsewhere".into()).unwrap();
    rig
}

impl Life {
    fn new(shape: Shape) -> Self {
        let mut rig = rig(&shape);
        rig.cell.keep_marks(false);
        Self {
            rig,
            reference: Sequential::new(shape.clone()),
            shape,
            journal: Journal::default(),
            makes: Makes::default(),
            next: 1,
            offered: 0,
            fired: BTreeMap::new(),
            seen: 0,
            delivered: BTreeMap::new(),
        }
    }

    /// An event has its room before it is on disk, and is on disk before it is in its ring.
    fn push(&mut self, source: usize, n: usize) {
        for _ in 0..n {
            if self.offered < self.journal.events.len() || self.rig.rings[source].len() >= ROOM {
                return;
            }
            self.journal.events.push((source, self.next));
            if let Some(boundary) = self.makes.boundary(source, self.next) {
                self.reference.event(source, boundary);
            }
            self.next += 1;
        }
        self.offer();
    }

    fn offer(&mut self) {
        while let Some((source, value)) = self.journal.events.get(self.offered) {
            let ring = &self.rig.rings[*source];
            if ring.reserve(1, None).is_err() {
                break;
            }
            ring.fill(std::iter::once(*value));
            self.offered += 1;
        }
    }

    fn turn(&mut self) {
        let first = self.rig.cell.n_firings();
        let turn = self.rig.turn();
        if let Some(mark) = turn.write.and_then(|write| write.mark) {
            self.journal.marks.push(mark.encode(Vec::new()).unwrap());
        }
        self.note(first);
    }

    /// Note what the graph in place has seen, by number.
    fn note(&mut self, first: u64) {
        let seen = self.rig.seen();
        for (at, row) in seen[self.seen..].iter().enumerate() {
            self.fired.insert(first + at as u64, row.clone());
        }
        self.seen = seen.len();
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            let before = (self.rig.cell.n_firings(), self.offered, self.journal.marks.len());
            self.offer();
            self.turn();
            if before == (self.rig.cell.n_firings(), self.offered, self.journal.marks.len()) {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    fn take(&mut self) {
        let delivery = self.rig.cell.delivery(&"elsewhere".into()).unwrap();
        let Some(batch) = delivery.take(self.rig.now) else { return };
        let map: Vec<usize> = (0..batch.columns.len()).collect();
        let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
        for (firing, id) in batch.ids.iter().enumerate() {
            let row: Row = map.iter().map(|at| view.input::<u64>(*at).get(firing).copied()).collect();
            if let Some(before) = self.delivered.insert(*id, row.clone()) {
                assert_eq!(before, row, "firing {id} is delivered again as it was");
            }
        }
        let n = batch.len() as u64;
        let mut run = delivery.entry(None);
        (run.accepted, run.unsettled) = (0, 0);
        run.settle(acequia_core::ledger::Settled::HandedOn, n);
        delivery.conclude(n, batch.ids.last().map(|id| FiringId(*id)), run, Vec::new());
    }

    fn checkpoint(&mut self) {
        // What was done by hand since the last turn is not in a mark yet.
        self.turn();
        if let Some(checkpoint) = self.rig.cell.checkpoint(self.rig.now).unwrap() {
            self.journal.checkpoint = Some((self.journal.marks.len(), checkpoint.encode().unwrap()));
        }
    }

    fn crash(&mut self, lost: usize) {
        let kept = self.journal.marks.len().saturating_sub(lost);
        self.journal.marks.truncate(kept);
        let checkpoint = self.journal.checkpoint.take().filter(|(behind, _)| *behind <= kept);
        self.journal.checkpoint.clone_from(&checkpoint);
        let marks: Vec<_> = self.journal.marks.iter().map(|mark| TurnMark::decode(mark).unwrap()).collect();
        self.rig = rig(&self.shape);
        self.seen = 0;
        let mut consumed = vec![0; self.shape.n];
        let mut behind = 0;
        if let Some((marked, bytes)) = checkpoint {
            let checkpoint = Checkpoint::decode(&bytes).unwrap();
            assert!(self.rig.cell.resume_from(&checkpoint).unwrap());
            behind = marked;
            for mark in &marks[..behind] {
                for (consumed, source) in consumed.iter_mut().zip(&mark.sources) {
                    *consumed += source.consumed;
                }
            }
            self.rig.check();
        }
        for mark in &marks[behind..] {
            self.replay(mark, &mut consumed);
        }
        let last = marks.last().map(|mark| mark.policy.clone()).unwrap_or_default();
        if !marks.is_empty() {
            assert_eq!(self.rig.cell.policy().mark(), last, "it stands where the last mark says");
        }
        self.rig.cell.end_replay();
        self.rig.cell.keep_marks(false);
        self.demand_owed();
        self.fired.split_off(&self.rig.cell.n_firings());
        // Those that were consumed are not offered again.
        let events = std::mem::take(&mut self.journal.events);
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for (source, value) in events {
            if consumed[source] > 0 {
                consumed[source] -= 1;
                done.push((source, value));
            } else {
                left.push((source, value));
            }
        }
        self.offered = done.len();
        self.journal.events = done;
        self.journal.events.append(&mut left);
        self.rig.check();
    }

    /// Whoever asks before the first turn must not believe that all is done.
    fn demand_owed(&self) {
        let cell = &self.rig.cell;
        let owed: u64 = cell.owed().map(|(_, n)| n as u64).sum();
        let open = cell.open();
        let open = open.iter().filter(|open| matches!(open.edge.kind, EdgeKind::Deliveries(_)));
        assert_eq!(open.map(|open| open.n).sum::<u64>(), owed);
        let undelivered =
            self.fired.range(..cell.n_firings()).filter(|(id, _)| !self.delivered.contains_key(id));
        assert!(owed >= undelivered.count() as u64, "what nobody has taken is owed");
    }

    fn replay(&mut self, mark: &TurnMark, consumed: &mut [u64]) {
        for (source, cut) in mark.sources.iter().enumerate() {
            let mine = self.journal.events.iter().filter(|(of, _)| *of == source).map(|(_, value)| *value);
            let skip = usize::try_from(consumed[source]).unwrap();
            let ring = Arc::clone(&self.rig.rings[source]) as Arc<dyn acequia_core::accumulator::AnyRing>;
            let n = usize::try_from(cut.consumed).unwrap();
            for (at, value) in mine.skip(skip).take(n).enumerate() {
                if cut.given_up.contains(&(at as u64)) {
                    ring.push_given_up();
                } else {
                    let mut bytes = Vec::new();
                    acequia_core::Payload::encode(&value, &mut bytes).unwrap();
                    ring.replay_encoded(&bytes).unwrap();
                }
            }
            consumed[source] += cut.consumed;
        }
        let pending = self.rig.with(|cell, cx| cell.replay_events(mark, cx).is_some());
        assert!(!pending);
        self.rig.cell.replay_turn(mark).unwrap();
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Push { source, n } => self.push(source % self.shape.n, *n),
            Op::Turn => self.turn(),
            Op::Settle => self.settle(),
            Op::Pause => self.rig.cell.pause(),
            Op::Resume => self.rig.cell.resume(),
            Op::Take => self.take(),
            Op::Checkpoint => self.checkpoint(),
            Op::Crash { lost } => self.crash(*lost),
        }
    }

    fn finish(mut self) {
        self.rig.cell.resume();
        self.settle();
        self.take();
        let fired: Vec<Row> = self.fired.values().cloned().collect();
        let numbers: Vec<u64> = self.fired.keys().copied().collect();
        assert_eq!(numbers, (0..fired.len() as u64).collect::<Vec<_>>(), "no number is missing");
        assert_eq!(fired, self.reference.firings, "every firing took place, once by its number");
        let delivered: Vec<Row> = self.delivered.values().cloned().collect();
        assert_eq!(delivered, fired, "and every one reached the subscriber elsewhere");
        self.rig.check();
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_crash_at_any_moment_loses_nothing_and_repeats_no_number(shape in shapes(), ops in ops()) {
        let mut life = Life::new(shape);
        for op in &ops {
            life.apply(op);
        }
        life.finish();
    }
}

#[test]
fn an_accumulator_that_makes_something_else_is_told_by_name() {
    let shape = Shape { n: 1, named: vec![0], needed: 1 };
    let mut life = Life::new(shape);
    life.push(0, 2);
    life.turn();
    let mut mark = TurnMark::decode(&life.journal.marks[0]).unwrap();
    mark.sources[0].made = 1;
    life.journal.marks[0] = mark.encode(Vec::new()).unwrap();
    let mut fresh = rig(&life.shape);
    fresh.rings[0].fill([1_u64, 2].into_iter());
    assert!(fresh.with(|cell, cx| cell.replay_events(&mark, cx)).is_none());
    let error = fresh.cell.replay_turn(&mark).unwrap_err().to_string();
    assert!(error.contains("E0346") && error.contains("s0"), "{error}");
}
