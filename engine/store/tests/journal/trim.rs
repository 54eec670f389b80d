//! Removing what nobody needs.

use acequia_store::Lsn;
use acequia_store::disk::{Disk, SimulatedDisk};

use super::kit::{self, batch, demand};

fn n_segments(disk: &SimulatedDisk) -> usize {
    disk.list().unwrap().iter().filter(|name| name.starts_with("segment-")).count()
}

#[test]
fn whole_segments_below_the_limit_go_and_nothing_above() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    for n in 1..=1000 {
        journal.append_and_wait(batch(&journal, n..n + 1)).unwrap();
    }
    let before = n_segments(&disk);
    let trimmed = journal.trim(Lsn(500)).unwrap();
    assert!(trimmed.n_segments > 1 && trimmed.first <= Lsn(500));
    assert_eq!(n_segments(&disk), before - trimmed.n_segments);
    assert_eq!(journal.first(), trimmed.first);
    demand(&journal, 1000);
    drop(journal);
    let (journal, opened) = kit::open(&disk);
    assert_eq!((opened.first, opened.n_records), (trimmed.first, 1001 - trimmed.first.0));
    demand(&journal, 1000);
}

#[test]
fn the_slowest_consumer_holds_what_it_needs_and_is_named() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    for n in 1..=1000 {
        journal.append_and_wait(batch(&journal, n..n + 1)).unwrap();
    }
    let slow = journal.consumer("slow", Lsn(1));
    let fast = journal.consumer("fast", Lsn(900));
    let held = journal.trim(Lsn(1000)).unwrap();
    assert_eq!((held.n_segments, held.held_by.as_deref()), (0, Some("slow")));
    slow.advance(Lsn(400));
    slow.advance(Lsn(300));
    assert_eq!(slow.position(), Lsn(400));
    let trimmed = journal.trim(Lsn(1000)).unwrap();
    assert!(trimmed.first > Lsn(1) && trimmed.first <= Lsn(400));
    drop(slow);
    assert_eq!(journal.trim(Lsn(1000)).unwrap().held_by.as_deref(), Some("fast"));
    drop(fast);
    assert_eq!(journal.trim(Lsn::MAX).unwrap().held_by, None);
    demand(&journal, 1000);
}

#[test]
fn the_last_segment_always_stays() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    assert_eq!(journal.trim(Lsn::MAX).unwrap().n_segments, 0);
    journal.append_and_wait(batch(&journal, 1..10)).unwrap();
    assert_eq!(journal.trim(Lsn::MAX).unwrap().n_segments, 0);
    demand(&journal, 9);
}
