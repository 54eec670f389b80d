//! Every accumulator kind in its slot against a naive model, with failing user functions.

use super::faults::{NaiveMeter, budgets};
use super::harness::cases;
use super::slots::{Call, Script, SlotRig, calls};
use acequia_core::Timestamp;
use acequia_core::accumulator::{
    Accumulator, Emitter, Fate, Identity, Incoming, Passthrough, Reply, StateWindow, Stateful,
};
use acequia_core::fault::{Failure, FaultBudget, Verdict};
use acequia_core::ledger::{Dropped, Settled};
use proptest::prelude::*;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone)]
pub enum Op {
    Push(u64),
    Turn(usize),
    Advance(u64),
    Flush,
}

pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (1..8_u64).prop_map(Op::Push),
        1 => (200..400_u64).prop_map(Op::Push),
        6 => (0..300_usize).prop_map(Op::Turn),
        2 => (0..40_u64).prop_map(Op::Advance),
        1 => Just(Op::Flush),
    ];
    proptest::collection::vec(op, 1..30)
}

/// What became of events one at a time, by a function that is called once an attempt.
struct OneByOne {
    ring: Vec<u64>,
    queue: VecDeque<u64>,
    meter: NaiveMeter,
    quarantined: bool,
    passed: Vec<(u64, bool)>,
    dead: Vec<(u64, u32)>,
    refused: Vec<(u64, u32)>,
    n_failures: usize,
}

impl OneByOne {
    fn new(budget: FaultBudget) -> Self {
        Self {
            ring: Vec::new(),
            queue: VecDeque::new(),
            meter: NaiveMeter::new(budget),
            quarantined: false,
            passed: Vec::new(),
            dead: Vec::new(),
            refused: Vec::new(),
            n_failures: 0,
        }
    }

    fn turn(&mut self, now: Timestamp, mut limit: usize, call: &mut dyn FnMut(u64) -> Call) {
        // It draws when it has handled what it drew before.
        if self.queue.is_empty() {
            self.queue.extend(self.ring.drain(..));
        }
        while limit > 0 && !self.quarantined {
            let Some(event) = self.queue.front().copied() else { return };
            let how = call(event);
            if !how.fails() {
                self.queue.pop_front();
                self.passed.push((event, how == Call::Some));
                self.meter.attempts = 0;
                limit -= 1;
                continue;
            }
            self.n_failures += 1;
            let attempts = self.meter.attempts + 1;
            let verdict = self.meter.fault(now);
            if verdict != Verdict::Retry {
                self.queue.pop_front();
                self.dead.push((event, attempts));
            }
            self.quarantined = verdict == Verdict::Quarantine;
        }
        if self.quarantined {
            let open = self.queue.drain(..).chain(self.ring.drain(..));
            self.refused.extend(open.map(|event| (event, 0)));
        }
    }

