//! The guard: what it takes as it is, what it makes anew and why, and what it refuses.

use super::folder::Folder;
use super::lab::{Call, Fault, Faulty, JOURNAL, Record, all, opened};
use acequia_store::Lsn;
use acequia_store::disk::{Cut, SimulatedDisk};
use acequia_store::state::{
    Anchor, Backend, Batch, OpenError, Opened, Place, Reason, SledBackend, StateError, StateStore, Table,
    Truth, open,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// A folder with a store that has taken in all of the record, as it is after a clean end.
fn closed(record: &Record) -> (Folder, Place) {
    let folder = Folder::new();
    let place = Place::new(folder.path()).unwrap();
    let (store, _) = opened(&place, &SledBackend, record).unwrap();
    store.close().unwrap();
    (folder, place)
}

/// Open, and demand that the rows are those of the record, whatever happened.
fn reopened(place: &Place, record: &Record) -> Opened {
    let (mut store, account) = opened(place, &SledBackend, record).unwrap();
    record.replay(&mut store).unwrap();
    assert_eq!(all(&store), record.rows());
    store.close().unwrap();
    account
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Change the store behind the guard's back.
fn meddle(folder: &Folder, change: impl FnOnce(&mut Batch)) {
    let mut store = SledBackend.open(&folder.path().join("state")).unwrap();
    let mut batch = Batch::default();
    change(&mut batch);
    let at = store.at();
    store.apply(&batch, at).unwrap();
    store.checkpoint().unwrap();
}

#[test]
fn a_store_is_taken_as_it_is_after_a_close_and_after_a_crash() {
    let record = Record::of(40);
    let (_folder, place) = closed(&record);
    let account = reopened(&place, &record);
    assert_eq!(account, Opened { at: Lsn(40), rebuilt: None, quarantined: None, epoch: 1 });

    let more = Record::of(60);
    let (mut store, _) = opened(&place, &SledBackend, &record).unwrap();
    more.replay(&mut store).unwrap();
    // Twenty batches follow its last checkpoint.
    drop(store);
    let account = reopened(&place, &more);
    assert_eq!((account.rebuilt, account.epoch), (None, 1));
}

#[test]
fn a_new_engine_is_no_incident_but_a_store_that_is_gone_is() {
    let folder = Folder::new();
    let place = Place::new(folder.path()).unwrap();
    let empty = Record::default();
    assert_eq!(reopened(&place, &empty).rebuilt, None);

    fs::remove_dir_all(folder.path().join("state")).unwrap();
    assert_eq!(reopened(&place, &empty).rebuilt, Some(Reason::StoreAbsent));

    let other = Folder::new();
    let account = reopened(&Place::new(other.path()).unwrap(), &Record::of(9));
    assert_eq!((account.rebuilt, account.quarantined), (Some(Reason::Absent), None));
}

#[test]
fn whatever_differs_from_the_anchor_is_moved_aside_and_made_anew() {
    let record = Record::of(30);
    let check = |what: &str, damage: &dyn Fn(&Folder), expected: &dyn Fn(&Reason) -> bool| {
        let (folder, place) = closed(&record);
        damage(&folder);
        let account = reopened(&place, &record);
        let reason = account.rebuilt.unwrap_or_else(|| panic!("{what}: taken as it is"));
        assert!(expected(&reason), "{what}: {reason:?}");
        let aside = account.quarantined.unwrap_or_else(|| panic!("{what}: nothing was kept"));
        assert_eq!(aside, folder.path().join("state.quarantine-1"), "{what}");
        assert!(aside.join("db").is_file(), "{what}");
        assert_eq!(reopened(&place, &record).rebuilt, None, "{what}: it does not last");
    };
    let anchor = |folder: &Folder| folder.path().join(Anchor::FILE);
    check("anchor gone", &|f| fs::remove_file(anchor(f)).unwrap(), &|r| *r == Reason::AnchorAbsent);
    check("anchor cut", &|f| fs::write(anchor(f), "ACQANCH").unwrap(), &|r| {
        matches!(r, Reason::AnchorDamaged { .. })
    });
    let lose = |batch: &mut Batch| {
        batch.delete(Table::CATALOG, 1_u64.to_be_bytes().to_vec());
    };
    check("row lost", &|f| meddle(f, lose), &|r| matches!(r, Reason::OtherContent { .. }));
    let add = |batch: &mut Batch| {
        batch.put(Table::CATALOG, "new", "row");
    };
    check("row added", &|f| meddle(f, add), &|r| matches!(r, Reason::OtherContent { .. }));
    let seal = |f: &Folder| {
        // The back end waits until the files are free; whoever comes after it need not.
        drop(SledBackend.open(&f.path().join("state")).unwrap());
        let config = sled::Config::new().path(f.path().join("state")).segment_size(1 << 20);
        let free = |_| {
            config.open().ok().or_else(|| {
                std::thread::yield_now();
                None
            })
        };
        let db = (0..1_000_000).find_map(free).unwrap();
        db.remove(b"\x01\x00seal").unwrap().unwrap();
        db.flush().unwrap();
    };
    check("seal lost", &seal, &|r| *r == Reason::Unsealed);
    let empty = |f: &Folder| fs::write(f.path().join("state/db"), "").unwrap();
    check("all rows lost", &empty, &|r| *r == Reason::Unsealed);
}

#[test]
fn an_older_copy_of_the_store_is_not_taken_for_the_store() {
    let record = Record::of(30);
    let (folder, place) = closed(&record);
    let (state, backup) = (folder.path().join("state"), folder.path().join("backup"));
    copy(&state, &backup);
    let more = Record::of(50);
    reopened(&place, &more);
    let restore = || {
        fs::remove_dir_all(&state).unwrap();
        copy(&backup, &state);
    };

    restore();
    let account = reopened(&place, &more);
    assert_eq!(account.rebuilt, Some(Reason::Behind { anchor: Lsn(50), store: Lsn(30) }));
    // The store is another one since, so that even the place does not count.
    restore();
    assert_eq!(reopened(&place, &more).rebuilt, Some(Reason::OtherEpoch { anchor: 2, store: 1 }));
}

#[test]
fn a_store_of_another_journal_or_back_end_is_made_anew() {
    let record = Record::of(12);
    let (_folder, place) = closed(&record);
    let truth = Truth { journal: Uuid::from_u128(8), last: Lsn(12) };
    let (store, account) = open(&place, &SledBackend, truth, &mut |store| record.replay(store)).unwrap();
    assert_eq!(account.rebuilt, Some(Reason::OtherJournal { found: JOURNAL }));
    assert_eq!(all(&store), record.rows());

    #[derive(Debug)]
    struct Renamed;
    impl Backend for Renamed {
        fn name(&self) -> &'static str {
            "another back end"
        }
        fn open(&self, folder: &Path) -> Result<Box<dyn StateStore>, StateError> {
            SledBackend.open(folder)
        }
    }
    store.close().unwrap();
    let (_, account) = open(&place, &Renamed, truth, &mut |store| record.replay(store)).unwrap();
    assert_eq!(account.rebuilt, Some(Reason::OtherBackend { found: "sled".to_owned() }));
}

#[test]
fn what_the_journal_never_synced_is_not_taken_over() {
    let record = Record::of(30);
    let (_folder, place) = closed(&record);
    let (mut store, _) = opened(&place, &SledBackend, &record).unwrap();
    Record::of(35).replay(&mut store).unwrap();
    drop(store);
    let account = reopened(&place, &record);
    assert_eq!(account.rebuilt, Some(Reason::AheadOfJournal { journal: Lsn(30), store: Lsn(35) }));
}

#[test]
fn a_journal_that_lost_synced_records_is_refused_and_nothing_is_touched() {
    let record = Record::of(30);
    let (_folder, place) = closed(&record);
    let refusal = opened(&place, &SledBackend, &Record::of(29)).unwrap_err();
    assert!(matches!(refusal, OpenError::JournalBehind { journal: Lsn(29), anchor: Lsn(30), .. }));
    assert_eq!(reopened(&place, &record).rebuilt, None);
}

#[test]
fn a_rebuild_that_fails_or_is_killed_begins_again_and_keeps_the_evidence() {
    let record = Record::of(30);
    let (folder, place) = closed(&record);
    meddle(&folder, |batch| {
        batch.put(Table::RUNS, "new", "row");
    });
    for _ in 0..2 {
        let mut half = |store: &mut dyn StateStore| {
            Record::of(10).replay(store)?;
            Err("the journal cannot be read".into())
        };
        let refusal = open(&place, &SledBackend, record.truth(), &mut half).unwrap_err();
        assert!(matches!(refusal, OpenError::Rebuild { .. }), "{refusal:?}");
    }
    let account = reopened(&place, &record);
    assert_eq!((account.rebuilt, account.quarantined), (Some(Reason::RebuildInterrupted), None));
    let aside: Vec<PathBuf> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("quarantine"))
        .collect();
    assert_eq!(aside, [folder.path().join("state.quarantine-1")]);
}

