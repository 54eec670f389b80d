//! A package from a library whose manifest makes it durable.

use super::{on, power_cut};
use crate::library::package_folder;
use acequia::store::disk::SimulatedDisk;
use acequia::testing::{Probe, TestEngine};
use acequia::{Acceptance, EventId, Load};
use acequia_tests::Folder;

type Kept = Vec<(i64, i64)>;

const DURABLE: &str = "[accumulators.kept]\nwindow_capacity = 3\ndelivery = \"effectively_once\"\n";

async fn start(disk: &SimulatedDisk, folder: &Folder) -> (TestEngine, Probe<Kept>) {
    let (engine, probe) = (on(disk).start().await, Probe::new());
    let package = engine.open(folder.join("")).await.unwrap();
    engine.load(Load::new(package).sink("of_kept", "out", probe.sink())).await.unwrap();
    (engine, probe)
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(|error| format!("{error}\n")).collect()
}

fn values(probe: &Probe<Kept>) -> Vec<i64> {
    probe.all().pop().unwrap_or_default().into_iter().map(|(_, value)| value).collect()
}

#[tokio::test(start_paused = true)]
async fn a_package_from_a_library_is_durable_by_its_manifest() {
    let folder = package_folder("keeping", &[], "1.0.0", DURABLE);
    let mut disk = SimulatedDisk::new(71);
    for value in 1..=4_i64 {
        let (engine, probe) = start(&disk, &folder).await;
        let handle = engine.engine().accumulator::<i64>("kept").unwrap();
        for id in 1..value {
            let again = handle.push_with_id(EventId(id.unsigned_abs().into()), id).await.unwrap();
            assert!(matches!(again, Acceptance::Duplicate { lsn: Some(_) }), "{id}: {again:?}");
        }
        handle.push_with_id(EventId(value.unsigned_abs().into()), value).await.unwrap();
        if value % 2 == 0 {
            engine.settle().await;
            let newest = (1..=value).rev().take(3).collect::<Vec<_>>();
            assert_eq!(values(&probe), newest.into_iter().rev().collect::<Vec<_>>());
            engine.assert_ledger().await;
        }
        disk = power_cut(engine, &disk);
    }
    let (engine, probe) = start(&disk, &folder).await;
    engine.push("kept", 5_i64).await;
    engine.settle().await;
    assert_eq!(
        values(&probe),
        [3, 4, 5],
        "its state, and what was acknowledged, came through each power cut"
    );
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_makes_an_accumulator_durable_and_lets_it_drop_is_refused_with_its_place() {
    let lossy = "[accumulators.kept]\ndelivery = \"durable\"\noverflow = \"drop_oldest\"\n";
    let folder = package_folder("keeping", &[], "1.0.0", lossy);
    let engine = on(&SimulatedDisk::new(72)).start().await;
    let refused = engine.open(folder.join("")).await.err().map(|error| told(&error));
    let refused = refused.unwrap();
    assert!(refused.contains("loses nothing that it has acknowledged"), "{refused}");
}
