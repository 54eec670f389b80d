//! Batches as a journal would hold them, and `sled` with faults at will.

use acequia_store::Lsn;
use acequia_store::state::{
    Backend, Batch, Guarded, OpenError, Opened, Place, RebuildError, Row, Rows, SledBackend, StateError,
    StateStore, Table, Truth, open,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub const JOURNAL: Uuid = Uuid::from_u128(7);

/// What a journal would hold: the batch of each LSN, from 1 on.
#[derive(Debug, Clone, Default)]
pub struct Record(pub Vec<Batch>);

impl Record {
    /// Batches that put, change and delete, always the same ones.
    pub fn of(n: u64) -> Self {
        let batch = |lsn: u64| {
            let mut batch = Batch::default();
            for at in 0..6 {
                let key = (lsn * 7 + at * 13) % 97;
                let value = vec![lsn as u8; 20 + (key as usize * 11) % 300];
                let table = if key.is_multiple_of(2) { Table::RUNS } else { Table::CATALOG };
                batch.put(table, key.to_be_bytes().to_vec(), value);
            }
            batch.delete(Table::RUNS, ((lsn * 31) % 97).to_be_bytes().to_vec());
            batch
        };
        Self((1..=n).map(batch).collect())
    }

    pub fn last(&self) -> Lsn {
        Lsn(self.0.len() as u64)
    }

    pub fn truth(&self) -> Truth {
        Truth { journal: JOURNAL, last: self.last() }
    }

    /// Apply what the store has not taken in yet.
    pub fn replay(&self, store: &mut dyn StateStore) -> Result<Lsn, RebuildError> {
        for lsn in store.at().0 + 1..=self.0.len() as u64 {
            store.apply(&self.0[lsn as usize - 1], Lsn(lsn))?;
        }
        Ok(self.last())
    }

    /// What a store must hold that has taken all of it in.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = BTreeMap::new();
        for (table, key, value) in self.0.iter().flat_map(Batch::iter) {
            match value {
                Some(value) => rows.insert((table, key.clone()), value.clone()),
                None => rows.remove(&(table, key.clone())),
            };
        }
        rows.into_iter().map(|((table, key), value)| Row { table, key, value }).collect()
    }
}

pub fn all(store: &dyn StateStore) -> Vec<Row> {
    store.rows().collect::<Result<_, _>>().unwrap()
}

/// Open with a rebuild that replays the record.
pub fn opened(place: &Place, backend: &dyn Backend, record: &Record) -> Result<(Guarded, Opened), OpenError> {
    open(place, backend, record.truth(), &mut |store| record.replay(store))
}

/// Where `sled` is made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Open,
    Get,
    Scan,
    Apply,
    Checkpoint,
    Drop,
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Panic,
    Full,
    Denied,
}

type Hook = Box<dyn FnMut() + Send>;

/// `sled`, but what was asked for fails, until it is asked for no more.
#[derive(Clone, Default)]
pub struct Faulty {
    faults: Arc<Mutex<Vec<(Call, Fault)>>>,
    pub before_open: Arc<Mutex<Option<Hook>>>,
}

impl std::fmt::Debug for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Faulty({:?})", self.faults)
    }
}

impl Faulty {
    pub fn fail(&self, faults: &[(Call, Fault)]) {
        *self.faults.lock().unwrap() = faults.to_vec();
    }

    fn at(&self, call: Call) -> Result<(), StateError> {
        let fault = self.faults.lock().unwrap().iter().find(|(at, _)| *at == call).map(|(_, fault)| *fault);
        match fault {
            None => Ok(()),
            // Without the noise on stderr.
            Some(Fault::Panic) => std::panic::resume_unwind(Box::new("asked for")),
            Some(Fault::Full) => {
                let source = std::io::ErrorKind::StorageFull.into();
                Err(StateError::Full { backend: "sled", source })
            }
            Some(Fault::Denied) => {
                let source = std::io::ErrorKind::PermissionDenied.into();
                Err(StateError::Io { backend: "sled", what: "open its files", source })
            }
        }
    }
}

impl Backend for Faulty {
    fn name(&self) -> &'static str {
        "sled"
    }

    fn open(&self, folder: &Path) -> Result<Box<dyn StateStore>, StateError> {
        if let Some(hook) = self.before_open.lock().unwrap().as_mut() {
            hook();
        }
        self.at(Call::Open)?;
        Ok(Box::new(FaultyStore { inner: SledBackend.open(folder)?, faults: self.clone() }))
    }
}

#[derive(Debug)]
struct FaultyStore {
    inner: Box<dyn StateStore>,
    faults: Faulty,
}

impl StateStore for FaultyStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        self.faults.at(Call::Get)?;
        self.inner.get(table, key)
    }

    fn scan<'a>(&'a self, table: Table, prefix: &[u8]) -> Rows<'a> {
        let each = self.inner.scan(table, prefix);
        Box::new(each.map(|row| self.faults.at(Call::Scan).and(row)))
    }

    fn rows(&self) -> Rows<'_> {
        Box::new(self.inner.rows().map(|row| self.faults.at(Call::Scan).and(row)))
    }

    fn apply(&mut self, batch: &Batch, at: Lsn) -> Result<(), StateError> {
        self.faults.at(Call::Apply)?;
        self.inner.apply(batch, at)
    }

    fn at(&self) -> Lsn {
        self.inner.at()
    }

    fn checkpoint(&mut self) -> Result<Lsn, StateError> {
        self.faults.at(Call::Checkpoint)?;
        self.inner.checkpoint()
    }
}

impl Drop for FaultyStore {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = self.faults.at(Call::Drop);
        }
    }
}