#[test]
fn a_back_end_that_panics_at_opening_is_contained_and_its_store_made_anew() {
    let record = Record::of(30);
    for call in [Call::Open, Call::Get, Call::Scan] {
        let (_folder, place) = closed(&record);
        let faulty = Faulty::default();
        // It goes on panicking on its way out, until the new store is opened.
        faulty.fail(&[(call, Fault::Panic), (Call::Drop, Fault::Panic)]);
        faulty.before_open.lock().unwrap().replace(Box::new({
            let (faulty, mut n) = (faulty.clone(), 0);
            move || {
                n += 1;
                if n == 2 {
                    faulty.fail(&[]);
                }
            }
        }));
        let (store, account) = opened(&place, &faulty, &record).unwrap();
        assert!(matches!(account.rebuilt, Some(Reason::Unreadable { .. })), "{call:?}: {account:?}");
        assert_eq!(all(&store), record.rows());
    }
}

#[test]
fn a_back_end_that_cannot_be_opened_at_all_is_refused_and_the_next_one_begins_anew() {
    let record = Record::of(30);
    let (_folder, place) = closed(&record);
    let faulty = Faulty::default();
    faulty.fail(&[(Call::Open, Fault::Panic)]);
    let refusal = opened(&place, &faulty, &record).unwrap_err();
    assert!(matches!(refusal, OpenError::State(StateError::Panicked { .. })), "{refusal:?}");
    assert_eq!(reopened(&place, &record).rebuilt, Some(Reason::RebuildInterrupted));
}

