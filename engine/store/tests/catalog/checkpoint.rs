//! Checkpoints of the catalog: wherever the journal begins, the catalog that follows is the same.

use super::history::{Dice, step};
use acequia_core::Timestamp;
use acequia_core::catalog::{Catalog, Change, Origin, PinChange, PinKind, Record, Route};
use acequia_store::Lsn;
use acequia_store::catalog::{RecoverError, Recovery, all_rows, checkpoint, decode, encode, load};
use acequia_store::state::{MemoryStore, StateStore};

/// What the journal has of the catalog.
enum Entry {
    Record(Vec<u8>),
    Piece(Vec<u8>),
}

/// A hundred records, and checkpoints whose pieces have records between them.
fn journal(dice: &mut Dice) -> (Vec<Entry>, Catalog) {
    let (mut entries, mut catalog) = (Vec::new(), Catalog::default());
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for _ in 0..100 {
        let record = step(dice, &mut catalog);
        entries.push(Entry::Record(encode(&record).unwrap()));
        if pieces.is_empty() && dice.next().is_multiple_of(12) {
            // Its pieces come when they come.
            pieces = checkpoint(&catalog, Lsn(entries.len() as u64)).unwrap();
            pieces.reverse();
        }
        for _ in 0..dice.next() % 3 {
            entries.extend(pieces.pop().map(Entry::Piece));
        }
    }
    (entries, catalog)
}

/// Read the journal from an LSN on, as if what lies before were trimmed.
fn recover(entries: &[Entry], first: Lsn) -> Result<Catalog, RecoverError> {
    let mut recovery = Recovery::new(first);
    for (at, entry) in entries.iter().enumerate().skip(first.0 as usize - 1) {
        match entry {
            Entry::Record(bytes) => recovery.record(Lsn(at as u64 + 1), decode(bytes)?)?,
            Entry::Piece(bytes) => recovery.piece(bytes)?,
        }
    }
    recovery.finish()
}

#[test]
fn wherever_the_journal_begins_the_catalog_is_the_same_or_is_said_to_be_unknown() {
    let (mut n_recovered, mut n_unknown) = (0, 0);
    for seed in 0..40 {
        let (entries, catalog) = journal(&mut Dice(seed));
        assert_eq!(recover(&entries, Lsn::FIRST).unwrap(), catalog);
        for first in 2..=entries.len() as u64 + 1 {
            match recover(&entries, Lsn(first)) {
                Ok(found) => {
                    assert_eq!(found, catalog, "seed {seed}, from {first}");
                    n_recovered += 1;
                }
                Err(RecoverError::NoCheckpoint) => n_unknown += 1,
                Err(other) => panic!("seed {seed}, from {first}: {other}"),
            }
        }
    }
    assert!(n_recovered > 1000 && n_unknown > 100, "{n_recovered} recovered, {n_unknown} unknown");
}

#[test]
fn a_checkpoint_fills_a_store_whatever_it_held() {
    let (mut dice, mut store) = (Dice(1), MemoryStore::default());
    for lsn in 1..20 {
        let (_, catalog) = journal(&mut dice);
        let batch = all_rows(&store, &catalog).unwrap();
        store.apply(&batch, Lsn(lsn)).unwrap();
        assert_eq!(load(&store).unwrap(), catalog);
    }
}

#[test]
fn a_catalog_of_many_pins_has_pieces_of_moderate_size_and_an_empty_one_has_one() {
    let (mut dice, mut catalog) = (Dice(9), Catalog::default());
    assert_eq!(checkpoint(&catalog, Lsn(7)).unwrap().len(), 1);
    while catalog.versions().is_empty() {
        step(&mut dice, &mut catalog);
    }
    let row = &catalog.versions()[0];
    let hold = |n: u32| PinChange::Hold {
        package: row.package.clone(),
        version: row.version.clone(),
        kind: PinKind::LiveRun,
        holder: format!("{n:032}").into(),
    };
    let pins = (0..20_000).map(|n| Change::Pin(hold(n))).collect();
    catalog.apply(&Record::unaudited(pins)).unwrap();

    let pieces = checkpoint(&catalog, Lsn(7)).unwrap();
    assert!(pieces.len() > 20 && pieces.iter().all(|piece| piece.len() < 128 * 1024));
    let mut recovery = Recovery::new(Lsn(8));
    pieces.iter().for_each(|piece| recovery.piece(piece).unwrap());
    assert_eq!(recovery.finish().unwrap(), catalog);
}

/// What the first release wrote; what it reads must never change.
#[test]
fn the_piece_of_the_first_release_is_read() {
    let fixture = include_bytes!("../fixtures/catalog-piece-1");
    let loaded = Change::Loaded {
        package: "pricing".into(),
        version: "3f9ac2".into(),
        label: Some("1.0".into()),
        manifest: None,
        origin: Origin::File,
        at: Timestamp::from_millis(5),
        order: 4,
    };
    let routed = Change::Routed { package: "pricing".into(), route: Route { to: "3f9ac2".into() } };
    let catalog = Catalog::fold(&[Record::unaudited(vec![loaded, routed])]).unwrap();
    let mut recovery = Recovery::new(Lsn(300));
    recovery.piece(fixture).unwrap();
    assert_eq!(recovery.finish().unwrap(), catalog);
    assert_eq!(checkpoint(&catalog, Lsn(299)).unwrap(), [fixture]);
}
