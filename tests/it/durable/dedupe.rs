//! Events that come again.

#![expect(clippy::disallowed_methods, reason = "two producers that push at the same time")]

use super::{on, package, power_cut, reactor, start, sums};
use acequia::store::Lsn;
use acequia::store::disk::{Cut, SimulatedDisk};
use acequia::testing::{Probe, TestEngine};
use acequia::{
    Acceptance, AccumulatorHandle, Dedupe, DedupeError, EventId, Gaps, Guarantee, Package, ProducerId,
    ProducerSequence, StampedPushError,
};
use acequia_tests::echo;
use std::time::Duration;

fn of(epoch: u64, sequence: u64) -> ProducerSequence {
    ProducerSequence { producer: ProducerId::named("feed"), epoch, sequence }
}

fn numbers(engine: &TestEngine) -> AccumulatorHandle<u64> {
    engine.engine().accumulator::<u64>("numbers").unwrap()
}

fn lsn(acceptance: Acceptance) -> Lsn {
    match acceptance {
        Acceptance::Accepted { lsn } | Acceptance::Duplicate { lsn: Some(lsn) } => lsn,
        Acceptance::Duplicate { lsn: None } => panic!("its place is not known"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_again_is_answered_with_the_place_of_the_first_and_acts_once() {
    let (engine, probe) = start(&SimulatedDisk::new(1), Guarantee::Durable).await;
    let handle = numbers(&engine);
    let first = handle.push_as(of(0, 0), 5).await.unwrap();
    assert!(matches!(first, Acceptance::Accepted { .. }), "{first:?}");
    let again = handle.push_as(of(0, 0), 5).await.unwrap();
    assert_eq!(again, Acceptance::Duplicate { lsn: Some(lsn(first)) });
    let named = handle.push_with_id(EventId(77), 7).await.unwrap();
    assert!(lsn(named) > lsn(first));
    let again = handle.push_with_id(EventId(77), 7).await.unwrap();
    assert_eq!(again, Acceptance::Duplicate { lsn: Some(lsn(named)) });
    engine.settle().await;
    assert_eq!(probe.all(), [5, 12]);
    assert_eq!(handle.duplicates(), 2, "counted apart");
    assert_eq!(engine.engine().ledger().await.events().accepted, 2);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_what_is_new_is_accepted_and_each_event_has_its_answer() {
    let (engine, probe) = start(&SimulatedDisk::new(2), Guarantee::Durable).await;
    let handle = numbers(&engine);
    let first = handle.push_batch_as(of(0, 0), [1, 2, 3]).await.unwrap();
    let again = handle.push_batch_as(of(0, 1), [2, 3, 4, 5]).await.unwrap();
    let places: Vec<Lsn> = again.iter().copied().map(lsn).collect();
    assert_eq!(places[..2], [lsn(first[1]), lsn(first[2])]);
    let accepted = |answer: &&Acceptance| matches!(answer, Acceptance::Accepted { .. });
    assert_eq!(again.iter().filter(accepted).count(), 2, "{again:?}");
    let ids =
        handle.push_batch_with_ids([(EventId(1), 10), (EventId(2), 20), (EventId(1), 10)]).await.unwrap();
    assert_eq!(ids[2], Acceptance::Duplicate { lsn: Some(lsn(ids[0])) }, "within one batch, too");
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&(15 + 30)));
    engine.assert_ledger().await;
}

/// An engine whose accumulator has room for one event, which is taken.
async fn full(disk: &SimulatedDisk) -> (TestEngine, Probe<u64>) {
    let probe = Probe::new();
    let numbers = sums("numbers", Guarantee::Durable).capacity(1);
    let package =
        Package::new("sums").reactor(reactor("R", numbers)).graph(echo::<u64>("W", "numbers").on("R"));
    let engine = on(disk).package(package).probe("W", "out", &probe).start().await;
    engine.engine().reactor("R").unwrap().pause().await;
    for event in 0..64 {
        let handle = self::numbers(&engine);
        let pushed = handle.push(event);
        if tokio::time::timeout(Duration::from_millis(10), pushed).await.is_err() {
            return (engine, probe);
        }
    }
    panic!("it has room for everything");
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_of_what_is_on_its_way_waits_for_it() {
    let (engine, probe) = full(&SimulatedDisk::new(3)).await;
    let before = engine.engine().ledger().await.events().accepted;
    let (one, other) = (numbers(&engine), numbers(&engine));
    let first = tokio::spawn(async move { one.push_as(of(0, 0), 100).await.unwrap() });
    engine.settle().await;
    let second = tokio::spawn(async move { other.push_as(of(0, 0), 100).await.unwrap() });
    engine.settle().await;
    assert!(!first.is_finished() && !second.is_finished(), "neither is on disk");
    engine.engine().reactor("R").unwrap().resume().await;
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!(second, Acceptance::Duplicate { lsn: Some(lsn(first)) });
    engine.settle().await;
    assert_eq!(engine.engine().ledger().await.events().accepted, before + 1);
    assert!(probe.all().last().unwrap() >= &100);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn if_the_first_gives_up_before_it_is_written_the_second_takes_its_place() {
    let (engine, _probe) = full(&SimulatedDisk::new(4)).await;
    let before = engine.engine().ledger().await.events().accepted;
    let (one, other) = (numbers(&engine), numbers(&engine));
    let first = tokio::spawn(async move { one.push_with_id(EventId(9), 100).await.unwrap() });
    engine.settle().await;
    let second = tokio::spawn(async move { other.push_with_id(EventId(9), 100).await.unwrap() });
    engine.settle().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    engine.engine().reactor("R").unwrap().resume().await;
    assert!(matches!(second.await.unwrap(), Acceptance::Accepted { .. }));
    engine.settle().await;
    assert_eq!(engine.engine().ledger().await.events().accepted, before + 1);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_epoch_fences_the_older_one_and_goes_on_with_its_numbers_over_a_restart() {
    let disk = SimulatedDisk::new(5);
    let (engine, _) = start(&disk, Guarantee::Durable).await;
    let handle = numbers(&engine);
    handle.push_batch_as(of(1, 0), [1, 1, 1]).await.unwrap();
    assert!(matches!(handle.push_as(of(2, 2), 1).await.unwrap(), Acceptance::Duplicate { lsn: Some(_) }));
    handle.push_as(of(2, 3), 1).await.unwrap();
    let fenced = handle.push_as(of(1, 4), 1).await.unwrap_err();
    assert!(fenced.to_string().contains("E0181"), "{fenced}");
    let gap = handle.push_as(of(2, 6), 1).await.unwrap_err();
    assert!(gap.to_string().contains("E0182") && gap.to_string().contains("number 4"), "{gap}");
    let disk = power_cut(engine, &disk);

    let (engine, probe) = start(&disk, Guarantee::Durable).await;
    let handle = numbers(&engine);
    let fenced = handle.push_batch_as(of(1, 4), [1, 1]).await.unwrap_err();
    let StampedPushError::Refused { item, source: DedupeError::Fenced { current, .. } } = fenced else {
        panic!("{fenced}")
    };
    assert_eq!((item.len(), current), (2, 2), "the events come back");
    assert!(matches!(handle.push_as(of(2, 3), 1).await.unwrap(), Acceptance::Duplicate { lsn: Some(_) }));
    handle.push_as(of(2, 4), 1).await.unwrap();
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&5));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn where_gaps_are_allowed_what_was_left_out_may_still_come_once() {
    let dedupe = Dedupe { gaps: Gaps::Allow, ..Dedupe::default() };
    let numbers_of = sums("numbers", Guarantee::Durable).deduplicate(dedupe);
    let package =
        Package::new("sums").reactor(reactor("R", numbers_of)).graph(echo::<u64>("W", "numbers").on("R"));
    let engine = on(&SimulatedDisk::new(6)).package(package).start().await;
    let handle = numbers(&engine);
    for (sequence, is_new) in [(0, true), (5, true), (3, true), (3, false), (5, false), (4, true)] {
        let answer = handle.push_as(of(0, sequence), 1).await.unwrap();
        assert_eq!(matches!(answer, Acceptance::Accepted { .. }), is_new, "{sequence}: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ids_are_forgotten_by_age_and_by_number() {
    let dedupe = Dedupe { age: Duration::from_secs(60), ids: 3, ..Dedupe::default() };
    let numbers_of = sums("numbers", Guarantee::Durable).deduplicate(dedupe);
    let package =
        Package::new("sums").reactor(reactor("R", numbers_of)).graph(echo::<u64>("W", "numbers").on("R"));
    let engine = on(&SimulatedDisk::new(7)).package(package).start().await;
    let handle = numbers(&engine);
    let is_new = async |id| {
        let answer = handle.push_with_id(EventId(id), 1).await.unwrap();
        matches!(answer, Acceptance::Accepted { .. })
    };
    assert!(is_new(1).await && is_new(2).await && is_new(3).await);
    assert!(!is_new(1).await);
    assert!(is_new(4).await, "and 1 is the oldest of four");
    assert!(is_new(1).await);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(is_new(4).await, "too long ago");
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_known_again_though_the_journal_was_trimmed() {
    let mut disk = SimulatedDisk::new(8);
    for life in 0..4_u64 {
        let (engine, _) = start(&disk, Guarantee::Durable).await;
        let handle = numbers(&engine);
        for n in 0..1_000 {
            handle.push_as(of(life, 1_000 * life + n), 1).await.unwrap();
            handle.push_with_id(EventId(u128::from(1_000 * life + n)), 1).await.unwrap();
        }
        engine.settle().await;
        engine.engine().shutdown(Duration::from_secs(1)).await;
        disk = disk.kill();
    }
    assert!(!disk.names().contains(&"segment-0000000000000001".to_owned()), "{:?}", disk.names());
    let (engine, probe) = start(&disk, Guarantee::Durable).await;
    let handle = numbers(&engine);
    for n in 0..4_000 {
        let by_number = handle.push_as(of(4, n), 1).await.unwrap();
        let by_id = handle.push_with_id(EventId(u128::from(n)), 1).await.unwrap();
        assert!(matches!(by_number, Acceptance::Duplicate { .. }), "{n}: {by_number:?}");
        assert!(matches!(by_id, Acceptance::Duplicate { lsn: Some(_) }), "{n}: {by_id:?}");
    }
    handle.push_as(of(4, 4_000), 1).await.unwrap();
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&8_001));
    engine.assert_ledger().await;
}

/// A producer that pushes everything again, from the first event, after each power cut.
#[tokio::test(start_paused = true)]
async fn a_producer_that_begins_again_after_each_power_cut_has_each_event_counted_once() {
    for guarantee in [Guarantee::Durable, Guarantee::EffectivelyOnce] {
        for by_id in [false, true] {
            let mut disk = SimulatedDisk::new(9);
            for call in 0..16 {
                let (engine, _) = start(&disk, guarantee).await;
                let handle = numbers(&engine);
                disk.power_off_at(call);
                for n in 0..8 {
                    let pushed = async {
                        if by_id {
                            handle.push_with_id(EventId(u128::from(n)), 1 << n).await
                        } else {
                            handle.push_as(of(call, n), 1 << n).await
                        }
                    };
                    if !matches!(tokio::time::timeout(Duration::from_secs(1), pushed).await, Ok(Ok(_))) {
                        break;
                    }
                }
                engine.settle().await;
                disk = {
                    let found = disk.power_cut(Cut::Torn);
                    drop(engine);
                    found
                };
            }
            let (engine, probe) = start(&disk, guarantee).await;
            let handle = numbers(&engine);
            for n in 0..8 {
                if by_id {
                    handle.push_with_id(EventId(u128::from(n)), 1 << n).await.unwrap();
                } else {
                    handle.push_as(of(99, n), 1 << n).await.unwrap();
                }
            }
            engine.push("numbers", 1000_u64).await;
            engine.settle().await;
            assert_eq!(probe.all().last(), Some(&1255), "{guarantee}, by id: {by_id}");
            engine.assert_ledger().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fast_accumulator_knows_no_event_again_and_says_so() {
    let engine = on(&SimulatedDisk::new(10)).package(package(Guarantee::Fast)).start().await;
    let refused = numbers(&engine).push_as(of(0, 0), 5).await.unwrap_err();
    assert!(refused.to_string().contains("E0180"), "{refused}");
    assert_eq!(refused.into_item(), 5, "the event comes back");
}
