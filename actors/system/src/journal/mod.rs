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
}

impl EngineJournal {
    /// Open the journal on `disk`, or begin one.
    pub(crate) fn open(disk: Arc<dyn Disk>, settings: Settings) -> Result<Self, OpenError> {
        let (mut lives, mut last) = (HashMap::new(), Timestamp::ZERO);
        let (journal, opened) = Journal::recover(disk, settings, |record| {
            note(&mut lives, record);
            if record.kind == RecordKind::Turn
                && let Ok(mark) = TurnMark::decode(record.payload)
            {
                last = last.max(Timestamp::from_nanos(mark.now));
            }
        })?;
        Ok(Self { journal, lives: Mutex::new(lives), last, opened })
    }

    /// The journal.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The latest time that it told of when it was opened.
    pub(crate) fn last(&self) -> Timestamp {
        self.last
    }

    /// What was found at opening.
    pub(crate) fn opened(&self) -> &Opened {
        &self.opened
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
