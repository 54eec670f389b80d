//! Archives with native libraries, over a real folder.

use super::listed;
use crate::library::package_folder;
use acequia::testing::TestEngine;
use acequia::{DeployPoint, EngineBuilder};
use acequia_tests::Folder;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

async fn start(folder: &Path) -> TestEngine {
    started(folder, |_| ()).await
}

/// The same, and `reached` hears of every point of a deploy.
async fn started(folder: &Path, reached: impl Fn(DeployPoint) + Send + Sync + 'static) -> TestEngine {
    let configure = |engine: EngineBuilder| {
        engine.journal(folder.join("journal")).shelf(folder.join("shelf")).on_deploy_point(reached)
    };
    TestEngine::builder().with(configure).start().await
}

#[tokio::test(start_paused = true)]
async fn every_point_of_a_deploy_is_reached_in_its_order() {
    let home = Folder::new().unwrap();
    let (one, two) =
        (package_folder("versioned", &[], "1.0.0", ""), package_folder("versioned", &["two"], "2.0.0", ""));
    let reached = Arc::<Mutex<Vec<DeployPoint>>>::default();
    let told = Arc::clone(&reached);
    let engine = started(&home.join(""), move |point| told.lock().unwrap().push(point)).await;
    let catalog = engine.catalog();
    let taken = || std::mem::take(&mut *reached.lock().unwrap());

    catalog.load(one.join("")).await.unwrap();
    let load = taken();
    catalog.load(two.join("")).await.unwrap();
    assert_eq!(taken(), load, "an upgrade passes the same places");
    catalog.route("versioned", "1.0.0", None).await.unwrap();
    let route = taken();
    catalog.unload("versioned", Some("2.0.0".into())).await.unwrap();
    let unload_one = taken();
    catalog.unload("versioned", None).await.unwrap();
    let unload = taken();

    let order = |reached: &[DeployPoint]| reached.iter().map(|point| point.as_str()).collect::<Vec<_>>();
    let load_order = [
        "load: intent",
        "load: verify",
        "load: copy",
        "load: dlopen",
        "load: manifest",
        "upload: temp write",
        "upload: hash",
        "upload: file sync",
        "upload: rename",
        "upload: directory sync",
        "load: init",
        "load: register",
        "upload: catalog commit",
        "load: commit",
    ];
    assert_eq!(order(&load), load_order);
    assert_eq!(order(&route), ["route: intent", "route: gate", "route: commit", "route: swap"]);
    let one = ["unload: gate", "unload: link check", "unload: commit", "unload: release"];
    assert_eq!(order(&unload_one), one);
    let whole = [
        "unload: gate",
        "unload: link check",
        "unload: commit",
        "unload: drain",
        "unload: checkpoint",
        "unload: release",
    ];
    assert_eq!(order(&unload), whole);
    let all: BTreeSet<_> = [load, route, unload].concat().into_iter().collect();
    assert_eq!(all.len(), DeployPoint::ALL.len(), "every point is reached by one of them");
}

#[tokio::test(start_paused = true)]
async fn a_native_package_is_loaded_rolled_back_and_found_again() {
    let home = Folder::new().unwrap();
    let folder = home.join("");
    let (one, two) =
        (package_folder("versioned", &[], "1.0.0", ""), package_folder("versioned", &["two"], "2.0.0", ""));
    let engine = start(&folder).await;
    let catalog = engine.catalog();
    let first = catalog.load(one.join("")).await.unwrap().version;
    let probe = engine.probe::<i64>("scaled", "scale").await;
    engine.push("numbers", 1_i64).await;
    let second = catalog.load(two.join("")).await.unwrap().version;
    engine.push("numbers", 2_i64).await;
    // The label is enough, as only one version carries it.
    catalog.route("versioned", "1.0.0", Some(second.clone())).await.unwrap();
    engine.push("numbers", 3_i64).await;
    assert_eq!(probe.expect(3).await, [10, 200, 30]);
    engine.shutdown(Duration::from_secs(1)).await;
    drop((engine, catalog));
    // The folders that they were loaded from are not needed any more.
    drop((one, two));

    let engine = start(&folder).await;
    let probe = engine.probe::<i64>("scaled", "scale").await;
    assert_eq!(
        listed(&engine.catalog()),
        [format!("versioned {first}* serving"), format!("versioned {second} serving")]
    );
    engine.push("numbers", 4_i64).await;
    engine.catalog().route("versioned", &second.as_str()[..8], None).await.unwrap();
    engine.push("numbers", 5_i64).await;
    assert_eq!(probe.expect(2).await, [40, 500]);
    engine.assert_ledger().await;
}
