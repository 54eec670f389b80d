//! The fault meter against a naive model: the whole history, counted anew each time.

use super::harness::{cases, quiet_panic};
use acequia_core::Timestamp;
use acequia_core::fault::{Failure, FailureKind, FaultBudget, FaultMeter, Verdict, guarded};
use proptest::prelude::*;
use std::time::Duration;

pub fn budgets() -> impl Strategy<Value = FaultBudget> {
    let limit = || prop_oneof![2 => 1..8_u32, 1 => 8..40_u32, 2 => Just(u32::MAX)];
    (1..5_u32, limit(), limit(), 1..100_u64).prop_map(|(attempts, dead_letters, faults, millis)| {
        FaultBudget { attempts, dead_letters, faults, window: Duration::from_millis(millis) }
    })
}

/// The meter as one would write it on a whiteboard.
pub struct NaiveMeter {
    budget: FaultBudget,
    faults: Vec<Timestamp>,
    dead: Vec<Timestamp>,
    pub attempts: u32,
}

impl NaiveMeter {
    pub fn new(budget: FaultBudget) -> Self {
        Self { budget, faults: Vec::new(), dead: Vec::new(), attempts: 0 }
    }

    pub fn fault(&mut self, now: Timestamp) -> Verdict {
        let window = self.budget.window;
        let reached = |seen: &[Timestamp], limit: u32| {
            limit != u32::MAX && seen.iter().filter(|at| now.since(**at) <= window).count() >= limit as usize
        };
        self.attempts += 1;
        self.faults.push(now);
        let over = reached(&self.faults, self.budget.faults);
        if !over && self.attempts < self.budget.attempts {
            return Verdict::Retry;
        }
        self.attempts = 0;
        self.dead.push(now);
        if over || reached(&self.dead, self.budget.dead_letters) {
            Verdict::Quarantine
        } else {
            Verdict::DeadLetter
        }
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_meter_decides_as_the_model_does(
        budget in budgets(), steps in proptest::collection::vec((any::<bool>(), 0..30_u64), 1..60),
    ) {
        let (mut meter, mut model) = (FaultMeter::new(budget), NaiveMeter::new(budget));
        let (mut now, mut total) = (Timestamp::ZERO, 0);
        for (fails, after) in steps {
            now = now.after(Duration::from_millis(after));
            if fails {
                prop_assert_eq!(meter.fault(now), model.fault(now));
                total += 1;
            } else {
                meter.passed();
                model.attempts = 0;
            }
            prop_assert_eq!((meter.attempts(), meter.total()), (model.attempts, total));
        }
    }
}

/// Its own `Drop` panics, once it is asked to.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        quiet_panic("dropped");
    }
}

#[test]
fn whatever_is_thrown_becomes_a_failure() {
    let caught = |code: fn()| {
        guarded(|| {
            code();
            Ok(())
        })
        .unwrap_err()
    };
    assert_eq!(caught(|| quiet_panic("text")).message, "text");
    assert_eq!(caught(|| std::panic::resume_unwind(Box::new("own".to_owned()))).message, "own");
    let odd = caught(|| std::panic::resume_unwind(Box::new(Bomb)));
    assert_eq!((odd.kind, odd.message.as_str()), (FailureKind::Panic, "a panic without text"));
    let error = guarded::<()>(|| Err(Failure::error("said"))).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (FailureKind::Error, "said"));
}
