//! The delivery ring against a plain vector: every policy, taken, put back, redelivered, given up.

use super::harness::{Bell, Row, cases};
use super::ring::overflows;
use acequia_core::cell::{Batch, Delivery, Outcome};
use acequia_core::column::{AnyColumn, Column};
use acequia_core::graph::{ABSENT, InputDecl, Presence, View};
use acequia_core::ledger::{Dropped, Entry, Settled};
use acequia_core::letter::{DeadLetter, Letter};
use acequia_core::ring::Doorbell;
use acequia_core::{FiringId, Overflow, Timestamp};
use proptest::prelude::*;
use std::sync::Arc;
use std::task::Waker;

const SOURCES: usize = 3;
/// The graph reads the reactor's sources in an order of its own, and not all of them.
const MAP: [usize; 2] = [2, 0];

#[derive(Debug, Clone)]
enum Op {
    /// Per firing: which sources have a new value.
    Deliver {
        fresh: Vec<[bool; SOURCES]>,
        from: usize,
    },
    Take,
    /// The worker ends this many of the firings in hand, one in three of them badly.
    Conclude(usize),
    PutBack(usize),
    Redeliver,
    GiveUp,
    Quarantine,
    Pardon,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (proptest::collection::vec(any::<[bool; SOURCES]>(), 1..7), 0..3_usize)
            .prop_map(|(fresh, from)| Op::Deliver { fresh, from }),
        1 => (proptest::collection::vec(any::<[bool; SOURCES]>(), 150..260))
            .prop_map(|fresh| Op::Deliver { fresh, from: 0 }),
        4 => Just(Op::Take),
        3 => (0..8_usize).prop_map(Op::Conclude),
        2 => (0..8_usize).prop_map(Op::PutBack),
        1 => Just(Op::Redeliver),
        1 => Just(Op::GiveUp),
        1 => Just(Op::Quarantine),
        1 => Just(Op::Pardon),
    ];
    proptest::collection::vec(op, 1..50)
}

type Firing = (u64, Row);

struct Test {
    delivery: Delivery,
    bell: Arc<Bell>,
    capacity: usize,
    overflow: Overflow,
    letters: Vec<DeadLetter>,
    columns: Vec<Box<dyn AnyColumn>>,
    current: [u32; SOURCES],
    next: u64,
    run: Entry,
    /// Taken, with how many of it ended.
    batch: Option<(Batch, usize)>,
    was_put_back: bool,
    // The model.
    waiting: Vec<Firing>,
    hand: Vec<Firing>,
    buried: Vec<(Firing, Dropped)>,
    counts: Entry,
    quarantined: bool,
    outcomes: Vec<(u64, Outcome)>,
}

fn rows_of(batch: &Batch) -> Vec<Firing> {
    let map: Vec<usize> = (0..batch.columns.len()).collect();
    let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
    let row =
        |firing: usize| map.iter().map(|input| view.input::<u64>(*input).get(firing).copied()).collect();
    batch.ids.iter().enumerate().map(|(firing, id)| (*id, row(firing))).collect()
}

impl Test {
    fn new(capacity: usize, overflow: Overflow) -> Self {
        let inputs = ["a", "b"].map(|name| InputDecl::new::<u64>(name, Presence::Optional));
        let delivery = Delivery::new("g".into(), &inputs, capacity, overflow);
        let bell = Arc::new(Bell::default());
        delivery.set_doorbell(Arc::clone(&bell) as Arc<dyn Doorbell>);
        Self {
            delivery,
            bell,
            capacity,
            overflow,
            letters: Vec::new(),
            columns: (0..SOURCES).map(|_| Box::new(Column::<u64>::default()) as Box<dyn AnyColumn>).collect(),
            current: [ABSENT; SOURCES],
            next: 0,
            run: Entry::default(),
            batch: None,
            was_put_back: false,
            waiting: Vec::new(),
            hand: Vec::new(),
            buried: Vec::new(),
            counts: Entry::default(),
            quarantined: false,
            outcomes: Vec::new(),
        }
    }

    fn value(&self, source: usize) -> Option<u64> {
        let index = usize::try_from(self.current[source]).unwrap();
        let column = self.columns[source].as_any().downcast_ref::<Column<u64>>().unwrap();
        (self.current[source] != ABSENT).then(|| column.as_slice()[index])
    }

