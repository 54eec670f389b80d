//! Dead letters over a restart.

use super::{on, power_cut, reactor};
use acequia::core::accumulator::{JsonPushError, Stateful};
use acequia::core::durable::stream_number;
use acequia::store::disk::SimulatedDisk;
use acequia::store::journal::{Journal, Record, RecordKind, Settings};
use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Failure, FaultBudget, GraphBuilder, Guarantee, Kind, LetterSummary, Package, ReplayError,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// An event that is refused while the switch is on.
const BAD: u64 = 1_000_000;

/// Whether bad events are refused, by the accumulator or by the graph.
#[derive(Clone, Default)]
struct Switches {
    accumulator: Arc<AtomicBool>,
    graph: Arc<AtomicBool>,
}

fn package(switches: &Switches) -> Package {
    let in_accumulator = Arc::clone(&switches.accumulator);
    let make = move || {
        let refuses = Arc::clone(&in_accumulator);
        Stateful::new(0_u64, move |sum: &mut u64, event: &u64| {
            if *event == BAD && refuses.load(Ordering::Relaxed) {
                return Err(Failure::error("not this one"));
            }
            *sum += event;
            Ok(Some(*sum))
        })
    };
    let numbers = AccumulatorDecl::new("numbers", Kind::Stream, make)
        .delivery(Guarantee::Durable)
        .budget(FaultBudget::unlimited(2));
    let in_graph = Arc::clone(&switches.graph);
    let mut graph = GraphBuilder::new("W");
    let sum = graph.source::<u64>("numbers");
    let out = graph.try_node("out", (sum,), move |(sum,)| {
        if *sum >= BAD && in_graph.load(Ordering::Relaxed) {
            Err(Failure::error("too much"))
        } else {
            Ok(*sum)
        }
    });
    graph.terminal(out);
    let graph = graph.build().unwrap().on("R").budget(FaultBudget::unlimited(2));
    Package::new("sums").reactor(reactor("R", numbers)).graph(graph)
}

async fn start(disk: &SimulatedDisk, switches: &Switches) -> (TestEngine, Probe<u64>) {
    let probe = Probe::new();
    let engine = on(disk).package(package(switches)).probe("W", "out", &probe).start().await;
    (engine, probe)
}

fn letters(engine: &TestEngine) -> Vec<LetterSummary> {
    engine.engine().dead_letters().list()
}

fn records(disk: &SimulatedDisk) -> Vec<Record> {
    let mut records = Vec::new();
    let disk = Arc::new(disk.kill());
    drop(Journal::recover(disk, Settings::small(), |record| records.push(record.to_record())).unwrap());
    records
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_given_up_is_listed_after_a_crash_and_replayed_once() {
    let (disk, switches) = (SimulatedDisk::new(61), Switches::default());
    switches.accumulator.store(true, Ordering::Relaxed);
    let (engine, _) = start(&disk, &switches).await;
    engine.push_all("numbers", [1, BAD, 2]).await;
    engine.settle().await;
    let before = letters(&engine);
    assert_eq!(before.len(), 1);
    engine.assert_ledger().await;
    let disk = power_cut(engine, &disk);

    let (engine, probe) = start(&disk, &switches).await;
    let listed = letters(&engine);
    assert_eq!(serde_json::json!(listed), serde_json::json!(before), "as it was told before");
    assert_eq!(listed[0].value, serde_json::json!(BAD));
    switches.accumulator.store(false, Ordering::Relaxed);
    engine.engine().replay(listed[0].id).await.unwrap();
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&(BAD + 3)));
    assert!(letters(&engine).is_empty());
    engine.assert_ledger().await;
    let disk = power_cut(engine, &disk);

    let (engine, probe) = start(&disk, &switches).await;
    assert!(letters(&engine).is_empty(), "it never comes back");
    engine.push("numbers", 1_u64).await;
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&(BAD + 4)), "and it counts once");
    engine.assert_ledger().await;

    let records = records(&disk);
    let events = records.iter().filter(|record| record.kind == RecordKind::Event);
    let events: Vec<_> =
        events.filter(|event| event.stream.0 == stream_number("accumulator", "numbers")).collect();
    let letter = records.iter().find(|record| record.kind == RecordKind::DeadLetter).unwrap();
    assert_eq!(letter.parents, [events[1].id], "the letter is of the second event");
    assert_eq!(events[3].parents, [letter.id], "and the replay is of the letter");
}

