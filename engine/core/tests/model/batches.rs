//! The batch accumulator in its slot against a naive model, with a failing user function.

use super::faults::{NaiveMeter, budgets};
use super::harness::cases;
use super::kinds::{Op, ops};
use super::slots::{Call, Script, SlotRig, calls};
use acequia_core::Timestamp;
use acequia_core::accumulator::Batch;
use acequia_core::fault::{FaultBudget, Verdict};
use acequia_core::ledger::{Dropped, Settled};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

/// A batch, as one would write it on a whiteboard.
struct NaiveBatch {
    size: usize,
    interval: Option<Duration>,
    ring: Vec<u64>,
    queue: VecDeque<u64>,
    buffer: Vec<u64>,
    due: Option<Timestamp>,
    meter: NaiveMeter,
    script: Script,
    out: Vec<Vec<u64>>,
    filtered: u64,
    dead: Vec<(u64, u32)>,
    refused: Vec<(u64, u32)>,
    quarantined: bool,
}

impl NaiveBatch {
    fn flush(&mut self, now: Timestamp) {
        while !self.buffer.is_empty() {
            let how = self.script.next();
            if !how.fails() {
                let buffer = std::mem::take(&mut self.buffer);
                match how {
                    Call::Some => self.out.push(buffer),
                    _ => self.filtered += buffer.len() as u64,
                }
                self.meter.attempts = 0;
            } else {
                let attempts = self.meter.attempts + 1;
                let verdict = self.meter.fault(now);
                if verdict != Verdict::Retry {
                    self.dead.extend(self.buffer.drain(..).map(|event| (event, attempts)));
                    self.quarantined = verdict == Verdict::Quarantine;
                }
            }
        }
        self.due = None;
    }

    fn tick(&mut self, now: Timestamp) {
        if self.due.is_some_and(|due| due <= now) {
            self.flush(now);
        }
    }

    fn turn(&mut self, now: Timestamp, limit: usize) {
        if self.queue.is_empty() {
            self.queue.extend(self.ring.drain(..));
        }
        if !self.quarantined {
            self.tick(now);
        }
        for _ in 0..limit {
            let Some(event) = (if self.quarantined { None } else { self.queue.pop_front() }) else { break };
            if self.buffer.is_empty() {
                self.due = self.interval.map(|interval| now.after(interval));
            }
            self.buffer.push(event);
            self.meter.attempts = 0;
            if self.buffer.len() >= self.size {
                self.flush(now);
            }
            self.tick(now);
        }
        self.refuse();
    }

    fn refuse(&mut self) {
        if self.quarantined {
            let open = self.queue.drain(..).chain(self.ring.drain(..));
            self.refused.extend(open.map(|event| (event, 0)));
        }
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_batch_flushes_on_size_interval_and_request(
        budget in budgets(), size in 1..14_usize, millis in proptest::option::of(0..60_u64),
        calls in calls(), ops in ops(),
    ) {
        let interval = millis.map(Duration::from_millis);
        let script = Script::new(&calls);
        let model_script = Script::new(&calls);
        let mut rig = SlotRig::new(budget, move || {
            let script = script.clone();
            Batch::new(interval, size, move |events: &[u64]| {
                script.next().play().map(|some| some.then(|| events.to_vec()))
            })
        });
        let mut model = NaiveBatch {
            size, interval, ring: Vec::new(), queue: VecDeque::new(), buffer: Vec::new(), due: None,
            meter: NaiveMeter::new(budget), script: model_script, out: Vec::new(), filtered: 0,
            dead: Vec::new(), refused: Vec::new(), quarantined: false,
        };
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
                    model.turn(rig.now, limit);
                }
                Op::Advance(millis) => rig.advance(millis),
                Op::Flush => {
                    rig.flush();
                    let was_out = model.quarantined;
                    model.flush(rig.now);
                    if !was_out {
                        model.refuse();
                    }
                }
            }
            prop_assert_eq!(rig.out(), model.out.clone());
            prop_assert_eq!(rig.given_up(Dropped::DeadLetter), model.dead.clone());
            prop_assert_eq!(rig.given_up(Dropped::Quarantined), model.refused.clone());
            prop_assert_eq!(rig.settled(Settled::Filtered), model.filtered);
            prop_assert_eq!(rig.slot.due(), model.due);
            let open = model.buffer.len() + model.queue.len() + model.ring.len();
            prop_assert_eq!(rig.slot.entry().unsettled, open as u64);
        }
    }
}

#[test]
fn the_interval_of_a_batch_counts_from_its_first_event() {
    let interval = Some(Duration::from_millis(50));
    let mut rig = SlotRig::new(FaultBudget::default(), move || {
        Batch::new(interval, 10, |events: &[u64]| Ok(Some(events.to_vec())))
    });
    for event in 0..3 {
        rig.ring.try_push(event).unwrap();
        rig.turn(10);
        rig.advance(20);
    }
    assert_eq!(rig.slot.due(), Some(Timestamp::from_millis(50)));

    rig.turn(10);

    assert_eq!(rig.out(), [vec![0, 1, 2]]);
    assert_eq!(rig.slot.due(), None);
}
