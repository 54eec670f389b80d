//! Unloading: a version that stands ready, or a package with its route; and what refuses that.

use super::{audited, counted, listed, live_run, on, power_cut, pricing, refusal, text};
use acequia::core::catalog::{PinKind, Refusal};
use acequia::store::disk::SimulatedDisk;
use acequia::{DeployError, FailAction};
use acequia_tests::eventually;
use std::io;
use std::time::Duration;

fn archives(disk: &SimulatedDisk) -> usize {
    disk.names().iter().filter(|name| name.starts_with("package-")).count()
}

#[tokio::test(start_paused = true)]
async fn a_version_that_stands_ready_goes_with_its_archive_and_the_routed_one_stays() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog().by("alice");
    for version in ["v1", "v2"] {
        catalog.load(pricing(version)).await.unwrap();
    }
    let active = refusal(catalog.unload("pricing", Some("v2".into())).await.unwrap_err());
    assert!(matches!(active, Refusal::RouteActive { .. }), "{active}");
    let unknown = refusal(catalog.unload("pricing", Some("v9".into())).await.unwrap_err());
    assert!(matches!(unknown, Refusal::UnknownVersion { .. }), "{unknown}");

    assert_eq!(catalog.unload("pricing", Some("v1".into())).await.unwrap(), ["v1".into()]);

    assert_eq!((listed(&catalog), archives(&disk)), (vec!["pricing v2* serving".to_owned()], 1));
    assert_eq!(counted(&engine, "pricing", &[1]).await, [[2, 1, 1]]);
    let gone = refusal(catalog.route("pricing", "v1", None).await.unwrap_err());
    assert!(matches!(gone, Refusal::UnknownVersion { .. }), "{gone}");
    let engine = on(&power_cut(engine, &disk)).start().await;
    assert_eq!(listed(&engine.catalog()), ["pricing v2* serving"]);
    let entries = audited(&engine.catalog()).await;
    assert_eq!(entries[2], "alice: unload v2 of pricing refused");
    assert_eq!(entries[4], "alice: unload v1 of pricing");
}

#[tokio::test(start_paused = true)]
async fn a_package_goes_with_its_route_and_begins_anew_when_it_comes_again() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    for version in ["v1", "v2"] {
        catalog.load(pricing(version)).await.unwrap();
    }
    counted(&engine, "pricing", &[1, 2]).await;

    let mut gone = catalog.unload("pricing", None).await.unwrap();
    gone.sort();
    assert_eq!(gone, ["v1".into(), "v2".into()]);
    assert_eq!((listed(&catalog).len(), archives(&disk)), (0, 0));
    assert!(engine.packages().is_empty() && engine.reactor("R-pricing").is_err());
    let nothing = refusal(catalog.unload("pricing", None).await.unwrap_err());
    assert!(matches!(nothing, Refusal::UnknownVersion { .. }), "{nothing}");

    let engine = on(&power_cut(engine, &disk)).start().await;
    assert!(listed(&engine.catalog()).is_empty());
    engine.catalog().load(pricing("v1")).await.unwrap();
    assert_eq!(counted(&engine, "pricing", &[3]).await, [[1, 1, 3]]);
}

#[tokio::test(start_paused = true)]
async fn whoever_depends_on_a_package_is_named_with_the_pins_besides() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    catalog.load(text("package=display version=v1 kind=subscriber of=pricing")).await.unwrap();

    let linked = catalog.unload("pricing", None).await.unwrap_err();
    let DeployError::Linked { links, pins } = &linked else { panic!("{linked}") };
    assert!(links.to_string().contains("\"g-display\" (display)") && pins.is_empty(), "{links}");
    live_run(&catalog, "pricing", "run-1").await;
    let both = catalog.unload("pricing", None).await.unwrap_err();
    let DeployError::Linked { pins, .. } = &both else { panic!("{both}") };
    assert_eq!((pins.len(), pins[0].counts.of(PinKind::LiveRun)), (1, 1));

    assert_eq!(listed(&catalog), ["display v1* serving", "pricing v1* serving (1 live run)"]);
    assert_eq!(counted(&engine, "pricing", &[1]).await, [[1, 1, 1]]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_unload_counts_all_names_a_hundred_and_says_where_to_go_on() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    for version in ["v1", "v2"] {
        catalog.load(pricing(version)).await.unwrap();
    }
    catalog.route("pricing", "v1", None).await.unwrap();
    for number in 0..120 {
        live_run(&catalog, "pricing", &format!("run-{number:03}")).await;
    }
    catalog.route("pricing", "v2", None).await.unwrap();

    let refused = refusal(catalog.unload("pricing", Some("v1".into())).await.unwrap_err());

    let Refusal::Held { held, .. } = &refused else { panic!("{refused}") };
    let (kind, page) = &held[0].holders[0];
    assert_eq!((*kind, held[0].counts.of(*kind), page.holders.len()), (PinKind::LiveRun, 120, 100));
    let rest = catalog.holders("pricing", &"v1".into(), *kind, page.next.as_ref(), 100);
    assert_eq!((rest.holders.len(), rest.next), (20, None));
    assert_eq!(listed(&catalog), ["pricing v1 serving (120 live runs)", "pricing v2* serving"]);
}

