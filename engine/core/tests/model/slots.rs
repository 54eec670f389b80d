//! Drives one accumulator's slot by hand, and keeps what comes out of it.

use super::harness::{Bell, quiet_panic};
use acequia_core::accumulator::{Accumulator, AccumulatorDecl, AnySlot, Kind, SlotContext, SlotTurn};
use acequia_core::column::{AnyColumn, Column};
use acequia_core::fault::{Failure, FaultBudget};
use acequia_core::ledger::{Dropped, Settled};
use acequia_core::letter::{DeadLetter, Letter};
use acequia_core::ring::{Doorbell, Ring};
use acequia_core::{Payload, Timestamp};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct SlotRig<E: Payload, B: Payload> {
    pub slot: Box<dyn AnySlot>,
    pub ring: Arc<Ring<E>>,
    pub now: Timestamp,
    pub letters: Vec<DeadLetter>,
    pub failures: Vec<Failure>,
    column: Box<dyn AnyColumn>,
    order: Vec<u64>,
    types: std::marker::PhantomData<B>,
}

impl<E: Payload, B: Payload> SlotRig<E, B> {
    pub fn new<A>(budget: FaultBudget, make: impl Fn() -> A + Send + Sync + 'static) -> Self
    where
        A: Accumulator<Event = E, Boundary = B>,
    {
        Self::of(AccumulatorDecl::new("a", Kind::Custom, make).budget(budget))
    }

    /// The slot of `decl`, whose types are `E` and `B`.
    pub fn of(decl: AccumulatorDecl) -> Self {
        let decl = decl.capacity(100_000);
        let mut slot = decl.slot(Some(Arc::new(AtomicU64::new(0))));
        let ring = slot.ring().as_any().downcast().unwrap();
        let (mut column, mut order) = (slot.column(), Vec::new());
        slot.start(&mut *column, &mut order);
        let (letters, failures) = (Vec::new(), Vec::new());
        Self { slot, ring, now: Timestamp::ZERO, letters, failures, column, order, types: Default::default() }
    }

    fn with(
        &mut self,
        limit: usize,
        code: impl FnOnce(&mut dyn AnySlot, &mut SlotContext<'_>, &mut dyn AnyColumn, &mut Vec<u64>) -> SlotTurn,
    ) -> SlotTurn {
        let bell = Arc::new(Bell::default()) as Arc<dyn Doorbell>;
        let (letters, failures) = (&mut self.letters, &mut self.failures);
        let mut cx = SlotContext { now: self.now, limit, letters, failures, doorbell: &bell };
        let turn = code(&mut *self.slot, &mut cx, &mut *self.column, &mut self.order);
        self.check();
        turn
    }

    pub fn turn(&mut self, limit: usize) -> SlotTurn {
        self.with(limit, |slot, cx, column, order| slot.turn(cx, column, order))
    }

    pub fn flush(&mut self) -> SlotTurn {
        self.with(0, |slot, cx, column, order| slot.flush(cx, column, order))
    }

    pub fn give_up(&mut self) {
        self.with(0, |slot, cx, _, _| {
            slot.give_up(Dropped::Unbound, cx);
            SlotTurn::default()
        });
    }

    pub fn advance(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
    }

    /// Every event is accounted for, every boundary has its arrival number, and these ascend.
    pub fn check(&self) {
        self.slot.entry().check().unwrap();
        assert_eq!(self.order.len(), self.column.len(), "one arrival number a boundary");
        assert!(self.order.is_sorted());
        let dropped = self.slot.entry().dropped() - self.slot.entry().dropped_for(Dropped::Late);
        assert_eq!(self.letters.len() as u64, dropped, "one letter for each event given up");
    }

    /// All boundaries so far.
    pub fn out(&self) -> Vec<B> {
        self.column.as_any().downcast_ref::<Column<B>>().unwrap().as_slice().to_vec()
    }

    /// Take all boundaries out, as a cell drops those that nobody needs any more.
    pub fn take(&mut self) -> Vec<B> {
        let out = self.out();
        self.column.drop_front(out.len());
        self.order.clear();
        out
    }

    /// Events in the letters given up for `why`, with their attempts.
    pub fn given_up(&self, why: Dropped) -> Vec<(E, u32)> {
        let of = self.letters.iter().filter(|letter| letter.why == why);
        of.map(|letter| {
            let Letter::Event(column) = &letter.letter else { panic!("an event's letter") };
            let value = column.as_any().downcast_ref::<Column<E>>().unwrap().as_slice()[0].clone();
            (value, letter.attempts)
        })
        .collect()
    }

    /// What was given up for `why`, as JSON, with its failure and attempts.
    pub fn letters_of(&self, why: Dropped) -> Vec<(String, Option<Failure>, u32)> {
        let of = self.letters.iter().filter(|letter| letter.why == why);
        of.map(|letter| (letter.letter.to_json().to_string(), letter.failure.clone(), letter.attempts))
            .collect()
    }

    /// The arrival number of each boundary.
    pub fn order(&self) -> &[u64] {
        &self.order
    }

    pub fn settled(&self, how: Settled) -> u64 {
        self.slot.entry().settled_as(how)
    }
}

/// How one call of the user's function goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Some,
    None,
    Error,
    Panic,
}

impl Call {
    /// Do it: true for a boundary.
    pub fn play(self) -> Result<bool, Failure> {
        match self {
            Self::Some => Ok(true),
            Self::None => Ok(false),
            Self::Error => Err(Failure::error("error")),
            Self::Panic => quiet_panic("panic"),
        }
    }

    pub fn fails(self) -> bool {
        matches!(self, Self::Error | Self::Panic)
    }
}

pub fn calls() -> impl proptest::strategy::Strategy<Value = Vec<Call>> {
    use proptest::prelude::*;
    let call = prop_oneof![
        6 => Just(Call::Some),
        1 => Just(Call::None),
        1 => Just(Call::Error),
        1 => Just(Call::Panic),
    ];
    proptest::collection::vec(call, 1..60)
}

/// Calls in order, over and over; the model and the accumulator have one each.
#[derive(Debug, Clone)]
pub struct Script {
    calls: Arc<Vec<Call>>,
    at: Arc<Mutex<usize>>,
}

impl Script {
    pub fn new(calls: &[Call]) -> Self {
        // A script of failures alone would not end under a budget without limits.
        let calls = calls.iter().copied().chain([Call::Some]).collect();
        Self { calls: Arc::new(calls), at: Arc::default() }
    }

    pub fn next(&self) -> Call {
        let mut at = self.at.lock().unwrap();
        *at += 1;
        self.calls[(*at - 1) % self.calls.len()]
    }
}
