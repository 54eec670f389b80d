//! What comes to something else is told, and where.

use super::{durable, numbers, recorded, replayed};
use acequia::core::accumulator::Stateful;
use acequia::core::durable::TurnMark;
use acequia::replay::{Change, Stage};
use acequia::store::disk::SimulatedDisk;
use acequia::store::journal::{Journal, RecordKind, Settings};
use acequia::{AccumulatorDecl, GraphBuilder, GraphDecl, Kind, Package, ReactorDecl, Strategy, when_any};
use acequia_tests::echo;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Graph `W`, whose node `out` yields what `made` makes.
fn making(made: impl Fn(&u64) -> u64 + Send + Sync + 'static) -> GraphDecl {
    let mut graph = GraphBuilder::new("W");
    let number = graph.source::<u64>("numbers");
    let out = graph.node("out", (number,), move |(number,)| made(number));
    graph.terminal(out);
    graph.build().unwrap()
}

/// The same journal as an earlier release would have written it, without checks.
fn without_checks(disk: &SimulatedDisk) -> SimulatedDisk {
    let mut records = Vec::new();
    let disk = Arc::new(disk.kill());
    drop(Journal::recover(disk, Settings::small(), |record| records.push(record.to_record())).unwrap());
    let anew = SimulatedDisk::new(1);
    let journal = Journal::begin(Arc::new(anew.clone()), Settings::small(), records[0].lsn).unwrap();
    for record in records {
        let mut payload = record.payload.to_vec();
        if record.kind == RecordKind::Turn {
            let mark = TurnMark::decode(&payload).unwrap();
            assert!(mark.check.is_some());
            payload = TurnMark { check: None, ..mark }.encode(Vec::new()).unwrap();
        }
        let mut batch = journal.batch();
        batch.push(&record.head(), &payload).unwrap();
        journal.append_and_wait(batch).unwrap();
    }
    drop(journal);
    anew
}

#[tokio::test(start_paused = true)]
async fn changed_results_are_found_where_nothing_else_changed() {
    let disk = recorded(numbers(echo::<u64>("W", "numbers"))).await;

    let report = replayed(&disk, numbers(making(|number| if *number < 30 { *number } else { number + 1 })));

    assert!(!report.is_equal());
    let reactor = &report.reactors[0];
    assert_eq!((reactor.firings_then, reactor.firings_now, reactor.compared), (40, 40, 40));
    assert!(reactor.differing > 0 && reactor.differing < reactor.turns, "{reactor:?}");
    let first = report.first_difference().unwrap();
    assert!((25..30).contains(&first.first_firing), "{first:?}");
    let [Change::Results { graph, terminal, then, now, came }] = &first.changes[..] else {
        panic!("{first:?}")
    };
    assert_eq!((graph.as_str(), terminal.as_str(), then), ("W", "out", now));
    assert!(came.contains(&json!(31)), "{came:?}");
    assert!(report.to_string().contains(&format!("LSN {}, reactor R: other values from W.out", first.lsn)));
}

#[tokio::test(start_paused = true)]
async fn user_code_that_does_not_depend_on_its_input_alone_is_found_out() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let package = || numbers(making(|number| number + RUNS.fetch_add(1, Ordering::Relaxed)));
    let disk = recorded(package()).await;

    let report = replayed(&disk, package());

    // Every turn that fired: the first one only began.
    assert_eq!((report.n_differing(), report.reactors[0].turns), (10, 11));
}

#[tokio::test(start_paused = true)]
async fn another_accumulator_makes_other_boundaries_and_firings() {
    let disk = recorded(numbers(echo::<u64>("W", "numbers"))).await;
    let make = || Stateful::new((), |(): &mut (), event: &u64| Ok((*event != 17).then_some(*event)));
    let filtering = AccumulatorDecl::new("numbers", Kind::Passthrough, make);
    let reactor =
        ReactorDecl::new("R", vec![filtering], when_any(["numbers"])).strategy(Strategy::Sequential);
    let filtering =
        durable(Package::new("numbers").reactor(reactor).graph(echo::<u64>("W", "numbers").on("R")));

    let report = replayed(&disk, filtering);

    let reactor = &report.reactors[0];
    assert_eq!((reactor.firings_then, reactor.firings_now, reactor.differing), (40, 39, 1), "{reactor:?}");
    let changes: Vec<String> = reactor.first[0].changes.iter().map(ToString::to_string).collect();
    let [boundaries, firings, results] = &changes[..] else { panic!("{changes:?}") };
    assert!(boundaries.starts_with("accumulator numbers made"), "{boundaries}");
    assert!(firings.contains("firings, recorded"), "{firings}");
    assert!(results.contains("from W.out"), "{results}");
}

#[tokio::test(start_paused = true)]
async fn failures_and_what_is_gone_are_told() {
    let disk = recorded(numbers(echo::<u64>("W", "numbers"))).await;

    let failing = making(|number| {
        assert!(*number != 21, "no number of mine");
        *number
    });
    let report = replayed(&disk, numbers(failing));
    let changes = &report.first_difference().unwrap().changes;
    assert!(matches!(changes[0], Change::GivenUp { then: 0, now: 1, .. }), "{changes:?}");
    assert_eq!(report.n_differing(), 1);

    let report = replayed(&disk, numbers(echo::<u64>("Other", "numbers")));
    let changes = &report.first_difference().unwrap().changes;
    assert_eq!(changes[..], [Change::Gone { place: "W".to_owned() }]);
    assert_eq!(report.reactors[0].untold, 40, "the journal tells nothing of the other graph");
}

#[tokio::test(start_paused = true)]
async fn a_reactor_of_another_shape_is_not_taken_for_equal() {
    let disk = recorded(numbers(echo::<u64>("W", "numbers"))).await;
    let two = ["numbers", "more"].map(AccumulatorDecl::passthrough::<u64>).to_vec();
    let reactor = ReactorDecl::new("R", two, when_any(["numbers"])).strategy(Strategy::Sequential);
    let other = durable(Package::new("numbers").reactor(reactor).graph(echo::<u64>("W", "numbers").on("R")));

    let report = replayed(&disk, other);

    assert!(matches!(report.reactors[0].stage, Stage::Stopped { .. }) && !report.is_equal(), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_of_an_earlier_release_is_replayed_without_its_results() {
    let whole = recorded(numbers(echo::<u64>("W", "numbers"))).await;
    let disk = without_checks(&whole);

    let same = replayed(&disk, numbers(echo::<u64>("W", "numbers")));
    let other = replayed(&disk, numbers(making(|number| number + 1)));

    for report in [same, other] {
        assert!(report.is_equal(), "{report}");
        let reactor = &report.reactors[0];
        assert_eq!((reactor.firings_now, reactor.compared, reactor.untold), (40, 0, 40));
    }
}
