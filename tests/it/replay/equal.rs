//! The same code over the same journal comes to the same.

use crate::cli::store::made::few_departures;

use super::{cut_off, every_kind, numbers, recorded, replayed, start};
use acequia::replay::{Replay, ReplayError, Stage};
use acequia::store::Lsn;
use acequia::store::disk::SimulatedDisk;
use acequia_examples::flights::{self, Options};
use acequia_tests::{Folder, echo, eventually};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn every_kind_over_crashes_and_pauses_comes_to_the_same() {
    let mut disk = SimulatedDisk::new(3);
    for life in 0..4_u64 {
        let engine = start(&disk, every_kind()).await;
        for event in 0..12 + life {
            for accumulator in ["a", "window", "b", "batch", "x", "c", "y"].iter().skip(event as usize % 3) {
                engine.push(accumulator, life * 100 + event).await;
            }
            if event == 5 {
                engine.engine().reactor("Merged").unwrap().pause().await;
            }
            if event == 9 {
                engine.engine().reactor("Merged").unwrap().resume().await;
                engine.settle().await;
            }
        }
        engine.settle().await;
        disk = cut_off(engine, &disk);
    }

    let report = replayed(&disk, every_kind());

    assert!(report.is_equal(), "{report}\n{report:#?}");
    assert_eq!(report.reactors.len(), 5);
    for reactor in &report.reactors {
        assert!(reactor.turns > 0 && reactor.compared > 0, "{reactor:?}");
        assert!(reactor.firings_then == reactor.firings_now && reactor.firings_now > 3, "{reactor:?}");
        assert!(matches!(reactor.stage, Stage::From(_)), "{reactor:?}");
    }
}

/// What an accumulator offers at start is offered at each start, and the journal says when.
#[tokio::test(start_paused = true)]
async fn a_window_that_is_offered_at_each_start_is_recovered_again_and_again() {
    let mut disk = SimulatedDisk::new(17);
    for life in 0..4_u64 {
        let engine = start(&disk, every_kind()).await;
        engine.push("window", life).await;
        engine.settle().await;
        engine.assert_ledger().await;
        disk = cut_off(engine, &disk);
    }
    let report = replayed(&disk, every_kind());
    let windowed = report.reactors.iter().find(|it| it.reactor == "Windowed").unwrap();
    assert!(windowed.differing == 0 && windowed.firings_now == 8, "{windowed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_was_trimmed_is_gone_through_from_its_first_checkpoint() {
    let package = || numbers(echo::<u64>("W", "numbers"));
    let mut disk = SimulatedDisk::new(23);
    for _ in 0..5 {
        let engine = start_numbers(&disk, package()).await;
        for event in 1..=1_500_u64 {
            engine.push("numbers", event).await;
        }
        engine.settle().await;
        engine.engine().shutdown(Duration::from_secs(1)).await;
        disk = disk.kill();
    }

    let report = replayed(&disk, package());

    assert!(report.is_equal(), "{report}");
    let reactor = &report.reactors[0];
    assert!(matches!(reactor.stage, Stage::From(lsn) if lsn > Lsn(1_000)), "{reactor:?}");
    assert!(reactor.turns > 5 && reactor.firings_now > 1_000 && reactor.firings_now < 7_500, "{reactor:?}");
}

async fn start_numbers(disk: &SimulatedDisk, package: acequia::Package) -> acequia::testing::TestEngine {
    let on = Arc::new(disk.clone());
    let settings = acequia::store::journal::Settings::small();
    acequia::testing::TestEngine::builder()
        .with(|it| it.journal_on(on, settings))
        .package(package)
        .start()
        .await
}

#[tokio::test(start_paused = true)]
async fn a_replay_goes_no_further_than_it_is_asked_to_and_changes_nothing() {
    let package = || numbers(echo::<u64>("W", "numbers"));
    let disk = recorded(package()).await;
    let before: Vec<_> = disk.names().into_iter().map(|name| disk.contents(&name)).collect();
    let whole = replayed(&disk, package());
    let half = Lsn(whole.last.0 / 2);

    let report = Replay::on(Arc::new(disk.copy())).package(package()).until(half).run().unwrap();

    assert!(report.is_equal() && report.last == half, "{report:?}");
    assert!(report.reactors[0].turns < whole.reactors[0].turns && report.reactors[0].turns > 0);
    let after: Vec<_> = disk.names().into_iter().map(|name| disk.contents(&name)).collect();
    assert!(before == after);
}

#[tokio::test(start_paused = true)]
async fn a_firing_by_hand_is_counted_and_what_follows_is_compared() {
    let package = || numbers(echo::<u64>("W", "numbers"));
    let disk = SimulatedDisk::new(29);
    let engine = start_numbers(&disk, package()).await;
    for event in 1..=6_u64 {
        engine.push("numbers", event).await;
        engine.settle().await;
        if event == 3 {
            engine.engine().reactor("R").unwrap().fire().await.unwrap();
        }
    }
    let disk = cut_off(engine, &disk);

    let report = replayed(&disk, package());

    assert!(report.is_equal(), "{report}");
    assert_eq!((report.reactors[0].by_hand, report.reactors[0].firings_now), (1, 6));
}

#[tokio::test(start_paused = true)]
async fn packages_that_the_journal_does_not_know_are_refused() {
    let disk = recorded(numbers(echo::<u64>("W", "numbers"))).await;
    let stranger = super::Package::new("stranger");
    let refused = Replay::on(Arc::new(disk.kill())).package(stranger).run();
    assert!(matches!(refused, Err(ReplayError::NothingKnown { .. })), "{refused:?}");
    let refused = Replay::on(Arc::new(SimulatedDisk::new(1))).package(every_kind()).run();
    assert!(matches!(refused, Err(ReplayError::NoJournal)), "{refused:?}");
    let folder = Folder::new().unwrap();
    let refused = Replay::of(folder.join("absent")).package(every_kind()).run();
    assert!(matches!(refused, Err(ReplayError::Folder { .. })), "{refused:?}");
    assert!(!folder.join("absent").exists());
}

#[test]
fn real_departures_come_to_the_same_results() {
    let folder = Folder::new().unwrap();
    let path = folder.join("flights");
    let options =
        Options { path: few_departures(&folder), chaos: None, durable: Some(path.clone()), rate: None };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(flights::run(&options, |_| ())).unwrap();
    // The engine's threads let go of the journal a moment after it has stopped.
    let mut report = None;
    runtime.block_on(eventually("the journal is let go of", async || {
        report = flights::replay(path.clone()).ok();
        report.is_some()
    }));
    let report = report.unwrap();

    assert!(report.is_equal(), "{report}\n{report:#?}");
    let compared: u64 = report.reactors.iter().map(|reactor| reactor.compared).sum();
    assert!(report.reactors.len() >= 4 && compared > 600, "{report:#?}");
}
