//! Packages in a folder, and what an operator did since.

use super::{listed, on, power_cut, pricing, text};
use acequia::core::catalog::{FilePolicy, FileVerdict};
use acequia::store::disk::SimulatedDisk;
use acequia::testing::{TestEngine, TestEngineBuilder};
use acequia_tests::Folder;

fn with_files(builder: TestEngineBuilder, folder: &Folder, policy: FilePolicy) -> TestEngineBuilder {
    let path = folder.join("");
    builder.with(|engine| engine.packages_in(path, policy))
}

fn write(folder: &Folder, version: &str) {
    std::fs::write(folder.join("pricing.acequia"), pricing(version)).unwrap();
}

fn verdicts(engine: &TestEngine) -> Vec<Option<FileVerdict>> {
    engine.catalog().boot_report().files.into_iter().map(|file| file.verdict).collect()
}

#[tokio::test(start_paused = true)]
async fn a_file_is_where_a_package_begins_and_a_rollback_outlives_it() {
    let folder = Folder::new().unwrap();
    write(&folder, "v2");
    std::fs::write(folder.join("broken.acequia"), text("nothing")).unwrap();
    let disk = SimulatedDisk::new(1);
    let start = async |disk: &SimulatedDisk| with_files(on(disk), &folder, FilePolicy::Initial).start().await;
    let engine = start(&disk).await;
    let catalog = engine.catalog();
    assert_eq!(listed(&catalog), ["pricing v2* serving"]);
    assert!(matches!(&verdicts(&engine)[..], [None, Some(FileVerdict::First(_))]));
    assert!(catalog.boot_report().files[0].failure.is_some(), "one that cannot be read is told of");
    catalog.load(pricing("v1")).await.unwrap();

    let disk = power_cut(engine, &disk);
    let engine = start(&disk).await;
    assert_eq!(listed(&engine.catalog()), ["pricing v2 serving", "pricing v1* serving"]);
    assert!(matches!(&verdicts(&engine)[..], [None, Some(FileVerdict::Ignored { .. })]));
    engine.catalog().unload("pricing", None).await.unwrap();

    let engine = start(&power_cut(engine, &disk)).await;
    assert!(listed(&engine.catalog()).is_empty(), "an unload outlives it as well");
}

#[tokio::test(start_paused = true)]
async fn a_pinned_file_overrides_an_operator_and_says_so() {
    let folder = Folder::new().unwrap();
    write(&folder, "v2");
    let disk = SimulatedDisk::new(1);
    let start = async |disk: &SimulatedDisk| with_files(on(disk), &folder, FilePolicy::Pinned).start().await;
    let engine = start(&disk).await;
    engine.catalog().load(pricing("v1")).await.unwrap();

    let disk = power_cut(engine, &disk);
    let engine = start(&disk).await;
    assert_eq!(listed(&engine.catalog()), ["pricing v2* serving", "pricing v1 serving"]);
    let [Some(FileVerdict::Overrides { over, .. })] = &verdicts(&engine)[..] else {
        panic!("{:?}", verdicts(&engine))
    };
    assert_eq!(over.as_ref().map(|version| version.as_str()), Some("v1"));

    let engine = start(&power_cut(engine, &disk)).await;
    assert!(matches!(&verdicts(&engine)[..], [Some(FileVerdict::Resident { .. })]));
}
