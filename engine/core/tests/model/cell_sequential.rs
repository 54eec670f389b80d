//! `sequential`: the cell against the reference, firing by firing.

use super::harness::{Rig, Row, Seen, cases, criteria_of, recorder, source_name};
use super::reference::{Sequential, Shape, shapes};
use acequia_core::cell::{FireError, RunContext};
use acequia_core::column::{AnyColumn, Column};
use acequia_core::reactor::Strategy as ReactorStrategy;
use acequia_core::{GraphName, Overflow};
use proptest::prelude::*;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Op {
    Push {
        source: usize,
        n: usize,
    },
    Turn,
    Settle,
    Advance,
    Pause,
    Resume,
    Fire,
    FireWith {
        source: usize,
    },
    Flush,
    /// The second subscriber, which is elsewhere, takes what it was delivered.
    Take,
    /// The third subscriber's actor is gone, or back.
    TakeOut,
    Reseat,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0..4_usize, 1..6_usize).prop_map(|(source, n)| Op::Push { source, n }),
        1 => (0..4_usize, 250..700_usize).prop_map(|(source, n)| Op::Push { source, n }),
        4 => Just(Op::Turn),
        2 => Just(Op::Settle),
        1 => Just(Op::Advance),
        1 => Just(Op::Pause),
        2 => Just(Op::Resume),
        1 => Just(Op::Fire),
        1 => (0..4_usize).prop_map(|source| Op::FireWith { source }),
        1 => Just(Op::Flush),
        2 => Just(Op::Take),
        1 => Just(Op::TakeOut),
        2 => Just(Op::Reseat),
    ];
    proptest::collection::vec(op, 1..60)
}

fn capacities() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![3 => 1..6_usize, 1 => 200..600_usize], 4)
}

struct Test {
    rig: Rig,
    reference: Sequential,
    shape: Shape,
    next: u64,
    paused: bool,
    /// Firings of the criteria, without those by hand.
    fired: Vec<Row>,
    seen: usize,
    elsewhere: Option<GraphName>,
    delivered: Vec<Row>,
    wanderer: Option<(GraphName, Seen)>,
}

impl Test {
    fn new(shape: Shape, capacities: &[usize], elsewhere: bool, wanders: bool) -> Self {
        let criteria = criteria_of(&shape.named, shape.needed);
        let mut rig =
            Rig::new(&capacities[..shape.n], Overflow::Block, criteria, ReactorStrategy::Sequential);
        let elsewhere = elsewhere.then(|| {
            let name = GraphName::from("elsewhere");
            let decl = recorder("elsewhere", shape.n, &Seen::default())
                .overflow(Overflow::Block)
                .delivery_capacity(3);
            rig.bind(decl);
            rig.cell.detach(&name).unwrap();
            name
        });
        let wanderer = wanders.then(|| {
            let (name, seen) = (GraphName::from("wanderer"), Seen::default());
            rig.bind(recorder("wanderer", shape.n, &seen).overflow(Overflow::Block).delivery_capacity(5));
            (name, seen)
        });
        let reference = Sequential::new(shape.clone());
        let (fired, delivered) = (Vec::new(), Vec::new());
        Self { rig, reference, shape, next: 0, paused: false, fired, seen: 0, elsewhere, delivered, wanderer }
    }

    fn push(&mut self, source: usize, n: usize) {
        let ring = Arc::clone(&self.rig.rings[source]);
        for _ in 0..n {
            let full = ring.len() >= ring.capacity();
            let taken = ring.try_push(self.next);
            assert_eq!(taken.is_err(), full, "refused if and only if full");
            if let Err(error) = taken {
                assert_eq!(error.into_item(), self.next, "a refused event comes back");
                break;
            }
            self.reference.event(source, self.next);
            self.next += 1;
        }
    }

    /// Note what fired since the last look.
    fn look(&mut self) {
        let seen = self.rig.seen();
        self.fired.extend(seen[self.seen..].iter().cloned());
        self.seen = seen.len();
        assert!(self.fired.len() <= self.reference.firings.len(), "nothing fires twice");
        assert_eq!(self.fired, self.reference.firings[..self.fired.len()]);
    }

