//! Pins: whatever holds a version keeps it, over restarts too.

use super::{change, hold, listed, live_run, on, power_cut, pricing, refusal};
use acequia::core::catalog::{PinKind, Refusal};
use acequia::store::disk::SimulatedDisk;
use acequia::store::journal::{Journal, Settings};
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn paused_and_re_openable_runs_and_recorded_children_pin_their_version_over_a_restart() {
    let mut disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    for run in ["paused", "cancelled"] {
        live_run(&catalog, "pricing", run).await;
        let become_resumable = change("v1", PinKind::LiveRun, PinKind::ResumableRun, run);
        catalog.pin(vec![become_resumable]).await.unwrap();
    }
    let child = catalog.start_child("pricing", &"v1".into(), &"paused".into(), "child").unwrap();
    catalog.pin(vec![hold("v1", PinKind::RecordedChild, "child")]).await.unwrap();
    drop(child);
    catalog
        .pin(vec![hold("v1", PinKind::Handoff, "items"), hold("v1", PinKind::Reservation, "seat")])
        .await
        .unwrap();
    catalog.load(pricing("v2")).await.unwrap();
    let held = [
        "pricing v1 serving (2 resumable runs, 1 recorded child, 1 handoff, 1 restart reservation)",
        "pricing v2* serving",
    ];

    disk = power_cut(engine, &disk);
    for _ in 0..2 {
        let engine = on(&disk).start().await;
        let catalog = engine.catalog();
        assert_eq!(listed(&catalog), held);
        let refused = refusal(catalog.unload("pricing", Some("v1".into())).await.unwrap_err());
        let Refusal::Held { held, .. } = &refused else { panic!("{refused}") };
        assert_eq!(held[0].counts.total(), 5);
        assert_eq!(held[0].holders.len(), 4, "every kind is named");
        disk = power_cut(engine, &disk);
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_in_flight_refuses_an_unload_until_it_has_ended() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    let (version, start) = catalog.start("pricing", "run-1").unwrap();
    assert_eq!(version.as_str(), "v1");
    catalog.load(pricing("v2")).await.unwrap();

    let refused = refusal(catalog.unload("pricing", Some("v1".into())).await.unwrap_err());
    let Refusal::Held { held, .. } = &refused else { panic!("{refused}") };
    assert_eq!(held[0].counts.of(PinKind::Start), 1);
    drop(start);
    catalog.unload("pricing", Some("v1".into())).await.unwrap();

    assert_eq!(catalog.start("pricing", "run-2").unwrap().0.as_str(), "v2");
    catalog.unload("pricing", None).await.unwrap();
    assert!(matches!(catalog.start("pricing", "run-3"), Err(Refusal::UnknownVersion { .. })));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_pinned_who_was_not_let_in() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    let refused = catalog.pin(vec![hold("v1", PinKind::LiveRun, "run-1")]).await.unwrap_err();
    assert!(matches!(refused, Refusal::NotAdmitted { .. }), "{refused}");
    let refused = catalog.pin(vec![hold("v9", PinKind::Handoff, "items")]).await.unwrap_err();
    assert!(matches!(refused, Refusal::UnknownVersion { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_unload_waits_for_pins_that_are_on_their_way_and_sees_them() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    for version in ["v1", "v2"] {
        catalog.load(pricing(version)).await.unwrap();
    }
    let ticket = catalog.admit(vec![hold("v1", PinKind::Handoff, "items")]).unwrap();
    let unload = catalog.unload("pricing", Some("v1".into()));
    let mut unload = std::pin::pin!(unload);
    for _ in 0..50 {
        assert!(futures_pending(&mut unload).await, "it does not decide while a pin may come");
        tokio::task::yield_now().await;
    }
    // Nobody else comes in meanwhile; who is on the way gets there.
    assert!(matches!(
        catalog.admit(vec![hold("v1", PinKind::Handoff, "late")]),
        Err(Refusal::Draining { .. })
    ));

    // The batch of what it protects, in a journal of its own here.
    let (journal, _) = Journal::open(Arc::new(SimulatedDisk::new(2)), Settings::small()).unwrap();
    let mut batch = journal.batch();
    ticket.push(&mut batch).unwrap();
    let synced = journal.append_and_wait(batch);
    ticket.synced(synced).unwrap();

    let refused = refusal(unload.await.unwrap_err());
    assert!(matches!(refused, Refusal::Held { .. }), "{refused}");
    assert_eq!(listed(&catalog), ["pricing v1 serving (1 handoff)", "pricing v2* serving"]);
}

/// Whether a future is not ready yet.
async fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending()))
        .await
}
