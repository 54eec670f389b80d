//! Loading: a version and its route, durably; and what refuses it.

use super::{audited, counted, in_memory, listed, live_run, on, power_cut, pricing, refusal, release, text};
use acequia::core::catalog::{PinKind, Refusal};
use acequia::store::Lsn;
use acequia::store::disk::SimulatedDisk;
use acequia::{DeployError, DeployPoint, Loaded};
use acequia_tests::eventually;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_load_takes_the_route_and_the_state_of_the_version_before() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog().by("alice");

    let first = catalog.load(pricing("v1")).await.unwrap();
    assert_eq!(first, Loaded { version: "v1".into(), freshly_loaded: true, route_changed: true });
    assert_eq!(counted(&engine, "pricing", &[7]).await, [[1, 1, 7]]);

    let second = catalog.load(pricing("v2")).await.unwrap();
    assert_eq!(second, Loaded { version: "v2".into(), freshly_loaded: true, route_changed: true });
    assert_eq!(counted(&engine, "pricing", &[8]).await, [[2, 2, 8]]);
    assert_eq!(listed(&catalog), ["pricing v1 serving", "pricing v2* serving"]);

    let again = catalog.load(pricing("v2")).await.unwrap();
    assert_eq!(again, Loaded { version: "v2".into(), freshly_loaded: false, route_changed: false });
    let back = catalog.load(pricing("v1")).await.unwrap();
    assert_eq!(back, Loaded { version: "v1".into(), freshly_loaded: false, route_changed: true });
    assert_eq!(counted(&engine, "pricing", &[9]).await, [[1, 3, 9]]);
    assert_eq!(listed(&catalog), ["pricing v1* serving", "pricing v2 serving"]);

    let entries =
        ["load v1", "load v2", "load v2", "load v1"].map(|what| format!("alice: {what} of pricing"));
    assert_eq!(audited(&catalog).await, entries);
    engine.assert_ledger().await;
}

