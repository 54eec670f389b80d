//! The durable path: what comes into a durable accumulator goes through the journal, each turn of its cell
//! leaves a mark there, and a cell that comes up goes through the marks of its earlier life.
//!
//! ```text
//! push ─▶ room in the ring ─▶ Intake ─▶ journal ─▶ synced ─▶ ring ─▶ turn ─▶ mark, and what it sends on
//!                                          │                                   │ one batch
//!                                          └◀──────────────────────────────────┘
//! start: Recovery reads the marks and their events, and Backlog offers again what no mark knows
//! ```

mod backlog;
mod cell;
mod intake;
mod recovery;
mod write;

pub(crate) use backlog::Backlog;
pub(crate) use cell::{CellJournal, attach, write_outbox};
pub use recovery::RecoveryError;

use acequia_core::Timestamp;
use acequia_core::durable::TurnMark;
use acequia_core::id::{AccumulatorName, ReactorName};
use acequia_store::Lsn;
use acequia_store::disk::Disk;
use acequia_store::journal::{Journal, OpenError, Opened, RecordKind, RecordRef, Settings, StreamId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The journal of one engine, with what it must know of it to find the lives of its cells.
pub(crate) struct EngineJournal {
    journal: Journal,
    /// Where the present life of each stream begins.
    lives: Mutex<HashMap<StreamId, Lsn>>,
    /// The latest time that it tells of.
    last: Timestamp,
    opened: Opened,
    recoveries: u64,
}

/// What an engine found in its journal when it started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// How often, this time included, an engine has started over this journal after another had ended without
    /// a shutdown.
    pub recoveries: u64,
    /// Whether this start is one of them.
    pub is_recovery: bool,
    /// Records in the journal.
    pub records: u64,
    /// What had been written last and was never acknowledged, in words, if it was cut off.
    pub torn: Option<String>,
}

/// Stream of the engine's own records.
const ENGINE: StreamId = StreamId(0);
/// Payload of the record that an engine makes as it starts after one that had not been shut down.
const RECOVERED: &[u8] = b"{\"event\":\"start\",\"recovered\":true}";
/// Payload of the record that it makes at any other start.
const STARTED: &[u8] = b"{\"event\":\"start\",\"recovered\":false}";

impl EngineJournal {
    /// Open the journal on `disk`, or begin one.
    pub(crate) fn open(disk: Arc<dyn Disk>, settings: Settings) -> Result<Self, OpenError> {
        let (mut lives, mut last, mut recoveries) = (HashMap::new(), Timestamp::ZERO, 0);
        let (journal, opened) = Journal::recover(disk, settings, |record| {
            note(&mut lives, record);
            recoveries += u64::from(record.kind == RecordKind::Audit && record.payload == RECOVERED);
            if record.kind == RecordKind::Turn
                && let Ok(mark) = TurnMark::decode(record.payload)
            {
                last = last.max(Timestamp::from_nanos(mark.now));
            }
        })?;
        let is_recovery = opened.n_records > 0 && !opened.was_closed;
        let started = Self {
            journal,
            lives: Mutex::new(lives),
            last,
            opened,
            recoveries: recoveries + u64::from(is_recovery),
        };
        started.note_start(is_recovery);
        Ok(started)
    }

    fn note_start(&self, is_recovery: bool) {
        let mut batch = self.journal.batch();
        let head = write::head(RecordKind::Audit, ENGINE, cell::fresh_id());
        let payload = if is_recovery { RECOVERED } else { STARTED };
        let noted = batch.push(&head, payload).map_err(|error| error.to_string());
        // A disk that is full now can be read all the same.
        if let Err(reason) = noted.and_then(|()| self.journal.ride(batch).map_err(|error| error.to_string()))
        {
            tracing::warn!(reason, "the start was not written down");
        }
    }

    /// What was found at the start.
    pub(crate) fn recovery(&self) -> Recovery {
        let Opened { n_records, torn, was_closed, .. } = &self.opened;
        Recovery {
            recoveries: self.recoveries,
            is_recovery: *n_records > 0 && !was_closed,
            records: *n_records,
            torn: torn.as_ref().map(|torn| format!("{torn:?}")),
        }
    }

    /// The journal.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The latest time that it told of when it was opened.
    pub(crate) fn last(&self) -> Timestamp {
        self.last
    }

    /// Where the present life of the reactor begins, if the journal may know something of it.
    fn life_of(&self, reactor: &ReactorName) -> Option<Lsn> {
        self.lives().get(&reactor_stream(reactor)).copied()
    }

    /// From now on something of the reactor may be found from `lsn` on.
    fn begin_life(&self, reactor: &ReactorName, lsn: Lsn) {
        self.lives().entry(reactor_stream(reactor)).or_insert(lsn);
    }

    fn end_life(&self, reactor: &ReactorName) {
        self.lives().remove(&reactor_stream(reactor));
    }

    fn lives(&self) -> MutexGuard<'_, HashMap<StreamId, Lsn>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(lives: &mut HashMap<StreamId, Lsn>, record: &RecordRef<'_>) {
    match record.kind {
        // It comes before every event of the reactor's accumulators, and again at each start.
        RecordKind::Deploy => {
            lives.entry(record.stream).or_insert(record.lsn);
        }
        RecordKind::Unload => {
            lives.remove(&record.stream);
        }
        _ => {}
    }
}

/// Stream of an accumulator's events.
fn accumulator_stream(name: &AccumulatorName) -> StreamId {
    StreamId(acequia_core::durable::stream_number("accumulator", name.as_str()))
}

/// Stream of a reactor's marks.
fn reactor_stream(name: &ReactorName) -> StreamId {
    StreamId(acequia_core::durable::stream_number("reactor", name.as_str()))
}
