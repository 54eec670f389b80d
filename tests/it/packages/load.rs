//! Loading: planned as a whole, all or nothing, and said.

use super::{publisher, subscriber, visible, whole};
use acequia::testing::{Probe, TestEngine};
use acequia::{Load, LoadError, LoadOutcome, PackageState, StepPhase, Strategy};
use acequia_tests::numbers;

fn states(engine: &TestEngine) -> Vec<(String, PackageState)> {
    engine.packages().into_iter().map(|package| (package.name.to_string(), package.state)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_early_subscriber_is_refused_and_nothing_changes() {
    let engine = TestEngine::start([]).await;
    let before = visible(&engine).await;

    let refused = engine.load(subscriber()).await.unwrap_err();

    assert_eq!(
        refused.to_string(),
        "E0411: reactor 'PriceReactor' not loaded; the publishing package must load before its subscribers \
         (package pricing-subscriber, graph price_consumer)"
    );
    assert_eq!(visible(&engine).await, before);
    engine.load(publisher()).await.unwrap();
    engine.load(subscriber()).await.unwrap();
    let signals = engine.probe::<u64>("price_consumer", "out").await;
    engine.push("raw_prices", 7_u64).await;
    assert_eq!(signals.expect(1).await, [7]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_parked_subscriber_is_listed_and_loaded_with_its_publisher() {
    let engine = TestEngine::start([]).await;
    let signals = Probe::<u64>::new();
    let load = Load::new(subscriber()).wait().sink("price_consumer", "out", signals.sink());

    let report = engine.load(load).await.unwrap();

    let missing = vec!["PriceReactor".into()];
    let parked = PackageState::Parked { missing: missing.clone() };
    assert_eq!(report.outcome("pricing-subscriber"), Some(&LoadOutcome::Parked { missing }));
    assert_eq!(states(&engine), [("pricing-subscriber".to_owned(), parked)]);

    engine.load(publisher()).await.unwrap();
    engine.settle().await;
    assert!(states(&engine).iter().all(|(_, state)| *state == PackageState::Loaded), "{:?}", states(&engine));
    engine.push("raw_prices", 7_u64).await;
    assert_eq!(signals.expect(1).await, [7]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_parked_load_can_be_cancelled() {
    let engine = TestEngine::start([]).await;
    engine.load(Load::new(subscriber()).wait()).await.unwrap();

    engine.unload("pricing-subscriber").await.unwrap();

    assert!(engine.packages().is_empty());
    engine.load(publisher()).await.unwrap();
    engine.settle().await;
    assert_eq!(states(&engine), [("pricing-publisher".to_owned(), PackageState::Loaded)]);
}

#[tokio::test(start_paused = true)]
async fn the_same_version_again_registers_nothing_and_says_so() {
    let engine = TestEngine::start([publisher(), subscriber()]).await;
    let before = visible(&engine).await;

    let report = engine.load(subscriber()).await.unwrap();

    assert_eq!(report.outcome("pricing-subscriber"), Some(&LoadOutcome::Unchanged));
    assert_eq!(visible(&engine).await, before);
    let unlabelled = numbers(Strategy::Latest);
    engine.load(unlabelled.clone()).await.unwrap();
    let report = engine.load(unlabelled).await.unwrap();
    assert_eq!(report.outcome("p"), Some(&LoadOutcome::Unchanged), "a derived version is one as well");
}

#[tokio::test(start_paused = true)]
async fn packages_of_one_load_come_up_together_in_any_order() {
    let engine = TestEngine::start([]).await;
    let refused = engine.load(Load::all([subscriber(), publisher(), publisher()])).await;
    assert!(matches!(refused, Err(LoadError::Refused(_))), "{refused:?}");
    assert!(engine.packages().is_empty());

    engine.load(Load::all([whole(), subscriber(), publisher()])).await.unwrap();

    let owned: Vec<_> = engine.packages().into_iter().map(|package| package.owns).collect();
    assert_eq!(owned[0], ["reactor PriceReactor"]);
    assert_eq!(owned[1], ["graph price_consumer"]);
    let whole = [
        "cron trigger nightly",
        "poll trigger hourly",
        "reactor First",
        "reactor Second",
        "graph score",
        "graph at_first",
        "graph at_price",
        "graph at_second",
        "workflow report",
    ];
    assert_eq!(owned[2], whole);
    let tree = engine.tree().await;
    let place = |name: &str| tree.iter().position(|(child, _)| child.starts_with(name));
    assert!(place("package pricing-publisher") < place("package pricing-subscriber"), "{tree:#?}");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn every_step_is_told_counted_and_in_order() {
    let engine = TestEngine::start([publisher()]).await;
    let mut events = engine.step_events();

    engine.load(whole()).await.unwrap();
    let refused = engine.load(Load::all([whole().version("2"), publisher()])).await.unwrap_err();
    engine.unload("whole").await.unwrap();

    let mut told = Vec::new();
    while let Some(event) = events.try_next() {
        if event.package.as_str() != "whole" {
            assert_eq!(event.phase, StepPhase::Refused, "{event}");
            continue;
        }
        told.push((event.phase, event.step));
    }
    let of = |phase| {
        let steps = told.iter().filter(|(known, step)| *known == phase && step.is_some());
        steps.map(|(_, step)| step.clone().unwrap()).collect::<Vec<_>>()
    };
    let (prepared, activated, dropped) =
        (of(StepPhase::Prepared), of(StepPhase::Activated), of(StepPhase::Dropped));
    assert_eq!(prepared.first().unwrap(), "cron trigger nightly");
    assert_eq!(prepared.last().unwrap(), "workflow report");
    assert_eq!(activated.first().unwrap(), "workflow report", "consumers before producers");
    let kinds = |steps: &[String]| {
        let mut kinds: Vec<_> = steps.iter().map(|step| step.split(' ').next().unwrap().to_owned()).collect();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds(&dropped), ["workflow", "graph", "reactor", "poll", "cron"]);
    assert_eq!(prepared.len(), 9);
    assert_eq!(engine.step_counters().get(StepPhase::Refused), 2, "{refused}");
    // The publisher was there before.
    assert_eq!(engine.step_counters().get(StepPhase::Prepared), 10);
    assert_eq!(engine.step_counters().get(StepPhase::Committed), 3);
    assert_eq!(events.missed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_plans_without_doing_anything() {
    let engine = TestEngine::start([publisher()]).await;
    let before = visible(&engine).await;

    let plan = engine.check(&[subscriber(), whole()]).unwrap();
    let refused = engine.check(&[publisher().version("2"), subscriber()]).unwrap_err();

    let steps: Vec<_> = plan.steps.iter().map(|step| step.record.precedence()).collect();
    assert_eq!(steps, [1, 2, 3, 3, 4, 5, 5, 5, 5, 6]);
    assert!(refused.to_string().starts_with("E0466"), "{refused}");
    assert_eq!(visible(&engine).await, before);
}