/// Whose record nobody finishes writing, because the embedder's own code panics at one of its points.
#[tokio::test(start_paused = true)]
async fn a_deploy_answers_though_the_thread_that_writes_its_record_panics() {
    let panics_at = Arc::new(Mutex::new(None));
    let at = Arc::clone(&panics_at);
    let reached = move |reached| {
        let is_it = at.lock().unwrap().take_if(|at| *at == reached).is_some();
        assert!(!is_it, "a panic that is wanted");
    };
    let engine = on(&SimulatedDisk::new(3)).with(|engine| engine.on_deploy_point(reached)).start().await;
    let catalog = engine.catalog().by("alice");

    *panics_at.lock().unwrap() = Some(DeployPoint::UploadCatalogCommit);
    let told = catalog.load(pricing("v1")).await.unwrap_err().to_string();
    assert!(told.contains("E0752"), "{told}");
    assert!(listed(&catalog).is_empty(), "it was undone");

    *panics_at.lock().unwrap() = Some(DeployPoint::LoadCommit);
    assert!(catalog.load(pricing("v1")).await.unwrap().freshly_loaded, "its record is on disk");
    assert_eq!(counted(&engine, "pricing", &[7]).await, [[1, 1, 7]]);
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_the_catalog_does_the_same_in_memory() {
    let engine = in_memory().start().await;
    let catalog = engine.catalog().by("alice");
    let fast = |version: &str| text(&format!("package=pricing version={version} kind=fast"));
    for version in ["v1", "v2"] {
        assert!(catalog.load(fast(version)).await.unwrap().freshly_loaded);
    }
    assert_eq!(counted(&engine, "pricing", &[7]).await, [[2, 1, 7]]);
    assert!(catalog.route("pricing", "v1", Some("v2".into())).await.unwrap().changed);
    assert_eq!(counted(&engine, "pricing", &[8]).await, [[1, 2, 8]]);
    live_run(&catalog, "pricing", "run").await;
    assert!(matches!(refusal(catalog.unload("pricing", None).await.unwrap_err()), Refusal::Held { .. }));
    catalog.unload_when_drained("pricing", None).await.unwrap();
    assert_eq!(listed(&catalog), ["pricing v1* draining (1 live run)", "pricing v2 draining"]);
    catalog.pin(vec![release("v1", PinKind::LiveRun, "run")]).await.unwrap();
    eventually("the package goes as a whole", async || listed(&catalog).is_empty()).await;

    let whats = [
        "alice: load v1",
        "alice: load v2",
        "alice: route v1 if v2 is routed",
        "alice: unload all versions",
        "alice: unload when drained all versions",
        "engine: unload what has drained",
    ];
    let entries = audited(&catalog).await;
    assert_eq!(entries.len(), whats.len());
    assert!(entries.iter().zip(whats).all(|(entry, what)| entry.starts_with(what)), "{entries:?}");
    let (first, next) = catalog.audit(Lsn::FIRST, 2).await.unwrap();
    assert_eq!((first.len(), catalog.audit(next, 10).await.unwrap().0.len()), (2, 4), "read in pages");
    let durable = catalog.load(pricing("v3")).await.unwrap_err();
    let said = durable.to_string();
    assert!(
        matches!(durable, DeployError::Refused(Refusal::Conflict(_))) && said.contains("E0490"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_invalid_and_audited() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog().by("alice");

    let nameless = refusal(catalog.load(text("nothing")).await.unwrap_err());
    let Refusal::Invalid { package, reason } = &nameless else { panic!("{nameless}") };
    assert_eq!((package.as_str(), reason.as_str()), ("(unreadable)", "the text has no package"));
    let named = refusal(catalog.load(text("package=pricing")).await.unwrap_err());
    assert!(matches!(named, Refusal::Invalid { package, .. } if package.as_str() == "pricing"));

    assert!(catalog.versions().is_empty());
    assert_eq!(audited(&catalog).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn names_and_contracts_that_do_not_fit_are_a_conflict_and_change_nothing() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    let files = disk.names();

    let orphan = catalog.load(text("package=s version=v1 kind=subscriber of=nobody")).await.unwrap_err();
    assert!(matches!(refusal(orphan), Refusal::Conflict(_)));
    let reshaped = catalog.load(text("package=pricing version=v2 kind=reshaped")).await.unwrap_err();
    assert!(matches!(refusal(reshaped), Refusal::Conflict(_)));

    assert_eq!(listed(&catalog), ["pricing v1* serving"]);
    assert_eq!(disk.names(), files, "and no archive is left");
    assert_eq!(counted(&engine, "pricing", &[1]).await, [[1, 1, 1]]);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_does_not_come_up_leaves_the_version_before() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    let files = disk.names();

    let failed = catalog.load(text("package=pricing version=v2 kind=failing")).await.unwrap_err();
    assert!(
        matches!(&failed, DeployError::Failed { reason, .. } if reason.contains("no port is free")),
        "{failed}"
    );
    let other = refusal(catalog.load(text("package=pricing version=v3 kind=other")).await.unwrap_err());
    assert!(
        matches!(&other, Refusal::StateIncompatible { from, to, .. } if from.as_str() == "v1" && to.as_str() == "v3"),
        "{other}"
    );

    assert_eq!(listed(&catalog), ["pricing v1* serving"]);
    assert_eq!(disk.names(), files);
    assert_eq!(counted(&engine, "pricing", &[5]).await, [[1, 1, 5]]);
}

#[tokio::test(start_paused = true)]
async fn equal_code_under_another_manifest_is_refused() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(text("package=pricing version=v1 manifest=one")).await.unwrap();

    let other = refusal(catalog.load(text("package=pricing version=v1 manifest=two")).await.unwrap_err());

    let Refusal::ManifestMismatch { loaded, offered, .. } = &other else { panic!("{other}") };
    assert_eq!((loaded.clone(), offered.clone()), (Some("one".into()), Some("two".into())));
}

/// The calls to the disk of a load that nothing disturbs.
async fn calls_of_a_load() -> u64 {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    engine.catalog().load(pricing("v1")).await.unwrap();
    let before = disk.n_calls();
    engine.catalog().load(pricing("v2")).await.unwrap();
    disk.n_calls() - before
}

#[tokio::test(start_paused = true)]
async fn a_load_that_could_not_be_journaled_changes_nothing_whichever_call_fails() {
    let mut refused = 0;
    for call in 0..calls_of_a_load().await {
        let disk = SimulatedDisk::new(call);
        let engine = on(&disk).start().await;
        let catalog = engine.catalog();
        catalog.load(pricing("v1")).await.unwrap();
        disk.fail_call(call, io::ErrorKind::Other);

        let outcome = catalog.load(pricing("v2")).await;

        let (old, new) = (["pricing v1* serving"], ["pricing v1 serving", "pricing v2* serving"]);
        if let Err(error) = &outcome {
            refused += 1;
            assert!(matches!(error, DeployError::Refused(Refusal::Store { .. })), "call {call}: {error}");
            assert_eq!(listed(&catalog), old, "call {call}");
        } else {
            assert_eq!(listed(&catalog), new, "call {call}");
        }
        // Of what nobody was told, either may be found; what was acknowledged is.
        let engine = on(&power_cut(engine, &disk)).start().await;
        let found = listed(&engine.catalog());
        assert!(found == new || (outcome.is_err() && found == old), "call {call}: {found:?}");
        assert_eq!(engine.catalog().boot_report().left_out, []);
    }
    assert!(refused > 5, "{refused} calls were needed");
}

#[tokio::test(start_paused = true)]
async fn after_a_shutdown_began_nothing_is_loaded_and_listing_works() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    engine.shutdown(Duration::from_secs(1)).await;

    assert_eq!(refusal(catalog.load(pricing("v2")).await.unwrap_err()), Refusal::ShuttingDown);
    assert_eq!(listed(&catalog), ["pricing v1* serving"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_program_loads_is_listed_and_is_not_the_catalogs() {
    let engine =
        on(&SimulatedDisk::new(1)).package(acequia::Package::new("tools").version("1")).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();

    assert_eq!(listed(&catalog), ["pricing v1* serving", "tools 1* serving"]);
    let taken = refusal(catalog.load(text("package=tools version=v2")).await.unwrap_err());
    assert!(matches!(taken, Refusal::Invalid { .. }), "{taken}");
    let own = engine.load(acequia::Package::new("pricing").version("9")).await.unwrap_err();
    assert!(matches!(own, acequia::LoadError::Catalogued { .. }), "{own}");
    let gone = engine.unload("pricing").await.unwrap_err();
    assert!(matches!(gone, acequia::UnloadError::Catalogued { .. }), "{gone}");
}
