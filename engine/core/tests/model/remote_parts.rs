//! A part behind bytes does what the same part does in place, whatever happens to it.

use super::faults::budgets;
use super::harness::cases;
use super::kinds::{Op, ops};
use super::slots::{Call, Script, SlotRig, calls};
use acequia_core::accumulator::{
    Accumulator, AccumulatorDecl, Batch, Emitter, Eviction, Fate, Identity, Incoming, Kind, Passthrough,
    Released, Reply, StateWindow, Stateful, Tuning, Window, WindowShape,
};
use acequia_core::fault::{Failure, FaultBudget};
use acequia_core::ledger::{Dropped, Settled};
use acequia_core::wire::RemotePart;
use acequia_core::{Encoded, Payload, Timestamp, WireType};
use proptest::prelude::*;
use std::time::Duration;

type Event = (u64, String);

fn event(number: u64) -> Event {
    (number, format!("event {number}"))
}

fn decoded<T: Payload>(values: &[Encoded]) -> Vec<T> {
    values.iter().map(|value| T::decode(value.as_bytes()).unwrap()).collect()
}

/// The part of `make` behind bytes, in a slot for bytes.
fn remote<A>(budget: FaultBudget, make: impl Fn() -> A + Send + Sync + 'static) -> SlotRig<Encoded, Encoded>
where
    A: Accumulator,
{
    let inner = AccumulatorDecl::new("a", Kind::Custom, make);
    let event = WireType::of::<A::Event>().unwrap();
    let boundary = WireType::of::<A::Boundary>().unwrap();
    let make = move |_: &Tuning| RemotePart::new(inner.part(), event, boundary);
    SlotRig::of(AccumulatorDecl::encoded("a", Kind::Custom, event, boundary, make).budget(budget))
}

fn compare<A>(
    budget: FaultBudget,
    calls: &[Call],
    ops: &[Op],
    make: impl Fn(Script) -> A + Clone + Send + Sync + 'static,
) -> Result<(), TestCaseError>
where
    A: Accumulator<Event = Event>,
    A::Boundary: PartialEq + std::fmt::Debug,
{
    let (script, other) = (Script::new(calls), Script::new(calls));
    let other_make = make.clone();
    let mut here = SlotRig::new(budget, move || make(script.clone()));
    let mut there = remote(budget, move || other_make(other.clone()));
    let mut next = 0;
    for op in ops {
        match op {
            Op::Push(n) => {
                for _ in 0..*n {
                    here.ring.try_push(event(next)).unwrap();
                    there.ring.try_push(Encoded::from_value(&event(next)).unwrap()).unwrap();
                    next += 1;
                }
            }
            Op::Turn(limit) => {
                here.turn(*limit);
                there.turn(*limit);
            }
            Op::Advance(millis) => {
                here.advance(*millis);
                there.advance(*millis);
            }
            Op::Flush => {
                here.flush();
                there.flush();
            }
        }
        prop_assert_eq!(here.out(), decoded::<A::Boundary>(&there.out()));
        for why in Dropped::ALL {
            let given_up = there.letters_of(why);
            prop_assert_eq!(here.letters_of(why), given_up);
        }
        prop_assert_eq!(here.slot.entry(), there.slot.entry());
        prop_assert_eq!(&here.failures, &there.failures);
        prop_assert_eq!(here.slot.due(), there.slot.due());
        prop_assert_eq!(here.slot.held(), there.slot.held());
        prop_assert_eq!(here.slot.frontier(), there.slot.frontier());
        prop_assert_eq!(here.order(), there.order());
        prop_assert_eq!(here.slot.is_quarantined(), there.slot.is_quarantined());
    }
    Ok(())
}

/// Takes its event before it fails, and emits before it does.
struct Greedy {
    script: Script,
    held: Vec<Event>,
}

impl Accumulator for Greedy {
    type Event = Event;
    type Boundary = String;

    fn accept(
        &mut self,
        event: Incoming<'_, Event>,
        out: &mut Emitter<'_, String>,
    ) -> Result<Fate<String>, Failure> {
        let event = event.take();
        out.emit(event.1.clone());
        if self.script.next().play()? {
            return Ok(Fate::Settled(Settled::HandedOn));
        }
        self.held.push(event);
        Ok(Fate::Held)
    }

    fn flush(&mut self, out: &mut Emitter<'_, String>) -> Result<Released, Failure> {
        out.emit(format!("{:?}", self.held));
        self.script.next().play()?;
        let handed_on = std::mem::take(&mut self.held).len() as u64;
        Ok(Released { handed_on, ..Released::default() })
    }

    fn held(&self) -> u64 {
        self.held.len() as u64
    }

    fn evict(&mut self, _what: Eviction) -> Vec<Event> {
        std::mem::take(&mut self.held)
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn identity_behind_bytes(budget in budgets(), calls in calls(), ops in ops()) {
        // In place it takes events straight from the ring: turns with room for all of them are the same.
        let whole = |op: Op| if let Op::Turn(_) = op { Op::Turn(100_000) } else { op };
        let ops: Vec<Op> = ops.into_iter().map(whole).collect();
        compare(budget, &calls, &ops, |_| Identity::<Event>::default())?;
    }

    #[test]
    fn a_passthrough_behind_bytes(budget in budgets(), calls in calls(), ops in ops()) {
        compare(budget, &calls, &ops, |script| {
            Passthrough::new(move |event: &Event| Ok(Reply::Ready(script.next().play()?.then(|| event.1.clone()))))
        })?;
    }

    #[test]
    fn a_batch_behind_bytes(
        budget in budgets(), calls in calls(), ops in ops(),
        size in 1..14_usize, millis in proptest::option::of(0..60_u64),
    ) {
        compare(budget, &calls, &ops, move |script| {
            Batch::new(millis.map(Duration::from_millis), size, move |events: &[Event]| {
                Ok(script.next().play()?.then(|| events.to_vec()))
            })
        })?;
    }

    #[test]
    fn a_window_behind_bytes(budget in budgets(), calls in calls(), ops in ops(), size in 1..40_u64) {
        compare(budget, &calls, &ops, move |script| {
            let shape = WindowShape::Tumbling { size: Duration::from_millis(size) };
            let time = |event: &Event| Timestamp::from_nanos((event.0 ^ 5) as i64 * 1_000_000);
            Window::new(shape, Duration::from_millis(3), time, move |_, events: &[Event]| {
                Ok(script.next().play()?.then(|| events.to_vec()))
            })
        })?;
    }

    #[test]
    fn a_state_behind_bytes(budget in budgets(), calls in calls(), ops in ops(), capacity in -1..5_i64) {
        compare(budget, &calls, &ops, move |script| {
            StateWindow::new(capacity, vec![7], move |event: &Event| Ok(script.next().play()?.then_some(event.0)))
        })?;
    }

    #[test]
    fn a_stream_behind_bytes(budget in budgets(), calls in calls(), ops in ops()) {
        compare(budget, &calls, &ops, |script| {
            Stateful::new(0_u64, move |sum: &mut u64, event: &Event| {
                *sum += event.0;
                Ok(script.next().play()?.then_some(*sum))
            })
        })?;
    }

    #[test]
    fn a_part_that_takes_its_event_behind_bytes(budget in budgets(), calls in calls(), ops in ops()) {
        compare(budget, &calls, &ops, |script| Greedy { script, held: Vec::new() })?;
    }
}

#[test]
fn an_undecodable_event_is_a_dead_letter_and_its_neighbours_pass() {
    let mut rig = remote(FaultBudget { attempts: 1, dead_letters: 1, ..FaultBudget::default() }, || {
        Identity::<Event>::default()
    });
    let wire = WireType::of::<Event>().unwrap();
    for number in 0..3 {
        let good = Encoded::from_value(&event(number)).unwrap();
        rig.ring.try_push(good).unwrap();
        rig.ring.try_push(Encoded::new(vec![1, 250, 9], wire)).unwrap();
    }
    rig.turn(256);
    assert_eq!(decoded::<Event>(&rig.out()), [event(0), event(1), event(2)]);
    assert_eq!(rig.slot.entry().dropped_for(Dropped::Undecodable), 3);
    assert_eq!(rig.letters_of(Dropped::Undecodable).len(), 3);
    assert!(!rig.slot.is_quarantined(), "bad bytes are no fault of the part");
}

#[test]
fn a_pending_function_behind_bytes_ends_in_order() {
    let mut rig = remote(FaultBudget::default(), || {
        Passthrough::new(|event: &Event| {
            let event = event.clone();
            if event.0 != 1 {
                return Ok(Reply::Ready(Some(event)));
            }
            Ok(Reply::Pending(Box::pin(async move { Ok(Some(event)) })))
        })
    });
    for number in 0..4 {
        rig.ring.try_push(Encoded::from_value(&event(number)).unwrap()).unwrap();
    }
    let mut pending = rig.turn(256).pending.unwrap();
    assert_eq!(decoded::<Event>(&rig.out()), [event(0)]);
    let polled = pending.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(polled.is_ready());
    rig.turn(256);
    assert_eq!(decoded::<Event>(&rig.out()), [event(0), event(1), event(2), event(3)]);
}
