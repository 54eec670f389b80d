//! `latest`: the cell against the reference, turn by turn.

use super::harness::{Rig, cases, criteria_of, source_name};
use super::reference::{Latest, Shape, shapes};
use acequia_core::Overflow;
use acequia_core::cell::FireError;
use acequia_core::column::{AnyColumn, Column};
use acequia_core::reactor::Strategy as ReactorStrategy;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Op {
    Push { source: usize, n: usize },
    Turn,
    Pause,
    Resume,
    Fire,
    FireWith { source: usize },
    Flush,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0..4_usize, 1..9_usize).prop_map(|(source, n)| Op::Push { source, n }),
        6 => Just(Op::Turn),
        1 => Just(Op::Pause),
        2 => Just(Op::Resume),
        1 => Just(Op::Fire),
        1 => (0..4_usize).prop_map(|source| Op::FireWith { source }),
        1 => Just(Op::Flush),
    ];
    proptest::collection::vec(op, 1..80)
}

fn overflows() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        Just(Overflow::Block),
        Just(Overflow::DropNewest),
        Just(Overflow::DropOldest),
        Just(Overflow::Coalesce),
        Just(Overflow::DeadLetter),
    ]
}

struct Test {
    rig: Rig,
    reference: Latest,
    waiting: Vec<Vec<u64>>,
    overflow: Overflow,
    next: u64,
}

impl Test {
    fn push(&mut self, source: usize) {
        let (ring, waiting) = (&self.rig.rings[source], &mut self.waiting[source]);
        let full = waiting.len() >= ring.capacity();
        let taken = ring.try_push(self.next);
        assert_eq!(taken.is_err(), full && self.overflow == Overflow::Block);
        match self.overflow {
            _ if !full => waiting.push(self.next),
            Overflow::DropOldest => {
                waiting.remove(0);
                waiting.push(self.next);
            }
            Overflow::Coalesce => *waiting = vec![self.next],
            _ => {}
        }
        self.next += 1;
    }

    fn turn(&mut self) {
        let newest: Vec<Option<u64>> = self.waiting.iter().map(|waiting| waiting.last().copied()).collect();
        self.waiting.iter_mut().for_each(Vec::clear);
        self.reference.turn(&newest);
        self.rig.turn();
    }

    fn fire(&mut self, overlay: Option<usize>) {
        let mut column = Column::<u64>::default();
        column.push(self.next);
        let inputs: Vec<_> = overlay
            .map(|source| (source_name(source).into(), Box::new(column) as Box<dyn AnyColumn>))
            .into_iter()
            .collect();
        match self.rig.with(|cell, cx| cell.fire(&inputs, cx).map(|_| ())) {
            Ok(()) => assert!(!self.reference.paused),
            Err(FireError::Paused { .. }) => return assert!(self.reference.paused),
            Err(other) => panic!("{other}"),
        }
        match overlay {
            None => self.reference.fire(),
            Some(source) => {
                let mut row = self.reference.cache.clone();
                row[source] = Some(self.next);
                self.reference.firings.push(row);
            }
        }
        self.next += 1;
    }

    fn apply(&mut self, op: &Op, shape: &Shape) {
        match op {
            Op::Push { source, n } => (0..*n).for_each(|_| self.push(source % shape.n)),
            Op::Turn => self.turn(),
            Op::Pause => {
                self.rig.cell.pause();
                self.reference.paused = true;
            }
            Op::Resume => {
                self.rig.cell.resume();
                self.reference.paused = false;
            }
            Op::Fire => self.fire(None),
            Op::FireWith { source } => self.fire(Some(source % shape.n)),
            Op::Flush => self.rig.cell.ask_flush(),
        }
        self.rig.check();
        assert_eq!(self.rig.seen(), self.reference.firings);
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn latest_fires_as_the_reference_does_turn_by_turn(
        shape in shapes(), capacity in 1..9_usize, overflow in overflows(), ops in ops(),
    ) {
        let criteria = criteria_of(&shape.named, shape.needed);
        let rig = Rig::new(&vec![capacity; shape.n], overflow, criteria, ReactorStrategy::Latest);
        let waiting = vec![Vec::new(); shape.n];
        let mut test = Test { rig, reference: Latest::new(shape.clone()), waiting, overflow, next: 0 };
        for op in &ops {
            test.apply(op, &shape);
        }
    }

    /// Bursts beyond what a turn handles: by a scheduler's turns alone, the newest value of every source
    /// is in the last firing whenever the last burst meets the criteria.
    #[test]
    fn latest_fires_the_last_value_of_every_source(
        shape in shapes(),
        bursts in proptest::collection::vec((0..4_usize, 1..700_usize, any::<bool>()), 1..20),
    ) {
        let criteria = criteria_of(&shape.named, shape.needed);
        let mut rig = Rig::new(&vec![600; shape.n], Overflow::Block, criteria, ReactorStrategy::Latest);
        let mut newest = vec![None; shape.n];
        let mut next = 0;
        let mut push = |rig: &mut Rig, newest: &mut Vec<Option<u64>>, source: usize, n: usize| {
            for _ in 0..n {
                if rig.rings[source].try_push(next).is_ok() {
                    newest[source] = Some(next);
                }
                next += 1;
            }
        };
        for (source, n, turn) in bursts {
            push(&mut rig, &mut newest, source % shape.n, n);
            if turn {
                rig.turn();
            }
        }
        rig.settle();
        for source in &shape.named {
            push(&mut rig, &mut newest, *source, 1);
        }
        let n_firings = rig.seen().len();
        rig.settle();
        let seen = rig.seen();
        prop_assert!(seen.len() > n_firings);
        prop_assert_eq!(seen.last().unwrap(), &newest);
        rig.turn();
        prop_assert_eq!(rig.seen().len(), seen.len(), "no firing without a dirty named source");
    }
}
