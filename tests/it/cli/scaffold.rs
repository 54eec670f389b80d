//! What `new` writes builds, passes its own tests and loads, as it is.

use super::{Packages, run, text};
use acequia::testing::TestEngine;
use acequia_cli::Exit;
use acequia_tests::library::share_builds;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Write the package `name`, and do with it what `new` says comes next.
fn written_tested_and_packed(packages: &Packages, name: &str, more: &[&str]) -> PathBuf {
    let folder = packages.root().join(name);
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/sdk");
    let new = ["package", "new", name, "--path", text(&folder), "--sdk", text(&sdk)];
    run(&[&new, more].concat()).says(Exit::Done, &["cargo test", "acequia package build"]);
    share_builds(&packages.root(), name);

    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let tested = Command::new(cargo).arg("test").current_dir(&folder).output().unwrap();
    let said = [&tested.stdout[..], &tested.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(tested.status.success() && said.contains("2 passed"), "{said}");
    run(&["package", "build", text(&folder), "--debug"]).says(Exit::Done, &["package pack"]);
    run(&["package", "pack", text(&folder)]).says(Exit::Done, &["package check"]);
    folder.join(format!("{name}-0.1.0.acequia"))
}

#[tokio::test(start_paused = true)]
async fn a_new_publisher_and_its_new_subscriber_build_test_and_load_as_they_are() {
    let packages = Packages::new();
    let publisher = written_tested_and_packed(&packages, "fresh-publisher", &[]);
    let of = ["--subscriber-of", "fresh-publisher", "--reactor", "FreshPublisherReactor"];
    let of = [&of[..], &["--reads", "fresh_publisher_input"]].concat();
    let subscriber = written_tested_and_packed(&packages, "fresh-subscriber", &of);
    run(&["package", "check", text(&publisher), text(&subscriber)]).says(Exit::Done, &[]);

    let engine = TestEngine::builder().start().await;
    for archive in [&publisher, &subscriber] {
        engine.load(engine.open(archive).await.unwrap()).await.unwrap();
    }
    let doubled = engine.probe::<f64>("fresh_publisher_graph", "publish").await;
    let scored = engine.probe::<f64>("fresh_subscriber_graph", "publish").await;
    engine.push("fresh_publisher_input", 21.0).await;
    assert_eq!((doubled.expect(1).await, scored.expect(1).await), (vec![42.0], vec![21.0]));
    engine.assert_ledger().await;
}
