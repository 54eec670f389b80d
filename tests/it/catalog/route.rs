//! Routes: new work goes to another loaded version, with the state; and what refuses that.

use super::{audited, counted, listed, on, power_cut, pricing, refusal, text};
use acequia::core::catalog::Refusal;
use acequia::store::disk::SimulatedDisk;
use acequia::{FailAction, Routed};
use std::io;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_rollback_takes_the_state_along_and_outlives_a_restart() {
    let mut disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog().by("alice");
    for version in ["v1", "v2", "v3"] {
        catalog.load(pricing(version)).await.unwrap();
    }
    assert_eq!(counted(&engine, "pricing", &[7]).await, [[3, 1, 7]]);

    let routed = catalog.route("pricing", "v1", Some("v3".into())).await.unwrap();
    assert_eq!(routed, Routed { version: "v1".into(), from: Some("v3".into()), changed: true });
    let again = catalog.route("pricing", "v1", None).await.unwrap();
    assert!(!again.changed, "doing so again is no error");
    assert_eq!(counted(&engine, "pricing", &[8]).await, [[1, 2, 8]]);
    // Deployed after the rollback, and before the crash: the order of deploys does not bring it back.
    catalog.load(text("package=tools version=v1")).await.unwrap();

    disk = power_cut(engine, &disk);
    for life in 3..5 {
        let engine = on(&disk).start().await;
        let listed = listed(&engine.catalog());
        assert_eq!(listed[..3], ["pricing v1* serving", "pricing v2 serving", "pricing v3 serving"]);
        assert_eq!(counted(&engine, "pricing", &[9]).await, [[1, life, 9]]);
        disk = power_cut(engine, &disk);
    }
    let entries = audited(&on(&disk).start().await.catalog()).await;
    assert_eq!(entries[3], "alice: route v1 if v3 is routed of pricing");
    assert_eq!(entries[4], "alice: route v1 of pricing");
}

#[tokio::test(start_paused = true)]
async fn a_route_that_moved_is_not_overwritten() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    for version in ["v1", "v2"] {
        catalog.load(pricing(version)).await.unwrap();
    }

    let moved = refusal(catalog.route("pricing", "v1", Some("v1".into())).await.unwrap_err());

    let Refusal::RouteMoved { expected, found, .. } = &moved else { panic!("{moved}") };
    assert_eq!((expected.as_str(), found.clone()), ("v1", Some("v2".into())));
    assert_eq!(listed(&catalog), ["pricing v1 serving", "pricing v2* serving"]);
}

#[tokio::test(start_paused = true)]
async fn a_version_is_meant_by_a_unique_prefix_or_label_and_unknown_ones_name_the_loaded_set() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    let none = refusal(catalog.route("pricing", "v1", None).await.unwrap_err());
    assert!(none.to_string().contains("loaded: none"), "{none}");
    for (version, label) in [("abc1", "1.0.0"), ("abd2", "2.0.0"), ("xyz3", "2.0.0")] {
        catalog.load(text(&format!("package=pricing version={version} label={label}"))).await.unwrap();
    }

    assert_eq!(catalog.route("pricing", "abc", None).await.unwrap().version.as_str(), "abc1");
    assert_eq!(catalog.route("pricing", "x", None).await.unwrap().version.as_str(), "xyz3");
    assert_eq!(catalog.route("pricing", "1.0.0", None).await.unwrap().version.as_str(), "abc1");
    for ambiguous in ["ab", "2.0.0"] {
        let refused = refusal(catalog.route("pricing", ambiguous, None).await.unwrap_err());
        assert!(matches!(refused, Refusal::AmbiguousVersion { .. }), "{refused}");
    }
    let unknown = refusal(catalog.route("pricing", "q", None).await.unwrap_err());
    let Refusal::UnknownVersion { loaded, .. } = &unknown else { panic!("{unknown}") };
    assert_eq!(loaded.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_cannot_take_over_the_state_back_is_refused() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    counted(&engine, "pricing", &[7]).await;
    // There is a way to the new state, and none back.
    catalog.load(text("package=pricing version=v2 kind=migrating")).await.unwrap();
    assert_eq!(counted(&engine, "pricing", &[8]).await, [[2, 2, 8]]);

    let refused = refusal(catalog.route("pricing", "v1", None).await.unwrap_err());

    let Refusal::StateIncompatible { from, to, .. } = &refused else { panic!("{refused}") };
    assert_eq!((from.as_str(), to.as_str()), ("v2", "v1"));
    assert_eq!(listed(&catalog), ["pricing v1 serving", "pricing v2* serving"]);
    assert_eq!(counted(&engine, "pricing", &[9]).await, [[2, 3, 9]]);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_breaks_what_another_package_requires_is_a_conflict() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    for (version, label) in [("v1", "1.0.0"), ("v2", "2.0.0")] {
        catalog.load(text(&format!("package=pricing version={version} label={label}"))).await.unwrap();
    }
    catalog.load(text("package=display version=v1 kind=subscriber of=pricing needs=^2")).await.unwrap();

    let broken = refusal(catalog.route("pricing", "v1", None).await.unwrap_err());

    assert!(matches!(broken, Refusal::Conflict(_)), "{broken}");
    assert_eq!(listed(&catalog)[1..], ["pricing v1 serving", "pricing v2* serving"]);
}