#[test]
fn a_back_end_that_fails_at_work_takes_nothing_more_until_it_is_opened_again() {
    let (record, more) = (Record::of(30), Record::of(31));
    for call in [Call::Get, Call::Scan, Call::Apply, Call::Checkpoint, Call::Drop] {
        for fault in [Fault::Panic, Fault::Full] {
            let (_folder, place) = closed(&record);
            let faulty = Faulty::default();
            let (mut store, _) = opened(&place, &faulty, &record).unwrap();
            faulty.fail(&[(call, fault)]);
            let failed = match call {
                Call::Get => store.get(Table::RUNS, b"key").is_err(),
                Call::Scan => store.scan(Table::RUNS, b"").any(|row| row.is_err()),
                Call::Apply => store.apply(&more.0[30], Lsn(31)).is_err(),
                Call::Checkpoint => store.checkpoint().is_err(),
                Call::Open | Call::Drop => false,
            };
            assert_eq!(failed, call != Call::Drop, "{call:?} {fault:?}");
            if failed {
                faulty.fail(&[]);
                let said = store.apply(&more.0[30], Lsn(31)).unwrap_err();
                assert!(matches!(said, StateError::Failed { .. }), "{call:?} {fault:?}: {said}");
            }
            drop(store);
            faulty.fail(&[]);
            // It was not closed, but it is what it was.
            assert_eq!(reopened(&place, &more).rebuilt, None, "{call:?} {fault:?}");
        }
    }
}

