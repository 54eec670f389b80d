//! When outputs leave.

use super::{power_cut, start};
use acequia::Guarantee;
use acequia::store::disk::SimulatedDisk;

/// Start, let one event be acknowledged, and cut the power before the turn's mark is on disk.
async fn outputs_before_the_mark(guarantee: Guarantee) -> (Vec<u64>, Vec<u64>) {
    let disk = SimulatedDisk::new(17);
    let (engine, probe) = start(&disk, guarantee).await;
    engine.push("numbers", 1_u64).await;
    engine.settle().await;
    assert_eq!(probe.all(), [1]);

    let handle = engine.engine().accumulator::<u64>("numbers").unwrap();
    engine.engine().reactor("R").unwrap().pause().await;
    engine.settle().await;
    handle.push(2).await.unwrap();
    engine.settle().await;
    disk.power_off_at(0);
    engine.engine().reactor("R").unwrap().resume().await;
    engine.settle().await;
    let before = probe.all();
    let found = power_cut(engine, &disk);

    let (engine, probe) = start(&found, guarantee).await;
    // The resume was not on disk either.
    engine.engine().reactor("R").unwrap().resume().await;
    engine.settle().await;
    (before, probe.all())
}

#[tokio::test(start_paused = true)]
async fn effectively_once_outputs_leave_only_when_their_turn_is_on_disk() {
    let (before, after) = outputs_before_the_mark(Guarantee::EffectivelyOnce).await;
    assert_eq!(before, [1], "the turn was never on disk");
    assert_eq!(after, [3], "and its output leaves in the next life");
}

#[tokio::test(start_paused = true)]
async fn durable_outputs_leave_at_once_and_may_leave_again() {
    let (before, after) = outputs_before_the_mark(Guarantee::Durable).await;
    assert_eq!(before, [1, 3]);
    assert_eq!(after, [3], "at least once: it leaves again, as what it was");
}