    fn deliver(&mut self, fresh: &[[bool; SOURCES]], from: usize) {
        let first = self.next;
        let mut rows = Vec::new();
        let from = from.min(fresh.len());
        for (firing, fresh) in fresh.iter().enumerate() {
            for source in (0..SOURCES).filter(|source| fresh[*source]) {
                let column = &mut self.columns[source];
                let value = self.next * 10 + source as u64;
                column.as_any_mut().downcast_mut::<Column<u64>>().unwrap().push(value);
                self.current[source] = u32::try_from(column.len() - 1).unwrap();
            }
            rows.extend_from_slice(&self.current);
            if firing >= from {
                let row = MAP.iter().map(|source| self.value(*source)).collect();
                self.accept((self.next, row));
            }
            self.next += 1;
        }
        let view = View::new(&self.columns, &MAP, &rows, FiringId(first));
        // Room is what the reactor asks for before it lets something fire.
        let room = self.delivery.room(Waker::noop());
        let free = self.capacity.saturating_sub(self.waiting_before(fresh.len() - from));
        assert_eq!(room, if self.overflow == Overflow::Block { free } else { usize::MAX });
        self.delivery.deliver(&view, first, from, Timestamp::ZERO, &mut self.letters);
    }

    /// Under `Block` everything is taken, so that what waited before is what waits now, less the new.
    fn waiting_before(&self, n: usize) -> usize {
        self.waiting.len() - if self.quarantined { 0 } else { n.min(self.waiting.len()) }
    }

    fn accept(&mut self, firing: Firing) {
        self.counts.accepted += 1;
        let full = self.waiting.len() >= self.capacity;
        match self.overflow {
            _ if self.quarantined => self.bury(firing, Dropped::Quarantined),
            Overflow::Coalesce => {
                for (id, _) in std::mem::take(&mut self.waiting) {
                    self.counts.settle(Settled::Superseded, 1);
                    self.outcomes.push((id, Outcome::Superseded));
                }
                self.waiting.push(firing);
            }
            Overflow::DropOldest if full => {
                let (id, _) = self.waiting.remove(0);
                self.overflowed(id);
                self.waiting.push(firing);
            }
            Overflow::DropNewest if full => self.overflowed(firing.0),
            Overflow::DeadLetter if full => self.bury(firing, Dropped::Overflow),
            _ => self.waiting.push(firing),
        }
    }

    fn overflowed(&mut self, id: u64) {
        self.counts.drop(Dropped::Overflow, 1);
        self.outcomes.push((id, Outcome::Dropped(Dropped::Overflow)));
    }

    fn bury(&mut self, firing: Firing, why: Dropped) {
        self.counts.drop(why, 1);
        self.outcomes.push((firing.0, Outcome::Dropped(why)));
        self.buried.push((firing, why));
    }

    fn take(&mut self) {
        if self.batch.is_some() {
            return;
        }
        assert_eq!(self.delivery.has_waiting(), !self.waiting.is_empty());
        self.hand = std::mem::take(&mut self.waiting);
        match self.delivery.take(Timestamp::ZERO) {
            Some(batch) => {
                assert_eq!(rows_of(&batch), self.hand, "in order, each with its own inputs");
                self.batch = Some((batch, 0));
                self.was_put_back = false;
            }
            None => assert!(self.hand.is_empty()),
        }
    }

    fn conclude(&mut self, n: usize) {
        let Some((_, done)) = &mut self.batch else { return };
        let n = n.min(self.hand.len());
        *done += n;
        let ended: Vec<Firing> = self.hand.drain(..n).collect();
        let mut exceptions = Vec::new();
        for (id, _) in &ended {
            if id % 3 == 0 {
                self.run.drop(Dropped::TimedOut, 1);
                exceptions.push((FiringId(*id), Outcome::TimedOut));
                self.outcomes.push((*id, Outcome::TimedOut));
            } else {
                self.run.settle(Settled::HandedOn, 1);
                self.outcomes.push((*id, Outcome::Completed));
            }
        }
        let upto = ended.last().map(|(id, _)| FiringId(*id));
        self.delivery.conclude(n as u64, upto, self.run, exceptions);
        if self.hand.is_empty()
            && let Some((batch, _)) = self.batch.take()
        {
            self.delivery.recycle(batch);
        }
    }

    /// The worker cannot run what it has in hand beyond the next `n`.
    fn put_back(&mut self, n: usize) {
        // Once a batch: what was put back belongs to the ring again.
        let Some((batch, done)) = self.batch.as_ref().filter(|_| !self.was_put_back) else { return };
        let n = n.min(self.hand.len());
        self.was_put_back = true;
        self.delivery.deliver_back(batch, done + n, Timestamp::ZERO);
        let mut back = self.hand.split_off(n);
        back.append(&mut self.waiting);
        self.waiting = back;
        if self.hand.is_empty() {
            self.batch = None;
        }
    }

    /// Replay the newest dead letter.
    fn redeliver(&mut self) {
        let Some((letter, (firing, _))) = self.letters.pop().zip(self.buried.pop()) else { return };
        let Letter::Inputs { firing: id, columns } = &letter.letter else { panic!("a firing's letter") };
        self.delivery.redeliver(*id, columns, Timestamp::ZERO);
        self.counts.accepted += 1;
        self.waiting.push(firing);
    }

