//! Sources: pushes on every kind, and sources of each make.

use acequia::testing::{Probe, TestEngine, script};
use acequia::{
    AccumulatorDecl, AccumulatorDef, Package, ReactorDecl, SourceDecl, SourceHealth, SourceOut, Strategy,
    Timestamp, batch_accumulator, computation_graph, passthrough_accumulator, polling_accumulator, reactor,
    state_accumulator, stream_accumulator, when_any, window_accumulator,
};
use acequia_tests::{Folder, abc, single, started};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[passthrough_accumulator]
fn plain(value: i64) -> i64 {
    value
}

fn silent() -> SourceDecl {
    SourceDecl::run(|_: SourceOut<i64>| std::future::pending())
}

#[stream_accumulator(source = silent)]
fn streamed(value: &i64) -> i64 {
    *value
}

#[polling_accumulator(interval = "1h")]
async fn polled() -> Option<i64> {
    None
}

#[batch_accumulator(max_buffer_size = 2)]
fn batched(values: &[i64]) -> Option<i64> {
    Some(values.iter().sum())
}

#[state_accumulator(capacity = 2)]
fn kept(value: i64) -> i64 {
    value
}

#[window_accumulator(tumbling = "10s", time = |time: &i64| Timestamp::from_millis(time * 1000))]
fn paned(values: &[i64]) -> Option<i64> {
    Some(values.iter().sum())
}

#[reactor(
    name = "R",
    accumulators = [plain, streamed, polled, batched, kept, paned],
    criteria = when_any(),
    strategy = sequential
)]
struct Every;

#[computation_graph(
    trigger = reactor(Every),
    name = "g",
    graph = { out(plain, streamed, polled, batched, kept, paned) }
)]
mod seen {
    type Value<'a> = Option<&'a i64>;

    fn out(
        plain: Option<&i64>,
        streamed: Option<&i64>,
        polled: Option<&i64>,
        batched: Option<&i64>,
        kept: Option<&Vec<i64>>,
        paned: Option<&i64>,
    ) -> (Vec<Option<i64>>, Option<Vec<i64>>) {
        let numbers: [Value<'_>; 5] = [plain, streamed, polled, batched, paned];
        (numbers.map(Option::<&i64>::copied).to_vec(), kept.cloned())
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_takes_pushes_typed_and_as_json() {
    let probe = Probe::<(Vec<Option<i64>>, Option<Vec<i64>>)>::new();
    let package = Package::new("p").with_reactor::<Every>().with_graph::<seen::Graph>();
    let engine = TestEngine::builder().package(package).probe("g", "out", &probe).start().await;

    for name in ["plain", "streamed", "polled", "batched", "kept", "paned"] {
        engine.push(name, 3_i64).await;
        engine.push_json(name, b" 40 ").unwrap().unwrap();
        engine.settle().await;
    }

    let last = probe.all().pop().unwrap();
    assert_eq!(last, (vec![Some(40), Some(40), Some(40), Some(43), Some(3)], Some(vec![3, 40])));
    assert_eq!(probe.len(), 2 + 2 + 2 + 1 + 2 + 1);
    engine.assert_ledger().await;
    let report = engine.shutdown(Duration::from_secs(5)).await;
    assert!(report.unsettled.is_empty(), "the last pane is flushed");
    report.ledger.check().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_of_another_type_than_its_events_is_disconnected_with_the_reason() {
    let source = SourceDecl::run(|out: SourceOut<String>| async move { out.push("one".to_owned()).await });
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").source(source);
    let (engine, _) = started::<u64>(single::<u64>(accumulator, Strategy::Latest)).await;
    engine.settle().await;

    let SourceHealth::Disconnected { reason } = engine.source_health("n").unwrap() else { panic!("it runs") };

    assert!(reason.contains("the source of n yields another type than its events"), "{reason}");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn several_sources_are_merged_in_order_of_arrival() {
    let feeds = [script::<u64>(), script::<u64>()];
    for n in 0..50 {
        feeds[0].emit(n).wait(Duration::from_millis(10));
        feeds[1].wait(Duration::from_millis(10)).emit(100 + n);
    }
    let [a, b, c] = ["a", "b", "c"].map(AccumulatorDecl::passthrough::<u64>);
    let accumulators = vec![a.source(feeds[0].source()), b.source(feeds[1].source()), c];
    let reactor = ReactorDecl::new("R", accumulators, when_any(["a", "b"])).strategy(Strategy::Sequential);
    let package = Package::new("p").reactor(reactor).graph(abc("g").on("R"));
    let (engine, probe) = started::<String>(package).await;

    let firings = probe.expect(100).await;

    let row =
        |firing: &String| -> Vec<u64> { firing.split(' ').map(|value| value.parse().unwrap_or(0)).collect() };
    assert!(firings.windows(2).all(|pair| {
        let (one, two) = (row(&pair[0]), row(&pair[1]));
        (two[0] == one[0] + 1 && two[1] == one[1]) || (two[0] == one[0] && two[1] >= one[1])
    }));
    assert_eq!(firings[99].split(' ').next(), Some("49"));
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_waits_while_its_accumulator_has_no_room() {
    let pushed = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&pushed);
    let source = SourceDecl::run(move |out: SourceOut<u64>| {
        let count = Arc::clone(&count);
        async move {
            for n in 0..1000 {
                out.push(n).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    });
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").capacity(8).source(source);
    let (engine, probe) = started::<u64>(single::<u64>(accumulator, Strategy::Sequential)).await;
    let reactor = engine.reactor("R").unwrap();
    reactor.pause().await;
    engine.settle().await;
    let held = pushed.load(Ordering::Relaxed);
    engine.advance(Duration::from_secs(60)).await;
    assert_eq!(pushed.load(Ordering::Relaxed), held, "a paused reactor remembers only so much");
    engine.assert_ledger().await;

    reactor.resume().await;

    assert_eq!(probe.expect(1000).await, (0..1000).collect::<Vec<_>>());
    assert_eq!(engine.source_health("n").unwrap(), SourceHealth::Finished);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn the_lines_of_a_file_are_events_and_a_restart_resumes_behind_the_last_one() {
    let folder = Folder::new().unwrap();
    let path = folder.join("in.txt");
    std::fs::write(&path, "1\n2\n# a comment\nbad\n3\n4\n").unwrap();
    let failed = Arc::<AtomicUsize>::default();
    let times = Arc::clone(&failed);
    let source = acequia::source::make::lines(&path, move |number, line: &str| match line {
        "bad" if times.fetch_add(1, Ordering::Relaxed) == 0 => {
            Err(acequia::Failure::error(format_args!("line {number} is bad")))
        }
        line => Ok(line.parse::<u64>().ok()),
    });
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").source(source);
    let (engine, probe) = started::<u64>(single::<u64>(accumulator, Strategy::Sequential)).await;

    assert_eq!(probe.expect(4).await, [1, 2, 3, 4]);
    assert_eq!(failed.load(Ordering::Relaxed), 2, "it died at the bad line and read it again");
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn an_inline_push_has_its_effect_before_it_returns() {
    let (engine, probe) = started::<i64>(single::<i64>(plain::decl(), Strategy::Latest)).await;
    engine.settle().await;
    let handle = engine.accumulator::<i64>("plain").unwrap();

    for n in 0..1000 {
        handle.push_inline(n).unwrap();
        assert_eq!(probe.len() as i64, n + 1);
    }

    engine.assert_settled().await;
    engine.assert_ledger().await;
}
