//! What accumulators of a library keep goes on in its next version, and in another process.

use acequia::library::Library;
use acequia::testing::{Probe, TestEngine};
use acequia::{Engine, Load, LoadError, Package, Trust};
use acequia_tests::eventually;
use acequia_tests::library::{built, library, library_of};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

type Pane = (i64, i64, Vec<i64>);

fn package(engine: &TestEngine, path: &Path, version: &str) -> Package {
    Library::open(path, &Trust::optional()).unwrap().package(engine.services()).version(version)
}

/// What each kind hands on.
#[derive(Default)]
struct Probes {
    passing: Probe<(i64, i64)>,
    asked: Probe<i64>,
    summed: Probe<(i64, i64)>,
    batched: Probe<(i64, Vec<i64>)>,
    kept: Probe<Vec<(i64, i64)>>,
    tumbling: Probe<Pane>,
    sliding: Probe<Pane>,
    sessions: Probe<Pane>,
}

/// An engine with the first version of `keeping`.
async fn first_version() -> (TestEngine, Probes) {
    let engine = TestEngine::builder().start().await;
    let probes = Probes::default();
    let load = Load::new(package(&engine, &built("keeping", &[]), "1"))
        .sink("of_passing", "out", probes.passing.sink())
        .sink("of_asked", "out", probes.asked.sink())
        .sink("of_summed", "out", probes.summed.sink())
        .sink("of_batched", "out", probes.batched.sink())
        .sink("of_kept", "out", probes.kept.sink())
        .sink("of_tumbling", "out", probes.tumbling.sink())
        .sink("of_sliding", "out", probes.sliding.sink())
        .sink("of_sessions", "out", probes.sessions.sink());
    engine.load(load).await.unwrap();
    engine.settle().await;
    (engine, probes)
}

const FED: [&str; 7] = ["passing", "summed", "batched", "kept", "tumbling", "sliding", "sessions"];

/// Push `events` to all that take some.
async fn push(engine: &TestEngine, events: &[i64]) {
    for accumulator in FED {
        engine.push_all(accumulator, events.to_vec()).await;
    }
    engine.settle().await;
}