/// The calls to the disk of a route that nothing disturbs.
async fn calls_of_a_route() -> u64 {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    for version in ["v1", "v2"] {
        engine.catalog().load(pricing(version)).await.unwrap();
    }
    let before = disk.n_calls();
    engine.catalog().route("pricing", "v1", None).await.unwrap();
    disk.n_calls() - before
}

#[tokio::test(start_paused = true)]
async fn a_route_that_could_not_be_journaled_is_not_visible() {
    let (old, new) =
        (["pricing v1 serving", "pricing v2* serving"], ["pricing v1* serving", "pricing v2 serving"]);
    let mut refused = 0;
    for call in 0..calls_of_a_route().await {
        let disk = SimulatedDisk::new(call);
        let engine = on(&disk).start().await;
        let catalog = engine.catalog();
        for version in ["v1", "v2"] {
            catalog.load(pricing(version)).await.unwrap();
        }
        disk.fail_call(call, io::ErrorKind::Other);

        let outcome = catalog.route("pricing", "v1", None).await;

        match &outcome {
            Err(error) => {
                refused += 1;
                assert!(matches!(refusal(error.clone()), Refusal::Store { .. }), "call {call}: {error}");
                assert_eq!(listed(&catalog), old, "call {call}");
                assert_eq!(catalog.snapshot().routed(&"pricing".into()), Some(&"v2".into()));
            }
            Ok(_) => assert_eq!(listed(&catalog), new, "call {call}"),
        }
        let engine = on(&power_cut(engine, &disk)).start().await;
        let found = listed(&engine.catalog());
        assert!(found == new || (outcome.is_err() && found == old), "call {call}: {found:?}");
    }
    assert!(refused > 0);
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_the_reconciler_at_any_place_routes_or_does_not() {
    for at in 0.. {
        let disk = SimulatedDisk::new(1);
        let engine = on(&disk).start().await;
        let catalog = engine.catalog();
        for version in ["v1", "v2"] {
            catalog.load(pricing(version)).await.unwrap();
        }
        engine.arm_failpoint(Some((at, FailAction::Kill)));

        let outcome = catalog.route("pricing", "v1", None).await;

        let n_passed = engine.passed_failpoints().len();
        let serving = if outcome.is_ok() { 1 } else { 2 };
        assert_eq!(counted(&engine, "pricing", &[1]).await, [[serving, 1, 1]], "killed at place {at}");
        let before = listed(&catalog);
        assert!(before.contains(&format!("pricing v{serving}* serving")), "{before:?}");
        let engine = on(&power_cut(engine, &disk)).start().await;
        assert_eq!(listed(&engine.catalog()), before, "killed at place {at}, and after a restart");
        if n_passed <= at {
            assert!(at > 5, "an upgrade passes more places than {at}");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_shutdown_began_nothing_is_routed() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    for version in ["v1", "v2"] {
        catalog.load(pricing(version)).await.unwrap();
    }
    engine.shutdown(Duration::from_secs(1)).await;
    assert_eq!(refusal(catalog.route("pricing", "v1", None).await.unwrap_err()), Refusal::ShuttingDown);
    assert_eq!(listed(&catalog), ["pricing v1 serving", "pricing v2* serving"]);
}
