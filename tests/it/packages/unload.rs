//! Unloading: the guard first, then a drain, then everything goes in reverse.

use super::{consumer, publisher, subscriber, visible, whole};
use acequia::testing::{Probe, TestEngine, faults};
use acequia::{
    AccumulatorDecl, Batch, Dropped, Kind, Package, PushError, ReactorDecl, Sink, SourceHealth, Strategy,
    Unload, WorkflowDecl, when_all, when_any,
};
use acequia_tests::{echo, numbers};
use std::time::Duration;

const REFUSAL: &str = "E0471: package 'pricing-publisher' owns reactor 'PriceReactor', which has 1 bound \
                       subscriber(s): [\"price_consumer\" (pricing-subscriber)]; unload subscribers first";

#[tokio::test(start_paused = true)]
async fn the_publisher_stays_while_it_has_a_subscriber_and_goes_cleanly_after_it() {
    let engine = TestEngine::start([publisher(), subscriber()]).await;
    let before = visible(&engine).await;

    let refused = engine.unload("pricing-publisher").await.unwrap_err();

    assert_eq!(refused.to_string(), REFUSAL);
    assert_eq!(visible(&engine).await, before);
    let gone = engine.unload("pricing-subscriber").await.unwrap();
    assert_eq!(gone.steps, ["graph price_consumer torn down"]);
    let gone = engine.unload("pricing-publisher").await.unwrap();
    assert_eq!(gone.steps, ["reactor PriceReactor torn down"]);
    assert!(gone.killed.is_empty());
    assert!(engine.packages().is_empty());
    assert!(engine.reactor("PriceReactor").is_err());
    assert!(engine.accumulator::<u64>("raw_prices").is_err());
    assert!(engine.unload("pricing-publisher").await.unwrap_err().to_string().starts_with("E0470"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_holders_of_every_kind() {
    let reports =
        WorkflowDecl::new("report").on_trigger("nightly").on_reactor("First").invoking("t", "score");
    let other = Package::new("reports").version("1").workflow(reports);
    let packages = [publisher(), whole_without_workflow(), other];
    let engine = TestEngine::start(packages).await;
    let feeding = Package::new("feeding").version("1").graph(echo::<u64>("feeder", "second").on("Second"));
    engine.deploy(feeding, vec![("feeder".into(), "out".into(), Sink::accumulator("first"))]).await.unwrap();

    let refused = engine.unload("whole").await.unwrap_err().to_string();

    for part in [
        "owns reactor 'First', which starts 1 workflow(s): [\"report\" (reports)]",
        "owns reactor 'Second', which has 1 bound subscriber(s): [\"feeder\" (feeding)]",
        "owns accumulator 'first', which 1 terminal(s) feed: [\"feeder.out\" (feeding)]",
        "owns graph 'score', which 1 workflow(s) invoke: [\"report\" (reports)]",
        "owns trigger 'nightly', which starts 1 workflow(s): [\"report\" (reports)]",
    ] {
        assert!(refused.contains(part), "{part} is not in {refused}");
    }
    let (order, _) = engine.unload_plan("whole").unwrap();
    assert_eq!(order, ["feeding", "reports", "whole"].map(Into::into));
    engine.unload_cascade("whole").await.unwrap();
    assert_eq!(engine.packages().len(), 1);
    engine.assert_ledger().await;
}

/// [`whole`] with another package's workflow.
fn whole_without_workflow() -> Package {
    let whole = whole();
    let package = Package::new("whole").version("1").cron(whole.crons()[0].clone());
    let package = whole.reactors().iter().cloned().fold(package, Package::reactor);
    whole.graphs().iter().cloned().fold(package, Package::graph)
}

#[tokio::test(start_paused = true)]
async fn a_cascade_goes_as_one_in_the_planned_order() {
    let engine = TestEngine::start([publisher(), subscriber(), whole()]).await;
    let before = visible(&engine).await;
    let (order, steps) = engine.unload_plan("pricing-publisher").unwrap();
    assert_eq!(visible(&engine).await, before, "a plan does nothing");

    let gone = engine.unload_cascade("pricing-publisher").await.unwrap();

    assert_eq!(order, ["pricing-subscriber", "whole", "pricing-publisher"].map(Into::into));
    assert_eq!(gone.packages, order);
    let planned: Vec<_> = steps.iter().map(|step| format!("{} torn down", step.record)).collect();
    assert_eq!(gone.steps, planned);
    assert_eq!(gone.steps.last().unwrap(), "cron trigger nightly torn down");
    assert!(engine.packages().is_empty());
    assert_eq!(engine.tree().await.len(), 3, "a shard, the reconciler and the catalog");
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_flushed_and_worked_off_before_it_goes() {
    let sums = Probe::<u64>::new();
    let batch = || Batch::new(None, 100, |events: &[u64]| Ok(Some(events.iter().sum::<u64>())));
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::new("n", Kind::Batch, batch)], when_any(["n"]));
    let package = Package::new("p").reactor(reactor).graph(echo::<u64>("g", "n").on("R"));
    let engine = TestEngine::builder().package(package).probe("g", "out", &sums).start().await;
    let handle = engine.accumulator::<u64>("n").unwrap();
    engine.push_all("n", [1_u64, 2, 3]).await;

    let gone = engine.unload("p").await.unwrap();

    assert_eq!(sums.all(), [6]);
    assert_eq!(gone.dropped, 0);
    assert!(matches!(handle.push(4).await, Err(PushError::Closed { item: 4 })));
    let ledger = engine.ledger().await;
    assert_eq!(ledger.events().accepted, 3, "the totals of what is gone stay");
    assert_eq!(ledger.edge("R/deliveries/g").unwrap().settled(), 1);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_worked_off_in_time_is_dropped_with_its_reason() {
    let never = faults().sleep_at(0, Duration::from_secs(3600)).wrap(echo::<u64>("g", "n").on("R"));
    let reactor = ReactorDecl::new(
        "R",
        vec![AccumulatorDecl::passthrough::<u64>("n"), AccumulatorDecl::passthrough::<u64>("m")],
        when_all(["n", "m"]),
    );
    let package = Package::new("p").reactor(reactor.strategy(Strategy::Sequential)).graph(never);
    let engine = TestEngine::start([package]).await;
    let _probe = engine.probe::<u64>("g", "out").await;
    engine.push_all("m", [1_u64, 2, 3]).await;
    engine.push_all("n", [1_u64, 2, 3, 4, 5]).await;
    engine.settle().await;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();

    let gone = engine.unload_with("p", Unload::default().drain(Duration::from_millis(50))).await.unwrap();

    let ledger = engine.ledger().await;
    let dropped = |edge: &str| ledger.edge(edge).unwrap().dropped_for(Dropped::Unbound);
    assert_eq!(dropped("R/deliveries/g"), 3, "one in hand, two behind it");
    assert_eq!(dropped("R/boundaries/n"), 2, "their partners never came");
    assert_eq!(gone.dropped, 5);
    engine.assert_settled().await;
    engine.assert_ledger().await;
    assert!(tokio::runtime::Handle::current().metrics().num_alive_tasks() < tasks, "its future is dropped");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_goes_takes_what_it_owes_with_it_and_its_siblings_miss_nothing() {
    let second = Package::new("second").version("1").graph(consumer("second_consumer"));
    let engine = TestEngine::start([publisher(), subscriber(), second]).await;
    let (first, second) = (
        engine.probe::<u64>("price_consumer", "out").await,
        engine.probe::<u64>("second_consumer", "out").await,
    );
    engine.push_all("raw_prices", 0..100_u64).await;

    let unloading = engine.unload("pricing-subscriber");
    let pushing = engine.push_all("raw_prices", 100..200_u64);
    let (gone, ()) = tokio::join!(unloading, pushing);

    gone.unwrap();
    engine.push_all("raw_prices", 200..300_u64).await;
    engine.settle().await;
    assert_eq!(second.all(), (0..300).collect::<Vec<_>>());
    let seen = first.len() as u64;
    assert_eq!(first.all(), (0..seen).collect::<Vec<_>>(), "in order, up to where it left");
    assert_eq!(engine.ledger().await.edge("PriceReactor/deliveries/price_consumer").unwrap().accepted, seen);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_ends_with_its_package() {
    let engine = TestEngine::start([numbers(Strategy::Sequential)]).await;
    let mut outputs = engine.subscribe::<u64>("g", "out", 4).await.unwrap();
    engine.push_all("n", [1_u64, 2]).await;
    engine.settle().await;

    engine.unload("p").await.unwrap();

    assert_eq!(outputs.recv().await, Some(1));
    assert_eq!(outputs.recv().await, Some(2));
    assert_eq!(outputs.recv().await, None);
    assert!(engine.source_health("n").is_err());
    let _: Option<SourceHealth> = None;
}

#[tokio::test(start_paused = true)]
async fn a_package_can_come_again_with_other_types_under_the_same_names() {
    let engine = TestEngine::start([numbers(Strategy::Sequential)]).await;
    engine.push("n", 1_u64).await;
    engine.unload("p").await.unwrap();

    let package =
        acequia_tests::single::<String>(AccumulatorDecl::passthrough::<String>("n"), Strategy::Latest);
    engine.load(package).await.unwrap();

    let probe = engine.probe::<String>("g", "out").await;
    engine.push("n", "text".to_owned()).await;
    assert_eq!(probe.expect(1).await, ["text"]);
    engine.assert_ledger().await;
}