    fn fire(&mut self, overlay: Option<usize>) {
        let value = 1_000_000 + self.next;
        let inputs: Vec<_> = overlay
            .map(|source| {
                let mut column = Column::<u64>::default();
                column.push(value);
                (source_name(source).into(), Box::new(column) as Box<dyn AnyColumn>)
            })
            .into_iter()
            .collect();
        let fired = self.rig.with(|cell, cx| cell.fire(&inputs, cx).map(|(id, _)| id));
        self.rig.check();
        match fired {
            Err(FireError::Paused { .. }) => assert!(self.paused),
            Err(FireError::Blocked { .. }) => {
                assert!(self.elsewhere.is_some() || self.wanderer.is_some());
            }
            Err(other) => panic!("{other}"),
            Ok(_) => {
                let row = self.rig.seen().pop().unwrap();
                self.seen += 1;
                let last = self.fired.last();
                for named in &self.shape.named {
                    let cached = last.and_then(|row| row[*named]);
                    let wanted = if overlay == Some(*named) { Some(value) } else { cached };
                    assert_eq!(row[*named], wanted, "by hand: the cache, with the inputs laid over it");
                }
            }
        }
    }

    fn take(&mut self) {
        let Some(name) = &self.elsewhere else { return };
        let delivery = self.rig.cell.delivery(name).unwrap();
        let Some(batch) = delivery.take(self.rig.now) else { return };
        let map: Vec<usize> = (0..batch.columns.len()).collect();
        let view =
            acequia_core::graph::View::new(&batch.columns, &map, &batch.rows, acequia_core::FiringId(0));
        for firing in 0..batch.len() {
            let row = map.iter().map(|input| view.input::<u64>(*input).get(firing).copied()).collect();
            self.delivered.push(row);
        }
        let n = batch.len() as u64;
        let mut run = delivery.entry(None);
        run.accepted = 0;
        run.unsettled = 0;
        run.settle(acequia_core::ledger::Settled::HandedOn, n);
        delivery.conclude(n, None, run, Vec::new());
        self.rig.check();
    }

    fn apply(&mut self, op: &Op) {
        let within = |source: usize| source % self.shape.n;
        match op {
            Op::Push { source, n } => self.push(within(*source), *n),
            Op::Turn => drop(self.rig.turn()),
            Op::Settle => self.rig.settle(),
            Op::Advance => self.rig.now = self.rig.now.after(Duration::from_millis(7)),
            Op::Pause => {
                self.rig.cell.pause();
                self.paused = true;
            }
            Op::Resume => self.resume(),
            Op::Fire => {
                self.look();
                self.fire(None);
            }
            Op::FireWith { source } => {
                let source = within(*source);
                self.look();
                self.fire(Some(source));
            }
            Op::Flush => self.rig.cell.ask_flush(),
            Op::Take => self.take(),
            Op::TakeOut => {
                if let Some((name, _)) = &self.wanderer {
                    self.rig.cell.take_out(name);
                }
            }
            Op::Reseat => self.reseat(),
        }
        self.rig.check();
        self.look();
    }

    /// It is back, with a fresh part, and catches up before anything newer.
    fn reseat(&mut self) {
        if let Some((name, _)) = &self.wanderer {
            self.rig.cell.reseat(name);
            self.rig.turn();
        }
    }

    fn resume(&mut self) {
        self.rig.cell.resume();
        self.paused = false;
        // As the reactor does: the next turn decides what is pending.
        self.rig.turn();
    }

    /// Come to rest as a scheduler does, then compare everything.
    fn finish(mut self) {
        self.reseat();
        self.resume();
        loop {
            self.rig.settle();
            let before = self.delivered.len();
            self.take();
            if self.delivered.len() == before {
                break;
            }
        }
        self.look();
        assert_eq!(self.fired, self.reference.firings, "every firing took place");
        if self.elsewhere.is_some() {
            assert_eq!(self.delivered, self.rig.seen(), "and reached the subscriber elsewhere");
        }
        if let Some((_, seen)) = &self.wanderer {
            assert_eq!(*seen.lock().unwrap(), self.rig.seen(), "and the one that came and went");
        }
        self.unbind_all();
    }

    fn unbind_all(&mut self) {
        let (mut letters, mut failures) = (Vec::new(), Vec::new());
        let mut cx = RunContext {
            now: self.rig.now,
            waker: Waker::noop(),
            letters: &mut letters,
            failures: &mut failures,
        };
        for name in self.rig.cell.subscribers() {
            assert!(self.rig.cell.unbind(&name, &mut cx));
        }
        self.rig.check();
    }
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn sequential_fires_as_the_reference_does(
        shape in shapes(), capacities in capacities(), elsewhere in any::<bool>(), wanders in any::<bool>(),
        ops in ops(),
    ) {
        let mut test = Test::new(shape, &capacities, elsewhere, wanders);
        for op in &ops {
            test.apply(op);
        }
        test.finish();
    }
}
