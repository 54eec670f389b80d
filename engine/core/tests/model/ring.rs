//! The ring against a plain vector: every policy, full and closed, tickets in order.

use super::harness::{Bell, cases};
use acequia_core::Overflow;
use acequia_core::ledger::{Dropped, Settled};
use acequia_core::ring::{Doorbell, PushError, Ring};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

#[derive(Debug, Clone)]
enum Op {
    Push,
    PushMany(usize),
    Draw,
    Pop,
    Close,
    Open,
    Reject,
    Shrink,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => Just(Op::Push),
        4 => (0..9_usize).prop_map(Op::PushMany),
        4 => Just(Op::Draw),
        2 => Just(Op::Pop),
        1 => Just(Op::Close),
        2 => Just(Op::Open),
        1 => Just(Op::Reject),
        1 => Just(Op::Shrink),
    ];
    proptest::collection::vec(op, 1..100)
}

pub fn overflows() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        Just(Overflow::Block),
        Just(Overflow::DropNewest),
        Just(Overflow::DropOldest),
        Just(Overflow::Coalesce),
        Just(Overflow::DeadLetter),
    ]
}

#[derive(Default)]
struct Model {
    queue: Vec<u64>,
    closed: bool,
    accepted: u64,
    drawn: u64,
    overflowed: u64,
    superseded: u64,
    rejected: u64,
    rings: u64,
}

impl Model {
    /// Whether it is taken.
    fn push(&mut self, item: u64, capacity: usize, overflow: Overflow) -> bool {
        if self.closed {
            return false;
        }
        if self.queue.len() < capacity {
            self.queue.push(item);
        } else {
            match overflow {
                Overflow::Block => return false,
                Overflow::DropOldest => {
                    self.queue.remove(0);
                    self.queue.push(item);
                    self.overflowed += 1;
                }
                Overflow::Coalesce => {
                    self.superseded += self.queue.len() as u64;
                    self.queue = vec![item];
                }
                _ => self.overflowed += 1,
            }
        }
        self.accepted += 1;
        true
    }
}

struct Test {
    ring: Ring<u64>,
    bell: Arc<Bell>,
    model: Model,
    overflow: Overflow,
    next: u64,
    last_ticket: Option<u64>,
}

impl Test {
    fn push(&mut self) {
        let was_empty = self.model.queue.is_empty();
        let taken = self.model.push(self.next, self.ring.capacity(), self.overflow);
        match self.ring.try_push(self.next) {
            Ok(_) => assert!(taken),
            Err(PushError::Closed { item }) => assert!(self.model.closed && item == self.next),
            Err(PushError::Full { item, .. }) => assert!(!taken && item == self.next),
            Err(other) => panic!("{other}"),
        }
        self.next += 1;
        self.model.rings += u64::from(was_empty && taken);
    }

    fn push_many(&mut self, n: usize) {
        let was_empty = self.model.queue.is_empty();
        let mut items: VecDeque<u64> = (self.next..self.next + n as u64).collect();
        let mut left = items.clone();
        let mut taken = 0;
        while left.front().is_some_and(|item| self.model.push(*item, self.ring.capacity(), self.overflow)) {
            left.pop_front();
            taken += 1;
        }
        match self.ring.try_push_many(&mut items, None) {
            Ok(n) => assert_eq!(n, taken),
            Err(_) => assert!(self.model.closed),
        }
        assert_eq!(items, left, "what was not taken stays, in order");
        self.next += n as u64;
        self.model.rings += u64::from(was_empty && taken > 0);
    }

    fn draw(&mut self) {
        let (mut items, mut tickets) = (VecDeque::new(), VecDeque::new());
        let n = self.ring.draw(&mut items, &mut tickets);
        let wanted = std::mem::take(&mut self.model.queue);
        assert_eq!((n, Vec::from(items)), (wanted.len(), wanted));
        assert_eq!(tickets.len(), n, "one arrival number an item");
        for ticket in tickets {
            assert!(self.last_ticket.is_none_or(|last| last < ticket), "in the order of publication");
            self.last_ticket = Some(ticket);
        }
        self.model.drawn += n as u64;
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Push => self.push(),
            Op::PushMany(n) => self.push_many(*n),
            Op::Draw => self.draw(),
            Op::Pop => {
                let wanted = (!self.model.queue.is_empty()).then(|| self.model.queue.remove(0));
                assert_eq!(self.ring.try_pop(), wanted);
                self.model.drawn += u64::from(wanted.is_some());
            }
            Op::Close => {
                self.ring.close();
                self.model.closed = true;
                self.bell.take();
                self.model.rings = 0;
            }
            Op::Open => {
                self.ring.open();
                self.model.closed = false;
            }
            Op::Reject => {
                self.ring.reject(Dropped::Undecodable);
                self.model.accepted += 1;
                self.model.rejected += 1;
            }
            Op::Shrink => self.ring.shrink(),
        }
    }

    fn check(&self) {
        let (entry, model) = (self.ring.entry(), &self.model);
        assert_eq!(entry.accepted, model.accepted);
        assert_eq!(entry.unsettled, model.queue.len() as u64);
        assert_eq!(entry.dropped_for(Dropped::Overflow), model.overflowed);
        assert_eq!(entry.dropped_for(Dropped::Undecodable), model.rejected);
        assert_eq!(entry.settled_as(Settled::Superseded), model.superseded);
        let balance = entry.settled() + entry.dropped() + entry.unsettled + model.drawn;
        assert_eq!(entry.accepted, balance, "nothing accepted is unaccounted for");
        assert!(self.bell.rings() >= model.rings, "whoever makes it non-empty rings");
        if self.overflow == Overflow::Block {
            assert_eq!(self.bell.rings(), model.rings, "and nobody else does");
        }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_ring_is_a_bounded_queue_with_a_policy(
        capacity in 1..7_usize, overflow in overflows(), ops in ops(),
    ) {
        let bell = Arc::new(Bell::default());
        let ring = Ring::new(capacity, overflow, Some(Arc::new(AtomicU64::new(0))));
        ring.set_doorbell(Arc::clone(&bell) as Arc<dyn Doorbell>);
        let mut test = Test { ring, bell, model: Model::default(), overflow, next: 0, last_ticket: None };
        for op in &ops {
            test.apply(op);
            test.check();
        }
    }
}
