//! Events that the journal has and nobody can read, and others that never came into it: what is counted is the
//! journal's, so that every later start begins where it should.

use super::{on, package, power_cut, start};
use acequia::Guarantee;
use acequia::core::durable::stream_number;
use acequia::core::payload::Payload;
use acequia::store::disk::SimulatedDisk;
use acequia::store::journal::{Head, Journal, RecordId, RecordKind, Settings, StreamId, TenantId};
use acequia_core::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// An event of which nothing but its form was written.
const NOTHING: &[u8] = &[0];

/// Put events of "numbers" into the journal that no engine ever saw: some of them cannot be read.
fn accept(disk: &SimulatedDisk, events: &[&[u8]]) {
    let (journal, _) = Journal::open(Arc::new(disk.clone()), Settings::small()).unwrap();
    let mut batch = journal.batch();
    for (at, event) in events.iter().enumerate() {
        let head = Head {
            kind: RecordKind::Event,
            tenant: TenantId(0),
            stream: StreamId(stream_number("accumulator", "numbers")),
            id: RecordId(0xacce_9000 + at as u128),
            time: Timestamp::ZERO,
            parents: &[],
        };
        batch.push(&head, event).unwrap();
    }
    journal.append_and_wait(batch).unwrap();
    journal.close().unwrap();
}

/// An event as an engine writes it.
fn event(number: u64) -> Vec<u8> {
    let mut payload = vec![0];
    number.encode(&mut payload).unwrap();
    payload
}

async fn sums_on(disk: &SimulatedDisk, events: &[u64], sum: u64) -> acequia::testing::TestEngine {
    let (engine, probe) = start(disk, Guarantee::Durable).await;
    engine.push_all("numbers", events.to_vec()).await;
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&sum));
    engine.assert_ledger().await;
    engine
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_when_it_is_offered_again_shifts_no_later_recovery() {
    let places: [&[&[u8]]; 4] = [
        &[NOTHING, &event(5), &event(6)],
        &[&event(5), NOTHING, NOTHING, &event(6)],
        &[&event(5), &event(6), NOTHING],
        &[NOTHING, &event(11), NOTHING],
    ];
    for events in places {
        let disk = SimulatedDisk::new(71);
        let engine = sums_on(&disk, &[1, 2], 3).await;
        let mut disk = power_cut(engine, &disk);
        accept(&disk, events);
        let mut sum = 3 + 11;
        for life in 0..6_u64 {
            sum += 10 + life;
            let engine = sums_on(&disk, &[10, life], sum).await;
            disk = if life % 2 == 0 {
                power_cut(engine, &disk)
            } else {
                // With a checkpoint, which says how many events were handled.
                engine.engine().shutdown(Duration::from_secs(1)).await;
                drop(engine);
                disk.kill()
            };
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_done_with_such_an_event_names_the_right_ones() {
    let disk = SimulatedDisk::new(72);
    let engine = sums_on(&disk, &[1], 1).await;
    let disk = power_cut(engine, &disk);
    accept(&disk, &[NOTHING, &event(5)]);
    let engine = sums_on(&disk, &[7], 13).await;
    let disk = power_cut(engine, &disk);

    let mut records = Vec::new();
    let opened =
        Journal::recover(Arc::new(disk.copy()), Settings::small(), |it| records.push(it.to_record()));
    drop(opened.unwrap());
    let events: Vec<_> = records.iter().filter(|it| it.kind == RecordKind::Event).map(|it| it.id).collect();
    let turns = records.iter().filter(|it| it.kind == RecordKind::Turn);
    let handled: Vec<_> = turns.flat_map(|turn| turn.parents.iter().copied()).collect();
    assert_eq!(handled, events, "each event is a parent of the turn that handled it, once");

    let report =
        acequia::replay::Replay::on(Arc::new(disk)).package(package(Guarantee::Durable)).run().unwrap();
    assert!(report.is_equal(), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_refused_before_it_was_written_shifts_no_later_recovery() {
    let disk = SimulatedDisk::new(73);
    let probe = acequia::testing::Probe::<u64>::new();
    let engine = on(&disk).package(package(Guarantee::Durable)).probe("W", "out", &probe).start().await;
    engine.engine().push_json_waiting("numbers", b"5").await.unwrap().unwrap();
    assert!(engine.engine().push_json_waiting("numbers", b"\"five\"").await.unwrap().is_err());
    engine.settle().await;
    engine.engine().shutdown(Duration::from_secs(1)).await;
    drop(engine);
    let mut disk = disk.kill();
    let mut sum = 5;
    for event in 6..9 {
        sum += event;
        let engine = sums_on(&disk, &[event], sum).await;
        disk = power_cut(engine, &disk);
    }
}
