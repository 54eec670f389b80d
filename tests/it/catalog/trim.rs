//! A journal that is trimmed keeps its catalog.

use super::{counted, listed, live_run, on, power_cut, pricing};
use acequia::store::disk::SimulatedDisk;
use acequia_tests::eventually;

/// The first segment that is there.
fn first_segment(disk: &SimulatedDisk) -> u64 {
    let numbers = disk.names().into_iter().filter_map(|name| name.strip_prefix("segment-")?.parse().ok());
    numbers.min().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_trimmed_stands_in_a_checkpoint_and_the_catalog_is_the_same() {
    let mut disk = SimulatedDisk::new(1);
    let mut first = 1;
    for life in 0..3_u64 {
        let engine = on(&disk).start().await;
        let catalog = engine.catalog();
        if life == 0 {
            catalog.load(pricing("v1")).await.unwrap();
            live_run(&catalog, "pricing", "run-1").await;
            catalog.load(pricing("v2")).await.unwrap();
        }
        let before = listed(&catalog);
        assert_eq!(before, ["pricing v1 serving (1 live run)", "pricing v2* serving"]);
        let events: Vec<u64> = (0..3_000).collect();
        let seen = counted(&engine, "pricing", &events).await;
        assert_eq!(seen.last(), Some(&vec![2, 3_000 * (life + 1), 2_999]));
        // Each upgrade leaves a checkpoint of the cell, and before the last but one nothing is needed.
        for version in ["v1", "v2", "v1", "v2"] {
            catalog.route("pricing", version, None).await.unwrap();
        }
        eventually("the journal is trimmed", async || first_segment(&disk) > first).await;
        first = first_segment(&disk);
        disk = power_cut(engine, &disk);
        let engine = on(&disk).start().await;
        assert_eq!(listed(&engine.catalog()), before, "in life {life}");
        disk = power_cut(engine, &disk);
    }
}
