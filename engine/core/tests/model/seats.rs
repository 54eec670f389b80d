//! Several graphs in one cell, some of which fail: each sees every firing, whatever the others do.

use super::faults::{NaiveMeter, budgets};
use super::harness::{Rig, Row, cases, criteria_of, quiet_panic, source_name};
use super::reference::{Latest, Sequential, Shape};
use acequia_core::cell::{GraphRun, Outcome, RunContext};
use acequia_core::fault::{Failure, FaultBudget, Verdict};
use acequia_core::graph::{
    GraphDecl, GraphPart, InputDecl, Outcomes, PartFn, Presence, Topology, TurnEnd, View,
};
use acequia_core::ledger::Dropped;
use acequia_core::letter::{DeadLetter, Letter, Place};
use acequia_core::reactor::Strategy as ReactorStrategy;
use acequia_core::{FiringId, GraphName, Overflow};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

/// How often a firing fails before it passes, and how.
#[derive(Debug, Clone, Copy)]
struct Fault {
    times: u32,
    panics: bool,
}

#[derive(Debug, Clone)]
struct SeatPlan {
    budget: FaultBudget,
    faults: Vec<Option<Fault>>,
}

fn seats() -> impl Strategy<Value = Vec<SeatPlan>> {
    let fault = (1..6_u32, any::<bool>()).prop_map(|(times, panics)| Fault { times, panics });
    let faults = proptest::collection::vec(proptest::option::weighted(0.25, fault), 1..20);
    let seat = (budgets(), faults).prop_map(|(budget, faults)| SeatPlan { budget, faults });
    proptest::collection::vec(seat, 1..4)
}

#[derive(Debug, Clone)]
enum Op {
    Push(u64, usize),
    Turn,
    Advance(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..2_u64, 1..6_usize).prop_map(|(source, n)| Op::Push(source, n)),
        4 => Just(Op::Turn),
        1 => (1..60_u64).prop_map(Op::Advance),
    ];
    proptest::collection::vec(op, 1..40)
}

/// Every call: the firing, and whether it passed.
type Calls = Arc<Mutex<Vec<(u64, bool)>>>;

fn fault_of(faults: &[Option<Fault>], id: u64) -> Option<Fault> {
    faults[usize::try_from(id).unwrap() % faults.len()]
}

/// A graph that fails as planned, and notes each call.
fn failing(name: &str, plan: &SeatPlan, calls: &Calls) -> GraphDecl {
    let inputs =
        (0..2).map(|source| InputDecl::new::<u64>(source_name(source), Presence::Optional)).collect();
    let (faults, calls) = (plan.faults.clone(), Arc::clone(calls));
    let attempts = Arc::new(Mutex::new(HashMap::<u64, u32>::new()));
    let make = move || -> Box<dyn GraphPart> {
        let (faults, calls, attempts) = (faults.clone(), Arc::clone(&calls), Arc::clone(&attempts));
        Box::new(PartFn(move |view: &View<'_>, from, out: &mut Outcomes| {
            for firing in from..view.len() {
                out.begin(firing);
                let id = view.id(firing).0;
                let mut attempts = attempts.lock().unwrap();
                let n = attempts.entry(id).or_default();
                *n += 1;
                let fault = fault_of(&faults, id).filter(|fault| *n <= fault.times);
                drop(attempts);
                calls.lock().unwrap().push((id, fault.is_none()));
                match fault {
                    None => {}
                    Some(Fault { panics: true, .. }) => quiet_panic("panic"),
                    Some(_) => return TurnEnd::Failed { failure: Failure::error("error"), rest: None },
                }
            }
            TurnEnd::Done
        }))
    };
    GraphDecl::new(name, None, inputs, Vec::new(), Topology::default(), Arc::new(make)).budget(plan.budget)
}

struct SeatModel {
    plan: SeatPlan,
    meter: NaiveMeter,
    quarantined: bool,
    calls: Vec<(u64, bool)>,
    outcomes: Vec<Outcome>,
    /// Firing, attempts and reason.
    letters: Vec<(u64, u32, Dropped)>,
}

impl SeatModel {
    fn new(plan: SeatPlan) -> Self {
        let meter = NaiveMeter::new(plan.budget);
        let (calls, outcomes, letters) = (Vec::new(), Vec::new(), Vec::new());
        Self { plan, meter, quarantined: false, calls, outcomes, letters }
    }

    fn fire(&mut self, id: u64, now: acequia_core::Timestamp) {
        if self.quarantined {
            self.outcomes.push(Outcome::Dropped(Dropped::Quarantined));
            return self.letters.push((id, 0, Dropped::Quarantined));
        }
        let fault = fault_of(&self.plan.faults, id);
        self.meter.attempts = 0;
        for attempt in 1.. {
            let fails = fault.is_some_and(|fault| attempt <= fault.times);
            self.calls.push((id, !fails));
            if !fails {
                self.meter.attempts = 0;
                return self.outcomes.push(Outcome::Completed);
            }
            let verdict = self.meter.fault(now);
            if verdict == Verdict::Retry {
                continue;
            }
            let failure = if fault.is_some_and(|fault| fault.panics) {
                Failure::panic(Box::new("panic"))
            } else {
                Failure::error("error")
            };
            self.outcomes.push(Outcome::Failed(failure));
            self.letters.push((id, attempt, Dropped::DeadLetter));
            self.quarantined = verdict == Verdict::Quarantine;
            return;
        }
    }
}

