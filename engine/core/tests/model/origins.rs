//! Which firings a turn's outputs come from, as a sink that writes them down is told.

use super::graphs::{Fired, Plan, SOURCES, build, columns, fire, plans, remote};
use super::harness::cases;
use acequia_core::cell::{FiringIds, GraphRun, RunContext};
use acequia_core::column::AnyColumn;
use acequia_core::fault::FaultBudget;
use acequia_core::graph::{AnyOutput, GraphDecl, GraphPart, Outcomes, PartFn, TurnEnd, View};
use acequia_core::ledger::{Dropped, Entry};
use acequia_core::sink::{AnySink, SinkContext};
use acequia_core::{FiringId, Payload, PayloadType, Timestamp};
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

/// Values, and the firings that they came from.
type Told = Vec<(u64, u64)>;

/// Keeps what it is told.
struct Listener {
    coming: Vec<FiringId>,
    told: Arc<Mutex<Told>>,
}

impl AnySink for Listener {
    fn payload_type(&self) -> Option<PayloadType> {
        None
    }

    fn come_from(&mut self, firings: &[FiringId]) {
        self.coming.extend_from_slice(firings);
    }

    fn offer(&mut self, output: &mut dyn AnyOutput, _last: bool) {
        assert_eq!(self.coming.len(), output.len(), "each value comes from one firing");
        let mut bytes = Vec::new();
        for firing in self.coming.drain(..) {
            output.pop_encoded(&mut bytes).unwrap().unwrap();
            self.told.lock().unwrap().push((firing.0, u64::decode(&bytes).unwrap()));
            bytes.clear();
        }
    }

    fn flush(&mut self, _cx: &mut SinkContext<'_>) -> bool {
        true
    }

    fn replay(&mut self, _column: &dyn AnyColumn) -> bool {
        false
    }

    fn entry(&self) -> Entry {
        Entry::default()
    }

    fn give_up(&mut self, _why: Dropped, _cx: &mut SinkContext<'_>) {}

    fn is_journaled(&self) -> bool {
        true
    }
}

/// Counts how often its part is called.
struct Counted {
    part: Box<dyn GraphPart>,
    calls: Arc<AtomicUsize>,
}

impl GraphPart for Counted {
    fn turn(&mut self, view: &View<'_>, from: usize, out: &mut Outcomes) -> TurnEnd {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.part.turn(view, from, out)
    }

    fn tells_origins(&self) -> bool {
        self.part.tells_origins()
    }
}

fn id(firing: usize) -> u64 {
    7 + 3 * firing as u64
}

/// What sinks at each terminal are told of a turn, and how often the part was called and failed in it.
fn told(decl: &GraphDecl, rows: &[Vec<Option<u64>>], attempts: u32) -> (Vec<(String, Told)>, usize, usize) {
    let (columns, indices) = columns(rows);
    let map: Vec<usize> =
        decl.inputs.iter().map(|input| input.accumulator.as_str()[1..].parse().unwrap()).collect();
    let view = View::new(&columns, &map, &indices, FiringId(0));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let decl = decl
        .clone()
        .budget(FaultBudget::unlimited(attempts))
        .wrap(move |part| Box::new(Counted { part, calls: Arc::clone(&counted) }));
    let names: Vec<String> = decl.terminals.iter().map(|terminal| terminal.name.to_string()).collect();
    let mut run = GraphRun::new(decl);
    let lists: Vec<Arc<Mutex<Told>>> = names.iter().map(|_| Arc::default()).collect();
    for (terminal, told) in lists.iter().enumerate() {
        run.attach(terminal, Box::new(Listener { coming: Vec::new(), told: Arc::clone(told) }));
    }
    let (mut letters, mut failures) = (Vec::new(), Vec::new());
    let mut cx = RunContext {
        now: Timestamp::ZERO,
        waker: Waker::noop(),
        letters: &mut letters,
        failures: &mut failures,
    };
    let ids: Vec<u64> = (0..rows.len()).map(id).collect();
    let end = run.run(&view, FiringIds::Listed(&ids), 0, &mut cx);
    assert!(end.pending.is_none() && end.quarantined.is_none());
    run.offer();
    let told = names.into_iter().zip(&lists).map(|(name, told)| (name, told.lock().unwrap().clone()));
    (told.collect(), calls.load(Ordering::Relaxed), failures.len())
}

/// What they should be told.
fn wanted(plan: &Plan, rows: &[Vec<Option<u64>>], terminal: &str) -> Told {
    let of = |fired: &Fired| fired.0.iter().find(|(name, _)| name == terminal).map(|(_, value)| *value);
    let fired = rows.iter().map(|row| fire(plan, row)).enumerate();
    fired.filter_map(|(firing, fired)| of(&fired).map(|value| (id(firing), value))).collect()
}

/// The same graph, whose part says nothing of where outputs come from.
fn silent(decl: &GraphDecl) -> GraphDecl {
    decl.clone().wrap(|mut part| {
        Box::new(PartFn(move |view: &View<'_>, from: usize, out: &mut Outcomes| part.turn(view, from, out)))
    })
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn outputs_are_told_with_their_firings_whoever_fails_between(
        plan in plans(), attempts in 1..4_u32,
        rows in proptest::collection::vec(proptest::collection::vec(proptest::option::weighted(0.8, 0..50_u64), SOURCES), 1..40),
    ) {
        let Ok(decl) = build(&plan) else { return Ok(()) };
        // In place, behind bytes as a library of today and as one of an older sdk, and behind bytes over a
        // part that says nothing.
        for (decl, tells) in [
            (decl.clone(), true), (silent(&decl), false),
            (remote(&decl), true), (silent(&remote(&decl)), false), (remote(&silent(&decl)), true),
        ] {
            let (told, calls, failures) = told(&decl, &rows, attempts);
            for (terminal, told) in told {
                prop_assert_eq!(told, wanted(&plan, &rows, &terminal), "terminal {}", terminal);
            }
            if tells {
                prop_assert!(calls <= failures + 1, "{} calls over {} failures", calls, failures);
            } else {
                prop_assert!(calls >= rows.len(), "firing by firing");
            }
        }
    }
}
