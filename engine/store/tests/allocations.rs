//! How much memory is taken for an append. A program of its own, because everybody's allocations are counted.

#![allow(clippy::unwrap_used, reason = "this is a test")]

use std::alloc::System;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use acequia_core::Timestamp;
use acequia_store::disk::FolderDisk;
use acequia_store::journal::{Head, Journal, RecordId, RecordKind, Settings, StreamId, TenantId};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const APPENDS: u64 = 2_000;

#[test]
fn an_append_takes_memory_once_for_its_callback() {
    let path = std::env::temp_dir().join(format!("acequia-allocations-{}", std::process::id()));
    let disk = FolderDisk::open(&path).unwrap();
    let (journal, _) = Journal::open(Arc::new(disk), Settings::default()).unwrap();
    let n_synced = Arc::new(AtomicU64::new(0));
    let append = |n: u64| {
        let mut batch = journal.batch();
        let (kind, tenant, stream) = (RecordKind::Event, TenantId(1), StreamId(1));
        let head =
            Head { kind, tenant, stream, id: RecordId(u128::from(n)), time: Timestamp::ZERO, parents: &[] };
        batch.push(&head, &[7; 256]).unwrap();
        let n_synced = Arc::clone(&n_synced);
        let on_synced = Box::new(move |synced: Result<_, _>| {
            n_synced.fetch_add(u64::from(synced.is_ok()), Ordering::Relaxed);
        });
        journal.append(batch, on_synced).unwrap();
    };
    let append_all = || {
        for n in 0..APPENDS {
            append(n);
            // So that no more are under way than were before.
            if n % 100 == 99 {
                journal.flush().unwrap();
            }
        }
    };
    // Buffers, queues and threads have what they need.
    append_all();

    let before = COUNTED.stats().allocations;
    append_all();
    let n_allocations = COUNTED.stats().allocations - before;

    assert_eq!(n_synced.load(Ordering::Relaxed), 2 * APPENDS);
    assert!(n_allocations <= APPENDS as usize + 100, "{n_allocations} allocations for {APPENDS} appends");
    drop(journal);
    std::fs::remove_dir_all(path).unwrap();
}