    fn give_up(&mut self, why: Dropped) {
        for firing in std::mem::take(&mut self.waiting) {
            self.bury(firing, why);
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Deliver { fresh, from } => self.deliver(fresh, *from),
            Op::Take => self.take(),
            Op::Conclude(n) => self.conclude(*n),
            Op::PutBack(n) => self.put_back(*n),
            Op::Redeliver => self.redeliver(),
            Op::GiveUp => {
                self.delivery.give_up(Dropped::Unbound, Timestamp::ZERO, &mut self.letters);
                self.give_up(Dropped::Unbound);
            }
            Op::Quarantine => {
                self.delivery.quarantine(Timestamp::ZERO, &mut self.letters);
                self.quarantined = true;
                self.give_up(Dropped::Quarantined);
            }
            Op::Pardon => {
                self.delivery.pardon();
                self.quarantined = false;
            }
        }
        self.check();
    }

    fn check(&self) {
        let entry = self.delivery.entry(None);
        entry.check().unwrap();
        let mut counts = self.counts;
        counts += self.run;
        counts.unsettled = (self.waiting.len() + self.hand.len()) as u64;
        assert_eq!(entry, counts);
        assert_eq!(self.delivery.waiting(), self.waiting.len());
        assert_eq!(self.delivery.in_hand(), self.hand.len() as u64);
        let letters: Vec<(Firing, Dropped)> = self.letters.iter().map(read).collect();
        assert_eq!(letters, self.buried, "a letter holds the firing's inputs");
        assert!(self.waiting.is_empty() || self.bell.rings() > 0, "somebody was told");
    }

    fn check_outcomes(&self) {
        for id in 0..self.next {
            let open = self.waiting.iter().chain(&self.hand).any(|(open, _)| *open == id);
            let last = self.outcomes.iter().rev().find(|(known, _)| *known == id);
            if let Some((_, wanted)) = last.filter(|_| !open) {
                let got = self.delivery.outcome(FiringId(id));
                assert_eq!(&got, wanted, "outcome of {id}");
            }
        }
    }
}

fn read(letter: &DeadLetter) -> (Firing, Dropped) {
    let Letter::Inputs { firing, columns } = &letter.letter else { panic!("a firing's letter") };
    let value = |column: &dyn AnyColumn| {
        column.as_any().downcast_ref::<Column<u64>>().unwrap().as_slice().first().copied()
    };
    ((firing.0, columns.iter().map(|column| value(&**column)).collect()), letter.why)
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_delivery_ring_is_a_bounded_queue_of_firings_with_a_policy(
        capacity in 1..6_usize, overflow in overflows(), ops in ops(),
    ) {
        let mut test = Test::new(capacity, overflow);
        for op in &ops {
            test.apply(op);
        }
        if !ops.iter().any(|op| matches!(op, Op::Redeliver)) {
            test.check_outcomes();
        }
    }
}

/// Values that no waiting firing uses are dropped once they are many, which moves the others.
#[test]
fn a_value_shared_by_firings_survives_the_tidying_of_its_column() {
    for n in 60..100 {
        let mut test = Test::new(2, Overflow::DropOldest);
        let mut fresh = vec![[true; SOURCES]; n];
        fresh.push([false; SOURCES]);

        test.apply(&Op::Deliver { fresh, from: 0 });

        test.apply(&Op::Take);
    }
}

/// A mark that said that it is open would have every firing since then done again after a crash.
#[test]
fn a_firing_that_is_replayed_alone_opens_none_that_ended_since() {
    let inputs = [InputDecl::new::<u64>("a", Presence::Optional)];
    let delivery = Delivery::new("g".into(), &inputs, 8, Overflow::Block);
    let mut column = Column::<u64>::default();
    column.push(7);
    let columns: Vec<Box<dyn AnyColumn>> = vec![Box::new(column)];
    let view = View::new(&columns, &[0], &[0, 0, 0], FiringId(0));
    delivery.deliver(&view, 0, 0, Timestamp::ZERO, &mut Vec::new());
    let batch = delivery.take(Timestamp::ZERO).unwrap();
    assert_eq!((delivery.first_open(), delivery.ended()), (Some(0), 0));
    delivery.conclude(3, Some(FiringId(2)), Entry::default(), Vec::new());
    assert_eq!((delivery.first_open(), delivery.ended()), (None, 3));

    delivery.redeliver(FiringId(batch.ids[1]), &columns, Timestamp::ZERO);
    assert_eq!((delivery.waiting(), delivery.first_open(), delivery.ended()), (1, None, 3));
    delivery.deliver(&view, 3, 0, Timestamp::ZERO, &mut Vec::new());
    assert_eq!((delivery.first_open(), delivery.ended()), (Some(3), 3));
}