#[tokio::test(start_paused = true)]
async fn a_version_under_a_refused_unload_never_leaves_the_listing() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    live_run(&catalog, "pricing", "run-1").await;
    catalog.load(pricing("v2")).await.unwrap();

    let refusals = async {
        for _ in 0..50 {
            refusal(catalog.unload("pricing", Some("v1".into())).await.unwrap_err());
            catalog.unload("pricing", None).await.unwrap_err();
        }
    };
    let mut refusals = std::pin::pin!(refusals);
    let mut looks = 0;
    std::future::poll_fn(|cx| {
        assert_eq!(catalog.versions().len(), 2);
        assert_eq!(catalog.snapshot().packages().flat_map(|(_, versions)| versions.iter()).count(), 2);
        looks += 1;
        cx.waker().wake_by_ref();
        refusals.as_mut().poll(cx)
    })
    .await;
    assert!(looks > 100, "{looks}");
    assert_eq!(listed(&catalog), ["pricing v1 serving (1 live run)", "pricing v2* serving"]);
}

/// The calls to the disk of an unload that nothing disturbs.
async fn calls_of_an_unload(version: Option<&str>) -> u64 {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    for loaded in ["v1", "v2"] {
        engine.catalog().load(pricing(loaded)).await.unwrap();
    }
    let before = disk.n_calls();
    engine.catalog().unload("pricing", version.map(Into::into)).await.unwrap();
    disk.n_calls() - before
}

#[tokio::test(start_paused = true)]
async fn whichever_call_fails_an_unload_changes_nothing_or_stands_and_the_rest_is_released_later() {
    let (mut refused, mut incomplete) = (0, 0);
    let old = ["pricing v1 serving", "pricing v2* serving"];
    for (version, new) in [(Some("v1"), &["pricing v2* serving"][..]), (None, &[])] {
        for call in 0..calls_of_an_unload(version).await {
            let disk = SimulatedDisk::new(call);
            let engine = on(&disk).start().await;
            let catalog = engine.catalog();
            for version in ["v1", "v2"] {
                catalog.load(pricing(version)).await.unwrap();
            }
            disk.fail_call(call, io::ErrorKind::Other);

            let outcome = catalog.unload("pricing", version.map(Into::into)).await;

            let stands = match outcome.map_err(refusal) {
                Ok(_) => true,
                Err(Refusal::Store { .. }) => {
                    refused += 1;
                    assert_eq!(listed(&catalog), old, "call {call}");
                    false
                }
                Err(Refusal::ReleaseIncomplete { orphans, .. }) => {
                    incomplete += 1;
                    assert!(orphans[0].starts_with("archive package-"), "{orphans:?}");
                    let left = || catalog.snapshot().package(&"pricing".into()).map(|p| p.orphans().count());
                    eventually("the reaper comes by itself", async || left() == Some(0)).await;
                    assert_eq!(archives(&disk), new.len());
                    true
                }
                Err(other) => panic!("call {call}: {other}"),
            };
            assert!(!stands || listed(&catalog) == new, "call {call}");
            let engine = on(&power_cut(engine, &disk)).start().await;
            let found = listed(&engine.catalog());
            assert!(found == new || (!stands && found == old), "call {call}: {found:?}");
        }
    }
    assert!(refused > 0 && incomplete > 0, "{refused} refused, {incomplete} incomplete");
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_the_reconciler_at_any_place_unloads_all_or_nothing() {
    for at in 0.. {
        let disk = SimulatedDisk::new(1);
        let engine = on(&disk).start().await;
        let catalog = engine.catalog();
        catalog.load(pricing("v1")).await.unwrap();
        engine.arm_failpoint(Some((at, FailAction::Kill)));

        let outcome = catalog.unload("pricing", None).await;

        let n_passed = engine.passed_failpoints().len();
        let expected = if outcome.is_ok() { 0 } else { 1 };
        assert_eq!((listed(&catalog).len(), engine.packages().len()), (expected, expected), "at place {at}");
        let engine = on(&power_cut(engine, &disk)).start().await;
        assert_eq!(listed(&engine.catalog()).len(), expected, "killed at place {at}, and after a restart");
        if n_passed <= at {
            assert!(at > 5, "an unload passes more places than {at}");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_shutdown_began_nothing_is_unloaded() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    engine.shutdown(Duration::from_secs(1)).await;
    assert_eq!(refusal(catalog.unload("pricing", None).await.unwrap_err()), Refusal::ShuttingDown);
    let drained = catalog.unload_when_drained("pricing", None).await.unwrap_err();
    assert_eq!(refusal(drained), Refusal::ShuttingDown);
    assert_eq!(catalog.start("pricing", "late").map(|_| ()), Err(Refusal::ShuttingDown));
    assert_eq!(listed(&catalog), ["pricing v1* serving"]);
}
