//! Archives with native libraries, over a real folder.

use super::listed;
use crate::library::package_folder;
use acequia::testing::TestEngine;
use acequia_tests::Folder;
use std::path::Path;
use std::time::Duration;

async fn start(folder: &Path) -> TestEngine {
    let builder = TestEngine::builder();
    builder.with(|engine| engine.journal(folder.join("journal")).shelf(folder.join("shelf"))).start().await
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
