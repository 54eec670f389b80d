//! What the journal tells of where things come from.

use super::chain::start_chain;
use acequia::Guarantee;
use acequia::core::FiringId;
use acequia::core::durable::{LifeId, TurnMark, stream_number};
use acequia::store::disk::SimulatedDisk;
use acequia::store::journal::{Journal, Record, RecordKind, Settings};
use acequia::testing::TestEngine;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// All records on `disk`.
fn records(disk: &SimulatedDisk) -> Vec<Record> {
    let mut records = Vec::new();
    let disk = Arc::new(disk.kill());
    let opened = Journal::recover(disk, Settings::small(), |record| records.push(record.to_record()));
    drop(opened.unwrap());
    records
}

/// Those of `kind` that belong to the `what` of this name.
fn of<'a>(records: &'a [Record], kind: RecordKind, what: &str, name: &str) -> Vec<&'a Record> {
    let stream = stream_number(what, name);
    records.iter().filter(|record| record.kind == kind && record.stream.0 == stream).collect()
}

/// The turn of `reactor` that decided the firing with the id `firing`.
fn turn_of<'a>(records: &'a [Record], reactor: &str, firing: u128) -> &'a Record {
    let holds = |turn: &&Record| {
        let mark = TurnMark::decode(&turn.payload).unwrap();
        let fired = LifeId::of(turn.id.0).firing_of(firing);
        fired.is_some_and(|FiringId(n)| (mark.first_firing..mark.next_firing).contains(&n))
    };
    let turns: Vec<_> = of(records, RecordKind::Turn, "reactor", reactor).into_iter().filter(holds).collect();
    assert_eq!(turns.len(), 1, "one turn decided it");
    turns[0]
}

async fn push_some(engine: &TestEngine, from: u64) {
    for event in from..from + 4 {
        engine.push("events", event).await;
    }
    engine.settle().await;
}

#[tokio::test(start_paused = true)]
async fn from_an_output_the_journal_leads_back_to_its_events_over_restarts_and_checkpoints() {
    for guarantee in [Guarantee::Durable, Guarantee::EffectivelyOnce] {
        let mut disk = SimulatedDisk::new(41);
        for life in 0..3 {
            let (engine, _) = start_chain(&disk, guarantee).await;
            push_some(&engine, 4 * life).await;
            if life == 1 {
                // A checkpoint, and so another way for the next start to know of the life.
                engine.engine().shutdown(Duration::from_secs(1)).await;
            }
            disk = disk.kill();
        }
        let records = records(&disk);
        let events = of(&records, RecordKind::Event, "accumulator", "events");
        let totals = of(&records, RecordKind::Event, "accumulator", "totals");
        assert_eq!((events.len(), totals.len()), (12, 12), "{guarantee}");
        let mut ids = HashSet::new();
        for (event, total) in events.iter().zip(&totals) {
            assert!(event.parents.is_empty(), "it came from outside");
            assert_eq!(total.parents.len(), 1);
            let turn = turn_of(&records, "First", total.parents[0].0);
            assert!(turn.parents.contains(&event.id), "{guarantee}: {event:?} led to {total:?}");
            assert_eq!(turn.lsn.min(total.lsn), turn.lsn, "what it comes from stands before it");
            assert!(ids.insert(event.id) && ids.insert(total.id), "no id is used twice");
        }
        for reactor in ["First", "Second"] {
            let turns = of(&records, RecordKind::Turn, "reactor", reactor);
            let handled: Vec<_> = turns.iter().flat_map(|turn| &turn.parents).collect();
            let of_source = if reactor == "First" { &events } else { &totals };
            assert_eq!(handled, of_source.iter().map(|event| &event.id).collect::<Vec<_>>(), "{reactor}");
            let lives: HashSet<_> = turns.iter().map(|turn| LifeId::of(turn.id.0)).collect();
            assert_eq!(lives.len(), 1, "a restart goes on with the life");
        }
    }
}

/// Let the first reactor fire for what waits there, from `disk`, and tell the ids of what it sent.
async fn resume(disk: &SimulatedDisk) -> Vec<u128> {
    let (engine, _) = start_chain(disk, Guarantee::Durable).await;
    engine.engine().reactor("First").unwrap().resume().await;
    engine.settle().await;
    let records = records(disk);
    of(&records, RecordKind::Event, "accumulator", "totals").iter().map(|total| total.id.0).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_made_again_after_a_crash_has_the_ids_that_it_had() {
    let disk = SimulatedDisk::new(43);
    let (engine, _) = start_chain(&disk, Guarantee::Durable).await;
    push_some(&engine, 0).await;
    engine.engine().reactor("First").unwrap().pause().await;
    push_some(&engine, 4).await;
    drop(engine);
    let (one, other) = (disk.kill(), disk.kill());
    let ids = resume(&one).await;
    assert_eq!(ids.len(), 8);
    assert_eq!(resume(&other).await, ids);
}

#[tokio::test(start_paused = true)]
async fn a_reactor_that_was_unloaded_begins_another_life() {
    let disk = SimulatedDisk::new(47);
    let (engine, _) = start_chain(&disk, Guarantee::Durable).await;
    push_some(&engine, 0).await;
    engine.engine().unload("chain").await.unwrap();
    engine.engine().load(super::chain::chained(Guarantee::Durable)).await.unwrap();
    push_some(&engine, 0).await;
    let records = records(&disk);
    let turns = of(&records, RecordKind::Turn, "reactor", "First");
    let lives: HashSet<_> = turns.iter().map(|turn| LifeId::of(turn.id.0)).collect();
    assert_eq!(lives.len(), 2, "its firings begin at 0 again, and are others");
}