struct Test {
    rig: Rig,
    seats: Vec<(GraphName, Calls, SeatModel)>,
    letters: Vec<DeadLetter>,
    wanted: Vec<Row>,
}

impl Test {
    fn new(strategy: ReactorStrategy, plans: Vec<SeatPlan>) -> Self {
        let mut rig = Rig::new(&[64, 64], Overflow::Block, criteria_of(&[0, 1], 1), strategy);
        let seats = plans
            .into_iter()
            .enumerate()
            .map(|(seat, plan)| {
                let (name, calls) = (format!("g{seat}"), Calls::default());
                rig.bind(failing(&name, &plan, &calls));
                (GraphName::from(name), calls, SeatModel::new(plan))
            })
            .collect();
        Self { rig, seats, letters: Vec::new(), wanted: Vec::new() }
    }

    /// One turn: every graph has seen every firing at its end.
    fn turn(&mut self) {
        let before = self.rig.cell.n_firings();
        let turn = self.rig.turn();
        self.letters.extend(turn.letters);
        for (_, _, model) in &mut self.seats {
            (before..self.rig.cell.n_firings()).for_each(|id| model.fire(id, self.rig.now));
        }
        assert_eq!(self.rig.seen().len() as u64, self.rig.cell.n_firings(), "a sibling misses nothing");
        let records = self.rig.cell.log().last(1000);
        for (seat, (name, calls, model)) in self.seats.iter().enumerate() {
            assert_eq!(*calls.lock().unwrap(), model.calls, "in order, retried alone");
            let mine = self.letters.iter().filter(|letter| letter.place == Place::Graph(name.clone()));
            let mine: Vec<_> = mine.map(|letter| (letter.item.0, letter.attempts, letter.why)).collect();
            assert_eq!(mine, model.letters);
            for record in &records {
                let outcome = &record.outcomes[seat + 1];
                assert_eq!(&outcome.graph, name);
                assert_eq!(outcome.outcome, model.outcomes[usize::try_from(record.id.0).unwrap()]);
            }
        }
    }

    fn check_letters(&self) {
        let rows = self.rig.seen();
        for letter in &self.letters {
            let Letter::Inputs { firing: FiringId(id), columns } = &letter.letter else {
                panic!("a firing's letter")
            };
            let row: Vec<Option<u64>> = columns.iter().map(|column| column.json(0).as_u64()).collect();
            assert_eq!(row, rows[usize::try_from(*id).unwrap()], "a letter holds the firing's inputs");
        }
    }
}

fn shape() -> Shape {
    Shape { n: 2, named: vec![0, 1], needed: 1 }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_failing_graph_is_retried_alone_and_its_siblings_miss_nothing(
        sequential in any::<bool>(), plans in seats(), ops in ops(),
    ) {
        let strategy = if sequential { ReactorStrategy::Sequential } else { ReactorStrategy::Latest };
        let mut test = Test::new(strategy, plans);
        let (mut reference, mut latest) = (Sequential::new(shape()), Latest::new(shape()));
        let (mut next, mut newest) = (0, [None; 2]);
        for op in ops {
            match op {
                Op::Push(source, n) => for _ in 0..n {
                    let source = usize::try_from(source).unwrap();
                    if test.rig.rings[source].try_push(next).is_ok() {
                        reference.event(source, next);
                        newest[source] = Some(next);
                        next += 1;
                    }
                },
                Op::Turn => {
                    test.turn();
                    latest.turn(&newest);
                    newest = [None; 2];
                }
                Op::Advance(millis) => test.rig.now = test.rig.now.after(Duration::from_millis(millis)),
            }
        }
        test.turn();
        latest.turn(&newest);
        test.wanted = if sequential { reference.firings } else { latest.firings };
        prop_assert_eq!(test.rig.seen(), test.wanted.clone());
        test.check_letters();
    }
}

/// What a worker does when a deadline passes: the firing is over, and the next one begins with all of
/// its attempts.
#[test]
fn a_firing_that_timed_out_leaves_the_next_one_its_attempts() {
    let plan = SeatPlan { budget: FaultBudget::unlimited(2), faults: vec![None] };
    let mut run = GraphRun::new(failing("g", &plan, &Calls::default()));
    let (mut letters, mut failures) = (Vec::new(), Vec::new());
    let mut cx = RunContext {
        now: acequia_core::Timestamp::ZERO,
        waker: Waker::noop(),
        letters: &mut letters,
        failures: &mut failures,
    };
    let mut resolve = |id, failure| run.resolve(FiringId(id), Err(failure), &mut cx, &mut |_| Vec::new());

    assert_eq!(resolve(0, Failure::timed_out(Duration::from_secs(1))), Verdict::DeadLetter);
    assert_eq!(resolve(1, Failure::error("error")), Verdict::Retry);
    assert_eq!(resolve(1, Failure::error("error")), Verdict::DeadLetter);

    let reasons: Vec<_> = letters.iter().map(|letter| (letter.item.0, letter.attempts, letter.why)).collect();
    assert_eq!(reasons, [(0, 1, Dropped::TimedOut), (1, 2, Dropped::DeadLetter)]);
}