    fn handed_on(&self) -> Vec<u64> {
        self.passed.iter().filter(|(_, on)| *on).map(|(event, _)| *event).collect()
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn passthrough_counts_each_event_once_whatever_its_function_does(
        budget in budgets(), calls in calls(), ops in ops(),
    ) {
        let (script, model_script) = (Script::new(&calls), Script::new(&calls));
        let mut rig = SlotRig::new(budget, move || {
            let script = script.clone();
            Passthrough::<u64, u64, _>::new(move |event: &u64| {
                script.next().play().map(|some| Reply::Ready(some.then_some(*event)))
            })
        });
        let mut model = OneByOne::new(budget);
        let mut next = 0;
        for op in ops {
            match op {
                Op::Push(n) => for _ in 0..n {
                    rig.ring.try_push(next).unwrap();
                    model.ring.push(next);
                    next += 1;
                },
                Op::Turn(limit) => {
                    rig.turn(limit);
                    model.turn(rig.now, limit, &mut |_| model_script.next());
                }
                Op::Advance(millis) => rig.advance(millis),
                Op::Flush => drop(rig.flush()),
            }
            prop_assert_eq!(rig.out(), model.handed_on());
            prop_assert_eq!(rig.given_up(Dropped::DeadLetter), model.dead.clone());
            prop_assert_eq!(rig.given_up(Dropped::Quarantined), model.refused.clone());
            prop_assert_eq!(rig.slot.is_quarantined(), model.quarantined);
            prop_assert_eq!(rig.failures.len(), model.n_failures);
            prop_assert_eq!(rig.settled(Settled::HandedOn), model.handed_on().len() as u64);
            let filtered = model.passed.len() - model.handed_on().len();
            prop_assert_eq!(rig.settled(Settled::Filtered), filtered as u64);
        }
    }

    #[test]
    fn identity_hands_every_event_on_in_order(ops in ops()) {
        let mut rig = SlotRig::new(FaultBudget::default(), Identity::<u64>::default);
        let (mut pushed, mut handled) = (0, 0);
        for op in ops {
            match op {
                Op::Push(n) => for _ in 0..n {
                    rig.ring.try_push(pushed).unwrap();
                    pushed += 1;
                },
                Op::Turn(limit) => {
                    let turn = rig.turn(limit);
                    prop_assert_eq!(turn.handled as u64, (pushed - handled).min(limit as u64));
                    handled += turn.handled as u64;
                    prop_assert_eq!(turn.waits, handled < pushed);
                    prop_assert_eq!(turn.more, handled < pushed && limit > 0);
                }
                Op::Advance(millis) => rig.advance(millis),
                Op::Flush => drop(rig.flush()),
            }
            prop_assert_eq!(rig.out(), (0..handled).collect::<Vec<_>>());
        }
    }

    /// The function changes its state first and fails then; event `id` fails `fails[id]` times.
    #[test]
    fn stateful_state_is_that_of_the_accepted_events_alone(
        budget in budgets(),
        fails in proptest::collection::vec(prop_oneof![12 => Just((0_u32, Call::Some)), 1 => (1..6_u32, prop_oneof![Just(Call::Error), Just(Call::Panic)])], 1..50),
        ops in ops(),
    ) {
        type State = (u64, u64);
        let plan = Arc::new(fails);
        let left = |plan: &Arc<Vec<(u32, Call)>>| {
            let (plan, calls) = (Arc::clone(plan), Mutex::new(HashMap::<u64, u32>::new()));
            move |event: u64| {
                let (fails, how) = plan[usize::try_from(event).unwrap() % plan.len()];
                let mut calls = calls.lock().unwrap();
                let n = calls.entry(event).or_default();
                *n += 1;
                if *n <= fails { how } else { Call::Some }
            }
        };
        let call = Arc::new(left(&plan));
        let mut rig = SlotRig::new(budget, move || {
            let call = Arc::clone(&call);
            Stateful::new((0, 0), move |state: &mut State, event: &u64| {
                *state = (state.0 + 1, state.1.wrapping_mul(31) + event);
                call(*event).play().map(|_| (!event.is_multiple_of(3)).then_some(*state))
            })
        });
        let model_call = left(&plan);
        let mut model = OneByOne::new(budget);
        let mut next = 0;
        for op in ops {
            match op {
                Op::Push(n) => for _ in 0..n {
                    rig.ring.try_push(next).unwrap();
                    model.ring.push(next);
                    next += 1;
                },
                Op::Turn(limit) => {
                    rig.turn(limit);
                    model.turn(rig.now, limit, &mut |event| model_call(event));
                }
                Op::Advance(millis) => rig.advance(millis),
                Op::Flush => drop(rig.flush()),
            }
            let mut state: State = (0, 0);
            let mut out = Vec::new();
            for (event, _) in &model.passed {
                state = (state.0 + 1, state.1.wrapping_mul(31) + event);
                out.extend((event % 3 != 0).then_some(state));
            }
            prop_assert_eq!(rig.out(), out);
            prop_assert_eq!(rig.given_up(Dropped::DeadLetter), model.dead.clone());
            prop_assert_eq!(rig.given_up(Dropped::Quarantined), model.refused.clone());
        }
    }

    #[test]
    fn a_state_window_emits_its_newest_values_at_start_and_at_each_write(
        capacity in -1..5_i64, initial in proptest::collection::vec(1000..2000_u64, 0..7),
        calls in calls(), ops in ops(),
    ) {
        let budget = FaultBudget::unlimited(2);
        let (script, model_script, first) = (Script::new(&calls), Script::new(&calls), initial.clone());
        let mut rig = SlotRig::new(budget, move || {
            let script = script.clone();
            StateWindow::new(capacity, first.clone(), move |event: &u64| {
                script.next().play().map(|some| some.then_some(*event))
            })
        });
        let newest = |values: &[u64]| {
            let keep = usize::try_from(capacity).map_or(values.len(), |capacity| capacity.min(values.len()));
            values[values.len() - keep..].to_vec()
        };
        let mut model = OneByOne::new(budget);
        let mut next = 0;
        for op in ops {
            match op {
                Op::Push(n) => for _ in 0..n {
                    rig.ring.try_push(next).unwrap();
                    model.ring.push(next);
                    next += 1;
                },
                Op::Turn(limit) => {
                    rig.turn(limit);
                    model.turn(rig.now, limit, &mut |_| model_script.next());
                }
                Op::Advance(millis) => rig.advance(millis),
                Op::Flush => drop(rig.flush()),
            }
            let mut values = initial.clone();
            let mut out = Vec::new();
            if capacity != 0 && !initial.is_empty() {
                out.push(newest(&values));
            }
            for event in model.handed_on() {
                values.push(event);
                if capacity != 0 {
                    out.push(newest(&values));
                }
            }
            prop_assert_eq!(rig.out(), out);
            let how = if capacity == 0 { Settled::Absorbed } else { Settled::HandedOn };
            prop_assert_eq!(rig.settled(how), model.handed_on().len() as u64);
        }
    }
}

/// Hands each event on twice, and may fail after the first time.
struct Twice(Script);

impl Accumulator for Twice {
    type Event = u64;
    type Boundary = u64;

    fn accept(&mut self, event: Incoming<'_, u64>, out: &mut Emitter<'_, u64>) -> Result<Fate<u64>, Failure> {
        out.emit(*event.get());
        if !self.0.next().play()? {
            return Ok(Fate::Settled(Settled::HandedOn));
        }
        out.emit(event.take());
        Ok(Fate::Settled(Settled::HandedOn))
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn what_was_emitted_before_a_failure_is_not_seen(calls in calls(), ops in ops()) {
        let (script, model_script) = (Script::new(&calls), Script::new(&calls));
        let budget = FaultBudget::unlimited(3);
        let mut rig = SlotRig::new(budget, move || Twice(script.clone()));
        let mut model = OneByOne::new(budget);
        let (mut next, mut seen) = (0, Vec::new());
        for op in ops {
            match op {
                Op::Push(n) => for _ in 0..n {
                    rig.ring.try_push(next).unwrap();
                    model.ring.push(next);
                    next += 1;
                },
                Op::Turn(limit) => {
                    rig.turn(limit);
                    model.turn(rig.now, limit, &mut |_| model_script.next());
                }
                Op::Advance(millis) => rig.advance(millis),
                Op::Flush => drop(rig.flush()),
            }
            seen.extend(rig.take());
            let wanted: Vec<u64> = model
                .passed
                .iter()
                .flat_map(|(event, twice)| std::iter::repeat_n(*event, 1 + usize::from(*twice)))
                .collect();
            prop_assert_eq!(&seen, &wanted);
        }
    }
}
