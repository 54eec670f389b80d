//! Unloading once nobody holds it: over restarts, as a whole or not at all, and taken back.

use super::{hold, listed, live_run, on, power_cut, pricing, refusal, release, text};
use acequia::core::catalog::{PinKind, Refusal};
use acequia::store::disk::SimulatedDisk;
use acequia_tests::eventually;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn it_survives_a_restart_and_is_done_when_the_last_pin_ends() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    for run in ["one", "two"] {
        live_run(&catalog, "pricing", run).await;
    }
    catalog.load(pricing("v2")).await.unwrap();

    let (versions, held) = catalog.unload_when_drained("pricing", Some("v1".into())).await.unwrap();
    assert_eq!((versions, held.total()), (vec!["v1".into()], 2));
    catalog.pin(vec![release("v1", PinKind::LiveRun, "one")]).await.unwrap();
    let disk = power_cut(engine, &disk);

    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    assert_eq!(listed(&catalog), ["pricing v1 draining (1 live run)", "pricing v2* serving"]);
    // Who is at work there may begin a child; nobody else comes in.
    assert!(catalog.start_child("pricing", &"v1".into(), &"two".into(), "child").is_ok());
    let stranger = catalog.snapshot().start_at(&"pricing".into(), &"v1".into(), "stranger");
    assert!(matches!(stranger, Err(Refusal::Draining { .. })));
    catalog.pin(vec![release("v1", PinKind::LiveRun, "two")]).await.unwrap();
    eventually("it is unloaded", async || listed(&catalog) == ["pricing v2* serving"]).await;
    let engine = on(&power_cut(engine, &disk)).start().await;
    assert_eq!(listed(&engine.catalog()), ["pricing v2* serving"]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_holds_goes_at_once_also_right_after_a_start() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    for version in ["v1", "v2"] {
        catalog.load(pricing(version)).await.unwrap();
    }
    let start = catalog.snapshot().start_at(&"pricing".into(), &"v1".into(), "start").unwrap();
    catalog.unload_when_drained("pricing", Some("v1".into())).await.unwrap();
    assert_eq!(listed(&catalog)[0], "pricing v1 draining (1 start in flight)");
    // The power takes the start with it, and nothing else changes: the next start finishes.
    let found = disk.copy();
    drop(start);
    eventually("the last start rings", async || listed(&catalog) == ["pricing v2* serving"]).await;
    let engine = on(&found).start().await;
    let catalog = engine.catalog();
    eventually("a start looks", async || listed(&catalog) == ["pricing v2* serving"]).await;
}

#[tokio::test(start_paused = true)]
async fn it_is_taken_back_by_a_cancel_a_route_or_a_load() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    live_run(&catalog, "pricing", "run").await;
    catalog.load(pricing("v2")).await.unwrap();
    let drain = || catalog.unload_when_drained("pricing", Some("v1".into()));

    drain().await.unwrap();
    assert_eq!(catalog.cancel_drain("pricing", None).await.unwrap(), ["v1".into()]);
    assert_eq!(listed(&catalog)[0], "pricing v1 serving (1 live run)");
    let nothing = refusal(catalog.cancel_drain("pricing", None).await.unwrap_err());
    assert!(matches!(nothing, Refusal::NotDraining { .. }), "{nothing}");

    drain().await.unwrap();
    catalog.route("pricing", "v1", None).await.unwrap();
    assert_eq!(listed(&catalog)[0], "pricing v1* serving (1 live run)");
    let active = refusal(drain().await.unwrap_err());
    assert!(matches!(active, Refusal::RouteActive { .. }), "{active}");

    catalog.route("pricing", "v2", None).await.unwrap();
    drain().await.unwrap();
    catalog.load(pricing("v1")).await.unwrap();
    catalog.pin(vec![release("v1", PinKind::LiveRun, "run")]).await.unwrap();
    engine.advance(Duration::from_secs(5)).await;
    assert_eq!(listed(&catalog), ["pricing v1* serving", "pricing v2 serving"]);
}

#[tokio::test(start_paused = true)]
async fn a_package_that_others_depend_on_goes_once_they_have_gone() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    catalog.load(text("package=display version=v1 kind=subscriber of=pricing")).await.unwrap();
    catalog.pin(vec![hold("v1", PinKind::Handoff, "items")]).await.unwrap();

    catalog.unload_when_drained("pricing", None).await.unwrap();
    catalog.pin(vec![release("v1", PinKind::Handoff, "items")]).await.unwrap();
    engine.advance(Duration::from_secs(5)).await;
    assert_eq!(listed(&catalog), ["display v1* serving", "pricing v1* draining"], "a link is no pin");
    catalog.unload("display", None).await.unwrap();
    eventually("it follows", async || listed(&catalog).is_empty()).await;
    assert!(engine.packages().is_empty());
}
