//! Faults of user code: what each costs, and whom.

use acequia::core::accumulator::{Passthrough, Reply};
use acequia::core::graph::{Outcomes, PartFn, View};
use acequia::core::letter::Place;
use acequia::testing::{Probe, TestEngine, faults};
use acequia::{
    AccumulatorDecl, Dropped, Engine, Failure, FaultBudget, GraphBuilder, GraphDecl, Kind, Overflow, Package,
    ReactorDecl, Sink, SourceDecl, SourceHealth, SourceOut, Stateful, Strategy, when_any,
};
use acequia_tests::{Gate, echo, eventually, numbers, single, started};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// An event that is bad as long as the flag is up.
const BAD: u64 = 13;

fn flag(up: bool) -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(up))
}

fn check_bad(n: u64, bad: &AtomicBool) {
    assert!(n != BAD || !bad.load(Ordering::Relaxed), "thirteen");
}

/// Accumulator `n`, which panics on [`BAD`] as long as `bad` is up.
fn accumulator(bad: &Arc<AtomicBool>) -> AccumulatorDecl {
    let bad = Arc::clone(bad);
    AccumulatorDecl::new("n", Kind::Passthrough, move || {
        let bad = Arc::clone(&bad);
        Passthrough::new(move |n: &u64| {
            check_bad(*n, &bad);
            Ok(Reply::Ready(Some(*n)))
        })
    })
}

/// Graph `g`, the same.
fn graph(bad: &Arc<AtomicBool>) -> GraphDecl {
    let (bad, mut graph) = (Arc::clone(bad), GraphBuilder::new("g"));
    let n = graph.source::<u64>("n");
    let out = graph.node("out", (n,), move |(n,)| {
        check_bad(*n, &bad);
        *n
    });
    graph.terminal(out);
    graph.on("R").build().unwrap()
}

fn package(accumulator: AccumulatorDecl, graph: GraphDecl) -> Package {
    let reactor = ReactorDecl::new("R", vec![accumulator], when_any(["n"])).strategy(Strategy::Sequential);
    Package::new("p").reactor(reactor).graph(graph)
}

/// An engine whose accumulator, graph or sink fails on [`BAD`] as long as its flag is up.
async fn failing_at(place: &str, bad: &Arc<AtomicBool>) -> (TestEngine, Probe<u64>) {
    let good = flag(false);
    let (accumulated, computed) = match place {
        "accumulator n" => (bad, &good),
        "graph g" => (&good, bad),
        _ => (&good, &good),
    };
    let probe = Probe::new();
    let builder = TestEngine::builder().package(package(accumulator(accumulated), graph(computed)));
    let bad = if place.starts_with("sink") { Arc::clone(bad) } else { good };
    let sink = Sink::callback(move |n: &u64| check_bad(*n, &bad));
    (builder.sink("g", "out", sink).probe("g", "out", &probe).start().await, probe)
}

