//! Rows against records: after each record the rows make the same catalog.

use super::history::{Dice, step};
use acequia_core::catalog::{Catalog, Change, PinChange, PinKind, Record};
use acequia_store::Lsn;
use acequia_store::catalog::{load, rows};
use acequia_store::state::{MemoryStore, StateStore, Table};

#[test]
fn rows_make_the_catalog_that_the_records_make() {
    for seed in 0..60 {
        let (mut dice, mut catalog, mut store) = (Dice(seed), Catalog::default(), MemoryStore::default());
        for lsn in 1..=120 {
            let record = step(&mut dice, &mut catalog);
            let batch = rows(&store, &catalog, &record).unwrap();
            store.apply(&batch, Lsn(lsn)).unwrap();
            assert_eq!(load(&store).unwrap(), catalog, "seed {seed}, record {lsn}: {record:?}");
        }
        // And the doors of what drains are shut.
        assert_eq!(load(&store).unwrap().boot(), catalog.boot());
    }
}

#[test]
fn a_pin_writes_its_own_row_and_none_of_the_packages() {
    let (mut dice, mut catalog, mut store) = (Dice(3), Catalog::default(), MemoryStore::default());
    while catalog.versions().is_empty() {
        let record = step(&mut dice, &mut catalog);
        let batch = rows(&store, &catalog, &record).unwrap();
        let next = store.at().next();
        store.apply(&batch, next).unwrap();
    }
    let row = &catalog.versions()[0];
    let hold = |holder: usize| PinChange::Hold {
        package: row.package.clone(),
        version: row.version.clone(),
        kind: PinKind::ResumableRun,
        holder: format!("run {holder:0600}").as_str().into(),
    };
    for holder in 0..300 {
        let record = Record::unaudited(vec![Change::Pin(hold(holder))]);
        catalog.apply(&record).unwrap();
        let batch = rows(&store, &catalog, &record).unwrap();
        assert_eq!(batch.len(), 1);
        let next = store.at().next();
        store.apply(&batch, next).unwrap();
    }
    assert_eq!(load(&store).unwrap(), catalog);
    assert!(store.scan(Table::CATALOG, &[]).count() > 300);
}