#[tokio::test(start_paused = true)]
async fn a_firing_that_was_given_up_is_listed_after_a_crash_and_goes_to_its_graph_again() {
    let (disk, switches) = (SimulatedDisk::new(62), Switches::default());
    switches.graph.store(true, Ordering::Relaxed);
    let (engine, probe) = start(&disk, &switches).await;
    engine.push_all("numbers", [1, BAD]).await;
    engine.settle().await;
    assert_eq!((probe.all(), letters(&engine).len()), (vec![1], 1));
    let disk = power_cut(engine, &disk);

    let (engine, probe) = start(&disk, &switches).await;
    let listed = letters(&engine);
    assert!(listed.len() == 1 && listed[0].place == "graph W", "{listed:?}");
    switches.graph.store(false, Ordering::Relaxed);
    engine.engine().replay(listed[0].id).await.unwrap();
    engine.settle().await;
    assert_eq!(probe.all(), [BAD + 1]);
    engine.assert_ledger().await;
    let disk = power_cut(engine, &disk);

    let (engine, probe) = start(&disk, &switches).await;
    engine.settle().await;
    assert!(letters(&engine).is_empty() && probe.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_was_discarded_does_not_come_back() {
    let (disk, switches) = (SimulatedDisk::new(63), Switches::default());
    switches.accumulator.store(true, Ordering::Relaxed);
    let (engine, _) = start(&disk, &switches).await;
    engine.push_all("numbers", [BAD, 1, BAD]).await;
    engine.settle().await;
    let ids: Vec<_> = letters(&engine).iter().map(|letter| letter.id).collect();
    engine.engine().discard(ids[0]).await.unwrap();
    let unknown = engine.engine().discard(ids[0]).await.unwrap_err();
    assert!(matches!(unknown, ReplayError::Unknown { .. }));
    let mut disk = power_cut(engine, &disk);
    for _ in 0..3 {
        let (engine, _) = start(&disk, &switches).await;
        assert_eq!(letters(&engine).iter().map(|letter| letter.id).collect::<Vec<_>>(), ids[1..]);
        disk = power_cut(engine, &disk);
    }
}

#[tokio::test(start_paused = true)]
async fn letters_outlive_the_records_that_told_of_them() {
    let (mut disk, switches) = (SimulatedDisk::new(64), Switches::default());
    switches.accumulator.store(true, Ordering::Relaxed);
    for life in 0..4_u64 {
        let (engine, _) = start(&disk, &switches).await;
        assert_eq!(letters(&engine).len(), usize::from(life > 0));
        if life == 0 {
            engine.push_all("numbers", [BAD, BAD]).await;
            engine.settle().await;
            engine.engine().discard(letters(&engine)[0].id).await.unwrap();
        }
        for _ in 0..1_500 {
            engine.push("numbers", 1_u64).await;
        }
        engine.settle().await;
        engine.engine().shutdown(Duration::from_secs(1)).await;
        disk = disk.kill();
    }
    assert!(!disk.names().contains(&"segment-0000000000000001".to_owned()), "{:?}", disk.names());
    switches.accumulator.store(false, Ordering::Relaxed);
    let (engine, probe) = start(&disk, &switches).await;
    engine.engine().replay(letters(&engine)[0].id).await.unwrap();
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&(BAD + 6_000)));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn json_comes_into_a_durable_accumulator_and_what_is_none_of_it_is_kept_over_a_crash() {
    let (disk, switches) = (SimulatedDisk::new(65), Switches::default());
    let (engine, _) = start(&disk, &switches).await;
    let refused = engine.engine().push_json("numbers", b"5").unwrap().unwrap_err();
    assert!(matches!(refused, JsonPushError::MustWait), "it cannot be answered at once: {refused}");
    engine.engine().push_json_waiting("numbers", b"5").await.unwrap().unwrap();
    let refused = engine.engine().push_json_waiting("numbers", b"\"five\"").await.unwrap().unwrap_err();
    assert!(matches!(refused, JsonPushError::Undecodable { .. }), "{refused}");
    let disk = power_cut(engine, &disk);

    let (engine, probe) = start(&disk, &switches).await;
    let listed = letters(&engine);
    assert_eq!(listed[0].value, serde_json::json!("\"five\""), "{listed:?}");
    engine.engine().push_json_waiting("numbers", b"6").await.unwrap().unwrap();
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&11));
    engine.assert_ledger().await;
}