#[test]
fn a_full_disk_or_a_lock_is_no_damage() {
    let record = Record::of(30);
    let (folder, place) = closed(&record);
    let faulty = Faulty::default();
    for fault in [Fault::Full, Fault::Denied] {
        faulty.fail(&[(Call::Open, fault)]);
        let refusal = opened(&place, &faulty, &record).unwrap_err();
        assert!(matches!(refusal, OpenError::State(_)), "{refusal:?}");
    }
    // It was opened, could not be read, and panics on its way out.
    faulty.fail(&[(Call::Scan, Fault::Full), (Call::Drop, Fault::Panic)]);
    let refusal = opened(&place, &faulty, &record).unwrap_err();
    assert!(matches!(refusal, OpenError::State(StateError::Full { .. })), "{refusal:?}");
    // Another process of the same engine has the files open.
    let busy = SledBackend.open(&folder.path().join("state")).unwrap();
    let refusal = opened(&place, &SledBackend, &record).unwrap_err();
    assert!(matches!(refusal, OpenError::State(StateError::Io { .. })), "{refusal:?}");
    drop(busy);
    assert_eq!(reopened(&place, &record).rebuilt, None);
}

#[test]
fn a_store_whose_opening_ended_the_process_is_not_opened_a_second_time() {
    let record = Record::of(30);
    let folder = Folder::new();
    let disk = SimulatedDisk::new(1);
    let place = Place::with_disk(folder.path(), Arc::new(disk.clone()));
    drop(opened(&place, &SledBackend, &record).unwrap());

    let found: Arc<Mutex<Option<SimulatedDisk>>> = Arc::default();
    let faulty = Faulty::default();
    faulty.before_open.lock().unwrap().replace(Box::new({
        let (disk, found) = (disk.clone(), Arc::clone(&found));
        move || drop(found.lock().unwrap().replace(disk.copy()))
    }));
    drop(opened(&place, &faulty, &record).unwrap());
    let at_opening = found.lock().unwrap().take().unwrap();

    let place = Place::with_disk(folder.path(), Arc::new(at_opening));
    let account = reopened(&place, &record);
    assert_eq!(account.rebuilt, Some(Reason::OpeningInterrupted));
    assert!(account.quarantined.is_some());
}

#[test]
fn a_power_cut_at_any_call_leaves_the_old_anchor_or_the_new_one() {
    let (record, more) = (Record::of(10), Record::of(12));
    let lsn = |disk: &SimulatedDisk| Anchor::read(disk).unwrap().map(|anchor| anchor.lsn);
    for n in 0.. {
        let folder = Folder::new();
        let disk = SimulatedDisk::new(n);
        let place = Place::with_disk(folder.path(), Arc::new(disk.clone()));
        let (mut store, _) = opened(&place, &SledBackend, &record).unwrap();
        more.replay(&mut store).unwrap();
        disk.power_off_at(n);
        let outcome = store.checkpoint();
        let is_over = !disk.is_off();
        for cut in [Cut::Nothing, Cut::Everything, Cut::Torn] {
            let found = disk.copy().power_cut(cut);
            let expected = if outcome.is_ok() { &[Lsn(12)][..] } else { &[Lsn(10), Lsn(12)] };
            assert!(lsn(&found).is_some_and(|lsn| expected.contains(&lsn)), "call {n}");
        }
        if is_over {
            assert!(n > 4, "a checkpoint makes more calls than {n}");
            return;
        }
    }
}
