//! The supervisor against a naive model: the whole history, looked at anew each time.

use super::harness::cases;
use acequia_core::Timestamp;
use acequia_core::supervision::{
    Backoff, ChildSpec, Exit, Intensity, Reaction, Restart, Strategy as Restarts, Supervisor,
};
use proptest::prelude::*;
use std::time::Duration;

#[derive(Debug, Clone)]
struct Event {
    child: usize,
    failed: bool,
    pardon: bool,
    after: u64,
}

fn intensities() -> impl Strategy<Value = Intensity> {
    (0..5_u32, 1..40_u64)
        .prop_map(|(restarts, secs)| Intensity { restarts, period: Duration::from_secs(secs) })
}

fn specs() -> impl Strategy<Value = Vec<ChildSpec>> {
    let restart = prop_oneof![Just(Restart::Permanent), Just(Restart::Transient), Just(Restart::Temporary)];
    let spec = (restart, intensities()).prop_map(|(restart, intensity)| ChildSpec {
        name: "child".into(),
        restart,
        intensity,
    });
    proptest::collection::vec(spec, 1..5)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    // Whole seconds too, so that a period's very end is met.
    let after = prop_oneof![0..15_000_u64, (0..15_u64).prop_map(|secs| secs * 1000)];
    let event = (0..5_usize, any::<bool>(), proptest::bool::weighted(0.05), after)
        .prop_map(|(child, failed, pardon, after)| Event { child, failed, pardon, after });
    proptest::collection::vec(event, 1..40)
}

fn strategies() -> impl Strategy<Value = Restarts> {
    prop_oneof![Just(Restarts::OneForOne), Just(Restarts::RestForOne), Just(Restarts::OneForAll)]
}

/// What a child did, for the model: when it was granted a restart, and how long its row of delays is.
#[derive(Default)]
struct Child {
    granted: Vec<Timestamp>,
    delays: u32,
}

struct Model {
    strategy: Restarts,
    intensity: Intensity,
    specs: Vec<ChildSpec>,
    children: Vec<Child>,
    granted: Vec<Timestamp>,
}

/// What the model expects, with the number of the delay instead of the delay.
#[derive(Debug, PartialEq)]
enum Wanted {
    Ignore,
    Quarantine,
    Escalate,
    Restart(std::ops::Range<usize>, u32),
}

fn within(granted: &[Timestamp], now: Timestamp, period: Duration) -> usize {
    granted.iter().filter(|at| now.since(**at) <= period).count()
}

impl Model {
    fn exited(&mut self, child: usize, failed: bool, now: Timestamp) -> Wanted {
        let spec = self.specs[child].clone();
        if spec.restart == Restart::Temporary || (spec.restart == Restart::Transient && !failed) {
            return Wanted::Ignore;
        }
        let own = &mut self.children[child];
        if own.granted.last().is_some_and(|last| now.since(*last) > spec.intensity.period) {
            own.delays = 0;
        }
        if within(&own.granted, now, spec.intensity.period) >= spec.intensity.restarts as usize {
            return Wanted::Quarantine;
        }
        own.granted.push(now);
        if within(&self.granted, now, self.intensity.period) >= self.intensity.restarts as usize {
            return Wanted::Escalate;
        }
        self.granted.push(now);
        let own = &mut self.children[child];
        own.delays += 1;
        let n = self.specs.len();
        let children = match self.strategy {
            Restarts::OneForOne => child..child + 1,
            Restarts::RestForOne => child..n,
            Restarts::OneForAll => 0..n,
        };
        Wanted::Restart(children, own.delays - 1)
    }
}

/// Delay number `n` without jitter.
fn nominal(n: u32) -> Duration {
    match n {
        0 => Duration::ZERO,
        n => Duration::from_millis((100_u64 << (n - 1).min(20)).min(30_000)),
    }
}

fn is_about(delay: Duration, n: u32) -> bool {
    let nominal = nominal(n);
    delay >= nominal.mul_f64(0.8) && delay <= nominal.mul_f64(1.2)
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_supervisor_decides_as_the_model_does(
        strategy in strategies(), intensity in intensities(), specs in specs(), events in events(),
    ) {
        let n = specs.len();
        let mut supervisor = Supervisor::new(strategy, intensity);
        for (seed, spec) in specs.iter().enumerate() {
            prop_assert_eq!(supervisor.add(spec.clone(), seed as u64), seed);
        }
        let children = (0..n).map(|_| Child::default()).collect();
        let mut model = Model { strategy, intensity, specs, children, granted: Vec::new() };
        let mut now = Timestamp::ZERO;
        for event in events {
            now = now.after(Duration::from_millis(event.after));
            let child = event.child % n;
            if event.pardon {
                supervisor.pardon(child);
                model.children[child] = Child::default();
                continue;
            }
            let exit = if event.failed { Exit::Failed("boom".into()) } else { Exit::Normal };
            match (supervisor.exited(child, exit, now), model.exited(child, event.failed, now)) {
                (Reaction::Ignore, Wanted::Ignore) | (Reaction::Escalate { .. }, Wanted::Escalate) => {}
                (Reaction::Quarantine { child: got, reason }, Wanted::Quarantine) => {
                    prop_assert_eq!(got, child);
                    prop_assert_eq!(reason == "boom", event.failed);
                }
                (Reaction::Restart { children, delay }, Wanted::Restart(wanted, number)) => {
                    prop_assert_eq!(children, wanted);
                    prop_assert!(is_about(delay, number), "{delay:?} is delay {number}");
                }
                (got, wanted) => prop_assert!(false, "{:?} instead of {:?}", got, wanted),
            }
        }
    }

    #[test]
    fn backoff_doubles_within_its_jitter_and_begins_anew(seed in any::<u64>(), resets in proptest::collection::vec(0..45_u32, 1..4)) {
        let (mut backoff, mut again) = (Backoff::new(seed), Backoff::new(seed));
        for n in resets {
            for attempt in 0..n {
                let delay = backoff.next_delay();
                prop_assert!(is_about(delay, attempt), "{delay:?} is delay {attempt}");
                prop_assert_eq!(delay, again.next_delay(), "a seed gives the same delays again");
            }
            backoff.reset();
            again.reset();
        }
    }

    #[test]
    fn jitter_differs_from_seed_to_seed(seed in 0..u64::MAX / 2) {
        let delays = |seed: u64| {
            let mut backoff = Backoff::new(seed);
            (0..12).map(|_| backoff.next_delay()).collect::<Vec<_>>()
        };
        prop_assert_ne!(delays(seed), delays(seed + 2));
    }
}