#[tokio::test(start_paused = true)]
async fn an_item_is_tried_three_times_then_dead_lettered_and_replayed_where_it_was() {
    for place in ["accumulator n", "graph g", "sink 0 of g.out"] {
        let bad = flag(true);
        let (engine, probe) = failing_at(place, &bad).await;
        engine.push_all("n", 12..=14_u64).await;
        engine.assert_settled().await;

        let letters = engine.dead_letters().list();
        assert_eq!(letters.len(), 1, "{place}");
        let letter = &letters[0];
        assert_eq!((letter.place.as_str(), letter.attempts, letter.why.as_str()), (place, 3, "DeadLetter"));
        assert!(letter.value == serde_json::json!(BAD) || letter.value == serde_json::json!([BAD]));
        assert!(letter.cause.as_ref().unwrap().contains("thirteen"), "{place}");
        assert_eq!(engine.counters().failures.load(Ordering::Relaxed), 3, "{place}");
        let passed: &[u64] = if place.starts_with("sink") { &[12, 13, 14] } else { &[12, 14] };
        assert_eq!(probe.all(), passed, "{place}: its neighbours are in order");
        engine.assert_ledger().await;

        bad.store(false, Ordering::Relaxed);
        engine.replay(letter.id).await.unwrap();
        engine.assert_settled().await;
        assert!(engine.dead_letters().is_empty());
        assert!(engine.replay(letter.id).await.is_err(), "it is there once");
        let again: &[u64] = if place.starts_with("sink") { &[12, 13, 14] } else { &[12, 14, 13] };
        assert_eq!(probe.all(), again, "{place}: a replay is a new acceptance at that place only");
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_passes_at_its_last_attempt_is_no_dead_letter() {
    let graph = faults().panic_at(0).error_at(1).wrap(echo::<u64>("g", "n").on("R"));
    let (engine, probe) = started::<u64>(package(AccumulatorDecl::passthrough::<u64>("n"), graph)).await;
    engine.push_all("n", [1_u64, 2]).await;
    engine.assert_settled().await;
    assert_eq!(probe.all(), [1, 2]);
    assert!(engine.dead_letters().is_empty());
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn three_dead_letters_a_minute_quarantine_a_part_until_a_pardon() {
    for (place, edge) in [("accumulator n", "R/events/n"), ("graph g", "R/deliveries/g")] {
        let bad = flag(true);
        let (engine, probe) = failing_at(place, &bad).await;
        for _ in 0..2 {
            engine.push_all("n", [1, BAD]).await;
        }
        engine.assert_settled().await;
        engine.push("n", 2_u64).await;
        engine.assert_settled().await;
        assert_eq!(probe.all(), [1, 1, 2], "{place}: two are allowed");

        engine.push_all("n", [BAD, 3, 4]).await;
        engine.assert_settled().await;
        assert_eq!(probe.len(), 3, "{place}");
        assert_eq!(engine.ledger().await.edge(edge).unwrap().dropped_for(Dropped::Quarantined), 2);
        let tree = engine.tree().await;
        let child = tree.iter().flat_map(|(_, children)| children).find(|child| child.name == place).unwrap();
        assert!(child.status.starts_with("quarantined: "), "{child:?}");
        assert!(child.actor.is_some(), "{place}: its actor lives, its part is out");

        assert!(engine.pardon("p", place).await);
        engine.push("n", 5_u64).await;
        engine.assert_settled().await;
        assert_eq!(probe.all(), [1, 1, 2, 5], "{place}");
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn ten_faults_a_minute_quarantine_a_part_and_slower_ones_do_not() {
    let plan = (0..40).fold(faults(), |plan, run| plan.panic_at(run * 2));
    let graph = || plan.wrap(echo::<u64>("g", "n").on("R"));
    let (engine, probe) = started::<u64>(package(AccumulatorDecl::passthrough::<u64>("n"), graph())).await;
    engine.push_all("n", 0..20_u64).await;
    engine.assert_settled().await;
    assert_eq!(probe.len(), 9, "each passed at its second attempt, until the tenth fault");

    let plan = (0..40).fold(faults(), |plan, run| plan.panic_at(run * 2));
    let graph = plan.wrap(echo::<u64>("g", "n").on("R"));
    let (engine, probe) = started::<u64>(package(AccumulatorDecl::passthrough::<u64>("n"), graph)).await;
    for n in 0..20_u64 {
        engine.push("n", n).await;
        engine.advance(Duration::from_secs(7)).await;
    }
    assert_eq!(probe.len(), 20);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_sink_beyond_every_budget_goes_on() {
    let sink = Sink::try_callback(|n: &u64| if *n < 50 { Err(Failure::error("no")) } else { Ok(()) });
    let builder = TestEngine::builder().package(numbers(Strategy::Sequential)).sink("g", "out", sink);
    let engine = builder.start().await;
    engine.push_all("n", 0..100_u64).await;
    engine.assert_settled().await;
    let place = Place::Sink { graph: "g".into(), terminal: "out".into(), sink: 0 };
    assert_eq!(engine.dead_letters().at(&place).len(), 50);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn order_holds_per_accumulator_whatever_fails_and_retries() {
    for seed in 0..20 {
        let plan = faults().seeded(seed, 200).sleep_at(300, Duration::from_millis(1));
        let budget = FaultBudget::unlimited(3);
        let graph = plan.wrap(echo::<u64>("g", "n").on("R")).budget(budget).delivery_capacity(10_000);
        let (engine, probe) = started::<u64>(package(AccumulatorDecl::passthrough::<u64>("n"), graph)).await;
        engine.push_all("n", 0..2_000_u64).await;
        engine.advance(Duration::from_millis(10)).await;
        engine.assert_settled().await;
        let all = probe.all();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}");
        assert_eq!(all.len() + engine.dead_letters().len(), 2_000, "seed {seed}");
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn retries_block_only_that_subscriber() {
    let hour = Duration::from_secs(3_600);
    let plan = faults().sleep_at(0, hour).sleep_at(1, hour);
    let inner = faults().panic_at(0).wrap(echo::<u64>("g", "n").on("R"));
    let reactor = package(AccumulatorDecl::passthrough::<u64>("n"), plan.wrap(inner));
    let (g, h) = (Probe::<u64>::new(), Probe::<u64>::new());
    let builder = TestEngine::builder().package(reactor.graph(echo::<u64>("h", "n").on("R")));
    let engine = builder.probe("g", "out", &g).probe("h", "out", &h).start().await;

    engine.push_all("n", 1..=3_u64).await;
    assert_eq!(h.expect(3).await, [1, 2, 3]);
    assert!(g.is_empty());
    engine.ledger().await.check().unwrap();

    engine.advance(hour * 3).await;
    assert_eq!(g.all(), [1, 2, 3]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

/// A panic's payload that panics itself as it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a second panic");
    }
}

fn explode_on_bad(n: u64) {
    if n == BAD {
        std::panic::panic_any(Bomb);
    }
}

#[tokio::test(start_paused = true)]
async fn a_payload_whose_drop_panics_takes_nobody_down() {
    let accumulator = AccumulatorDecl::new("n", Kind::Passthrough, || {
        Passthrough::new(|n: &u64| {
            explode_on_bad(*n);
            Ok(Reply::Ready(Some(*n)))
        })
    });
    let source = SourceDecl::run(|out: SourceOut<u64>| async move {
        match out.resume_after() {
            None => out.push_at(100, 100).await?,
            Some(_) => return Ok(()),
        }
        std::panic::panic_any(Bomb)
    });
    let mut graph = GraphBuilder::new("g");
    let n = graph.source::<u64>("n");
    let out = graph.node("out", (n,), |(n,)| {
        explode_on_bad(n + 1);
        *n
    });
    graph.terminal(out);
    let package = package(accumulator.source(source), graph.on("R").build().unwrap());
    let sink = Sink::callback(|n: &u64| explode_on_bad(n + 2));
    let probe = Probe::<u64>::new();
    let builder = TestEngine::builder().package(package).probe("g", "out", &probe).sink("g", "out", sink);
    let engine = builder.start().await;

    engine.push_all("n", 10..=14_u64).await;
    engine.advance(Duration::from_secs(1)).await;

    assert_eq!(engine.source_health("n").unwrap(), SourceHealth::Finished);
    let places: Vec<_> = engine.dead_letters().list().into_iter().map(|letter| letter.place).collect();
    assert_eq!(places.len(), 3, "{places:?}");
    let mut all = probe.all();
    all.sort_unstable();
    assert_eq!(all, [10, 11, 14, 100]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_pended_future_is_an_items_fault() {
    let pend = |plan: acequia::testing::Faults, run| plan.sleep_at(run, Duration::from_millis(5));
    let inner = faults().panic_at(0).panic_at(1).panic_at(2).wrap(echo::<u64>("g", "n").on("R"));
    let graph = (0..3).fold(faults(), pend).wrap(inner);
    let (engine, probe) = started::<u64>(package(AccumulatorDecl::passthrough::<u64>("n"), graph)).await;
    engine.push_all("n", [1_u64, 2]).await;
    engine.advance(Duration::from_millis(100)).await;

    assert_eq!(probe.all(), [2]);
    let letters = engine.dead_letters().list();
    assert_eq!((letters.len(), letters[0].attempts), (1, 3));
    assert!(letters[0].cause.as_ref().unwrap().contains("injected panic"));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_part_goes_on_and_a_stateful_one_keeps_its_state() {
    let sum = || {
        Stateful::new(0_u64, |sum: &mut u64, n: &u64| {
            *sum += n;
            // After the change: what a fault leaves half-done must not show.
            assert!(*n != BAD, "thirteen");
            Ok(Some(*sum))
        })
    };
    let package = single::<u64>(AccumulatorDecl::new("n", Kind::Stream, sum), Strategy::Sequential);
    let (engine, probe) = started::<u64>(package).await;
    engine.push_all("n", [1, 2, BAD, 3_u64]).await;
    engine.assert_settled().await;
    assert_eq!(probe.all(), [1, 3, 6]);
    assert_eq!(engine.dead_letters().len(), 1);
    engine.assert_ledger().await;
}

/// Graph `g` with a deadline: every call passes the gate; then it panics on [`BAD`].
fn late(gate: &Arc<Gate>, calls: &Arc<AtomicU64>) -> GraphDecl {
    let (gate, calls) = (Arc::clone(gate), Arc::clone(calls));
    let decl = echo::<u64>("g", "n").on("R").deadline(Duration::from_millis(30));
    decl.overflow(Overflow::Block).budget(FaultBudget::unlimited(1)).wrap(move |mut part| {
        let (gate, calls) = (Arc::clone(&gate), Arc::clone(&calls));
        Box::new(PartFn(move |view: &View<'_>, from: usize, out: &mut Outcomes| {
            calls.fetch_add(1, Ordering::Relaxed);
            gate.pass();
            assert!(view.input::<u64>(0).get(from) != Some(&BAD), "thirteen");
            part.turn(view, from, out)
        }))
    })
}

#[tokio::test]
async fn a_late_result_is_discarded_and_counted_once() {
    let (gate, calls) = (Arc::new(Gate::default()), Arc::new(AtomicU64::new(0)));
    let package = package(AccumulatorDecl::passthrough::<u64>("n"), late(&gate, &calls));
    let probe = Probe::<u64>::new();
    let builder = Engine::builder().package(package).sink("g", "out", probe.sink());
    let engine = builder.start().await.unwrap();
    let deliveries = async || {
        let ledger = engine.ledger().await;
        ledger.check().unwrap();
        ledger.edge("R/deliveries/g").unwrap()
    };

    for (nth, n) in [(1, 1), (2, BAD)] {
        engine.accumulator::<u64>("n").unwrap().push(n).await.unwrap();
        eventually("it is late", async || deliveries().await.dropped_for(Dropped::TimedOut) == nth).await;
        assert_eq!(deliveries().await.unsettled, 0, "reported at once, wherever its thread is");
        // The thread comes back: with a result, then with a panic at the one attempt that it is allowed.
        gate.permit();
        eventually("its letter is there", async || engine.dead_letters().len() as u64 == nth).await;
    }
    gate.open();
    engine.accumulator::<u64>("n").unwrap().push(2).await.unwrap();
    assert!(engine.settled(Duration::from_secs(5)).await);

    assert_eq!(probe.all(), [2]);
    let letters = engine.dead_letters().list();
    assert!(letters.iter().all(|letter| letter.why == "TimedOut"), "{letters:?}");
    let report = engine.shutdown(Duration::from_secs(5)).await;
    report.ledger.check().unwrap();
    let entry = report.ledger.edge("R/deliveries/g").unwrap();
    assert_eq!((entry.accepted, entry.settled(), entry.dropped()), (3, 1, 2));
}
