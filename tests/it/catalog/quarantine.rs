//! Versions that fail at work: kept out, over restarts too, until an operator or a new version lets them in.

use super::{audited, listed, live_run, on, power_cut, pricing, refusal, text};
use acequia::Component;
use acequia::core::catalog::Refusal;
use acequia::store::disk::SimulatedDisk;
use acequia::testing::TestEngine;
use acequia_tests::eventually;
use std::time::Duration;

/// Let the package's actor fail until its budget is spent.
async fn exhaust(engine: &TestEngine) {
    for _ in 0..4 {
        eventually("it is there again", async || engine.crash(Component::Package("pricing")).await).await;
        engine.advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_failed_too_often_is_kept_out_over_a_restart_and_its_runs_are_listed() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    live_run(&catalog, "pricing", "run-1").await;
    catalog.load(text("package=tools version=v1")).await.unwrap();

    exhaust(&engine).await;

    let out = ["pricing v1* quarantined (1 live run)", "tools v1* serving"];
    eventually("it is kept out", async || listed(&catalog) == out).await;
    assert!(matches!(catalog.start("pricing", "run-2"), Err(Refusal::Quarantined { .. })));
    let engine = on(&power_cut(engine, &disk)).start().await;
    let catalog = engine.catalog();
    assert_eq!(listed(&catalog), out);
    assert_eq!(catalog.stranded().len(), 1, "the run waits, and can be seen");
    assert!(engine.reactor("R-pricing").is_err() && engine.reactor("R-tools").is_ok());
    assert!(audited(&catalog).await.iter().any(|entry| entry.starts_with("engine: quarantine v1")));

    let again = refusal(catalog.load(pricing("v1")).await.unwrap_err());
    assert!(matches!(again, Refusal::Quarantined { .. }), "{again}");
    catalog.load(pricing("v2")).await.unwrap();
    assert_eq!(listed(&catalog)[..2], ["pricing v1 serving (1 live run)", "pricing v2* serving"]);
    assert!(catalog.stranded().is_empty());
}
