//! The state store: what was checkpointed is there, whole, and not rebuilt.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use acequia_store::Lsn;
use acequia_store::state::{Batch, Guarded, Opened, Place, Row, SledBackend, StateStore, Table, Truth, open};
use uuid::Uuid;

use super::mounted::{Dice, Mounted, let_work, n_cuts, seed};

const JOURNAL: Uuid = Uuid::from_u128(7);
const KEYS: u64 = 60;

/// What the journal holds at `lsn`.
fn batch(lsn: u64) -> Batch {
    let mut batch = Batch::default();
    for at in 0..8 {
        let key = (lsn * 7 + at * 13) % KEYS;
        batch.put(Table::RUNS, key.to_be_bytes().to_vec(), value(lsn, key));
    }
    batch
}

fn value(lsn: u64, key: u64) -> Vec<u8> {
    let mut value = lsn.to_be_bytes().to_vec();
    value.resize(8 + (key as usize * 131) % 4_000, lsn as u8);
    value
}

/// What a store holds that has taken in all up to `lsn`.
fn rows(lsn: u64) -> Vec<Row> {
    let newest = |key: u64| {
        // Each key comes again within so many.
        let from = lsn.saturating_sub(KEYS * 8).max(1);
        (from..=lsn).rev().find(|lsn| (0..8).any(|at| (lsn * 7 + at * 13) % KEYS == key))
    };
    let row = |key: u64| {
        let value = value(newest(key)?, key).into();
        Some(Row { table: Table::RUNS, key: key.to_be_bytes().to_vec().into(), value })
    };
    (0..KEYS).filter_map(row).collect()
}

/// Opens the store over a journal that has synced all up to `last`.
fn opened(folder: &Path, last: u64) -> (Guarded, Opened) {
    let place = Place::new(folder.join("state")).unwrap();
    let truth = Truth { journal: JOURNAL, last: Lsn(last) };
    let replay = &mut |store: &mut dyn StateStore| {
        for lsn in store.at().0 + 1..=last {
            store.apply(&batch(lsn), Lsn(lsn))?;
        }
        Ok(Lsn(last))
    };
    open(&place, &SledBackend, truth, replay).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

#[test]
fn power_cuts_of_a_real_file_system_take_nothing_checkpointed_from_the_state_store() {
    let Some(mut disk) = Mounted::try_new("power_cut::state", 256) else { return };
    let mut dice = Dice(seed("state"));
    let (journal, checkpointed) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut n_rebuilt = 0;
    for cut in 0..n_cuts() {
        let (store, account) = opened(&disk.root(), journal.load(Ordering::Relaxed));
        n_rebuilt += u64::from(account.rebuilt.is_some() && cut > 0);
        let power = disk.armed().unwrap();
        std::thread::scope(|scope| {
            let power = &power;
            let (journal, checkpointed, mut store) = (&journal, &checkpointed, store);
            scope.spawn(move || {
                loop {
                    let lsn = store.at().0 + 1;
                    // The journal is ahead of the store.
                    journal.fetch_max(lsn, Ordering::Relaxed);
                    if store.apply(&batch(lsn), Lsn(lsn)).is_err() {
                        return;
                    }
                    if lsn.is_multiple_of(3) {
                        let Ok(at) = store.checkpoint() else { return };
                        if power.counts() {
                            checkpointed.store(at.0, Ordering::Relaxed);
                        }
                    }
                }
            });
            let_work(&mut dice);
            power.cut().unwrap();
        });
        power.wait().unwrap();
        disk.again();

        let last = journal.load(Ordering::Relaxed);
        let (mut store, account) = opened(&disk.root(), last);
        n_rebuilt += u64::from(account.rebuilt.is_some());
        let at = checkpointed.load(Ordering::Relaxed);
        assert!(store.at().0 >= at, "cut {cut}: {at} was checkpointed, found {}", store.at());
        for lsn in store.at().0 + 1..=last {
            store.apply(&batch(lsn), Lsn(lsn)).unwrap();
        }
        let found: Vec<Row> = store.rows().collect::<Result<_, _>>().unwrap();
        assert!(found == rows(last), "cut {cut}: rows differ at {last}, after {account:?}");
        store.close().unwrap();
    }
    let at = checkpointed.load(Ordering::Relaxed);
    println!("state: {} cuts, checkpointed up to {at}, {n_rebuilt} rebuilt, 0 lost", n_cuts());
    assert!(at > 0);
}