#[tokio::test(start_paused = true)]
async fn every_kind_goes_on_in_the_next_version_of_its_library() {
    let (engine, probes) = first_version().await;
    push(&engine, &[1, 4, 8]).await;
    assert_eq!(engine.unsettled().await.n(), 10, "held by the batch and by three windows; one session ended");

    engine.load(package(&engine, &built("keeping", &["two"]), "2")).await.unwrap();
    assert_eq!(engine.unsettled().await.n(), 10);
    push(&engine, &[12, 25]).await;

    assert_eq!(probes.passing.all(), [(1, 1), (1, 4), (1, 8), (2, 12), (2, 25)]);
    assert_eq!(probes.summed.all(), [(1, 1), (1, 5), (1, 13), (2, 25), (2, 50)]);
    assert_eq!(probes.batched.all(), [(2, vec![1, 4, 8, 12])]);
    let windows = probes.kept.all();
    assert_eq!(
        windows[2..],
        [vec![(1, 1), (1, 4), (1, 8)], vec![(1, 4), (1, 8), (2, 12)], vec![(1, 8), (2, 12), (2, 25)]]
    );
    assert_eq!(probes.tumbling.all(), [(2, 0, vec![1, 4, 8]), (2, 10, vec![12])]);
    let panes = [(1, -5, vec![1, 4]), (2, 0, vec![1, 4, 8]), (2, 5, vec![8, 12]), (2, 10, vec![12])];
    assert_eq!(probes.sliding.all(), panes);
    assert_eq!(probes.sessions.all(), [(1, 1, vec![1, 4]), (2, 8, vec![8]), (2, 12, vec![12])]);
    assert_eq!(probes.asked.all(), [1, 2], "the new version asks at its start");
    for reactor in ["Batched", "Tumbling", "Sliding", "Sessions"] {
        engine.reactor(reactor).unwrap().flush().await;
    }
    engine.settle().await;
    assert_eq!(probes.batched.all().last().unwrap(), &(2, vec![25]));
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_a_library_is_flushed_at_its_time_across_an_upgrade() {
    let (engine, probes) = first_version().await;
    engine.push("batched", 1_i64).await;
    engine.advance(Duration::from_secs(40)).await;
    engine.load(package(&engine, &built("keeping", &["two"]), "2")).await.unwrap();
    engine.advance(Duration::from_secs(19)).await;
    assert!(probes.batched.is_empty());
    engine.advance(Duration::from_secs(2)).await;
    assert_eq!(probes.batched.all(), [(2, vec![1])], "sixty seconds after its first event");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_state_of_another_schema_goes_through_the_migration_of_the_new_library() {
    let (engine, probes) = first_version().await;
    push(&engine, &[3, 4]).await;

    engine.load(package(&engine, &built("keeping", &["three"]), "3")).await.unwrap();
    push(&engine, &[5]).await;
    // Its state has the new type now; the migration lets it through.
    engine.load(package(&engine, &library("keeping", &["three"]), "3a")).await.unwrap();
    push(&engine, &[6]).await;

    assert_eq!(probes.summed.all(), [(1, 3), (1, 7), (3, 12_101), (3, 18_102)]);
    engine.assert_ledger().await;
}

/// The reason for which `path` was not loaded.
async fn refusal(engine: &TestEngine, path: &Path) -> String {
    match engine.load(package(engine, path, "next")).await.unwrap_err() {
        LoadError::Child { reason, .. } => reason,
        other => other.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_version_that_does_not_take_the_state_leaves_the_old_one_serving() {
    let cases = [
        (
            "other",
            vec![1],
            "E0330",
            "it keeps keeping::sum::Counted ({sum: i64, n: u64}), and was given i64 (i64); declare a migration",
        ),
        ("panics", vec![1], "E0331", "panicked: no migration today"),
        ("three", vec![14], "E0331", "fourteen stays where it is"),
        ("picky", vec![13], "E0331", "the bytes are no keeping::sum::Number"),
        ("two", vec![-13], "E0333", "panicked: minus thirteen cannot be told"),
    ];
    for (feature, events, code, wanted) in cases {
        let (engine, probes) = first_version().await;
        push(&engine, &events).await;
        let before = engine.unsettled().await.n();

        let reason = refusal(&engine, &built("keeping", &[feature])).await;

        assert!(
            reason.contains(code) && reason.contains("accumulator summed") && reason.contains(wanted),
            "{feature}: {reason}"
        );
        assert_eq!(engine.unsettled().await.n(), before);
        push(&engine, &[100]).await;
        let sum = events.iter().sum::<i64>();
        assert_eq!(probes.summed.all(), [(1, sum), (1, sum + 100)], "{feature}");
        assert_eq!(probes.passing.all().last().unwrap(), &(1, 100), "{feature}");
        engine.assert_ledger().await;
    }
}

/// The library as an older sdk built it: its table ends before states and settings.
pub(super) fn older(fixture: &str) -> std::path::PathBuf {
    let mut bytes = std::fs::read(built(fixture, &[])).unwrap();
    let (at, size) = (0..bytes.len() - 16)
        .find_map(|at| {
            let is_header =
                bytes[at..].starts_with(b"ACEQUIA\x1a") && bytes[at + 12..at + 16] == [1, 0, 0, 0];
            is_header.then(|| (at, u32::from_ne_bytes(*bytes[at + 8..].first_chunk().unwrap())))
        })
        .unwrap();
    let shorter = size - 4 * u32::try_from(size_of::<usize>()).unwrap();
    bytes[at + 8..at + 12].copy_from_slice(&shorter.to_ne_bytes());
    library_of(&bytes)
}

#[tokio::test(start_paused = true)]
async fn a_library_of_an_older_sdk_serves_and_a_state_in_it_does_not_cross() {
    let engine = TestEngine::builder().start().await;
    let old = older("keeping");
    assert!(
        !Library::open(&old, &Trust::optional()).unwrap().keeps()
            && Library::open(built("keeping", &[]), &Trust::optional()).unwrap().keeps()
    );
    let probe = Probe::<(i64, i64)>::new();
    engine.load(Load::new(package(&engine, &old, "0")).sink("of_summed", "out", probe.sink())).await.unwrap();
    push(&engine, &[1]).await;

    let reason = refusal(&engine, &built("keeping", &["two"])).await;

    assert!(reason.contains("E0330") && reason.contains("accumulator summed"), "{reason}");
    assert!(reason.contains("was built with acequia-sdk") && reason.contains("begins anew"), "{reason}");
    push(&engine, &[2]).await;
    assert_eq!(probe.all(), [(1, 1), (1, 3)], "it goes on");
    engine.assert_ledger().await;

    // Where nothing is kept, nothing has to cross.
    let engine = TestEngine::builder().start().await;
    engine.load(package(&engine, &older("versioned"), "0")).await.unwrap();
    engine.load(package(&engine, &built("versioned", &["two"]), "2")).await.unwrap();
}

/// Notes what panes hold: how many events, and whether each is the one behind the one before.
fn watched() -> (acequia::Sink, Arc<AtomicI64>, Arc<AtomicBool>, Arc<AtomicI64>) {
    let (seen, gap, versions) =
        (Arc::<AtomicI64>::default(), Arc::<AtomicBool>::default(), Arc::<AtomicI64>::default());
    let (last, gaps, changes) = (Arc::clone(&seen), Arc::clone(&gap), Arc::clone(&versions));
    let current = AtomicI64::new(0);
    let sink = acequia::Sink::callback(move |(version, _, events): &Pane| {
        for event in events {
            gaps.fetch_or(last.fetch_add(1, Ordering::Relaxed) + 1 != *event, Ordering::Relaxed);
        }
        let other = current.swap(*version, Ordering::Relaxed) != *version;
        changes.fetch_add(i64::from(other), Ordering::Relaxed);
    });
    (sink, seen, gap, versions)
}

#[test]
fn upgrades_of_a_library_under_load_lose_nothing_of_its_open_windows() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let engine = Engine::builder().start().await.unwrap();
        let open = |feature: &[&str], version: String| {
            Library::open(built("keeping", feature), &Trust::optional())
                .unwrap()
                .package(engine.services())
                .version(version)
        };
        let (sink, seen, gap, versions) = watched();
        engine.load(Load::new(open(&[], "0".to_owned())).sink("of_tumbling", "out", sink)).await.unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let (handle, stop) = (engine.accumulator::<i64>("tumbling").unwrap(), Arc::clone(&done));
        let pusher = std::thread::spawn(move || {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                handle.push_blocking(n).unwrap();
            }
            n
        });

        let mut during = 0;
        for version in 1..=40 {
            let before = seen.load(Ordering::Relaxed);
            let feature: &[&str] = if version % 2 == 1 { &["two"] } else { &[] };
            engine.load(open(feature, version.to_string())).await.unwrap();
            engine.ledger().await.check().unwrap();
            during += seen.load(Ordering::Relaxed) - before;
        }

        done.store(true, Ordering::Relaxed);
        let pushed = pusher.join().unwrap();
        // What waits in the ring comes into the window first.
        let closed = async || {
            engine.reactor("Tumbling").unwrap().flush().await;
            engine.settled(Duration::from_millis(50)).await
        };
        eventually("all panes are closed", closed).await;
        assert_eq!(seen.load(Ordering::Relaxed), pushed);
        assert!(!gap.load(Ordering::Relaxed), "each once, in order");
        assert!(during > 0, "events passed during the upgrades");
        assert!(versions.load(Ordering::Relaxed) > 2, "several versions closed panes");
        let ledger = engine.ledger().await;
        ledger.check().unwrap();
        let events = ledger.edge("Tumbling/events/tumbling").unwrap();
        assert_eq!(events.accepted, u64::try_from(pushed).unwrap());
        engine.shutdown(Duration::from_secs(5)).await;
    });
}
