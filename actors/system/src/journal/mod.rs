//! The durable path: what comes into a durable accumulator goes through the journal, each turn of its cell
//! leaves a mark there, and a cell that comes up goes through the marks of its earlier life.
//!
//! ```text
//! push ─▶ room in the ring ─▶ Intake ─▶ journal ─▶ synced ─▶ ring ─▶ turn ─▶ mark, and what it sends on
//!                                          │                                   │ one batch
//!                                          └◀──────────────────────────────────┘
//! start: Recovery reads the marks and their events, and Backlog offers again what no mark knows
//! ```

mod admission;
mod attach;
mod backlog;
mod cell;
mod checkpoint;
mod history;
mod intake;
mod letters;
mod outbox;
mod recovery;
mod room;
mod trail;
mod write;

use crate::catalog::Register;
use acequia_core::catalog::Catalog;
use checkpoint::At;
pub(crate) use checkpoint::{Piece, Written};
pub(crate) use history::{History, JournalError};

pub(crate) use admission::{Admission, Entrance, Flight, Ticket};
pub(crate) use attach::attach;
pub(crate) use backlog::Backlog;
pub(crate) use cell::{CellJournal, fresh_id, push_end};
pub(crate) use outbox::write_outbox;
pub use recovery::RecoveryError;
pub(crate) use write::{event_of, head, wall};

use room::Waiting;
use trail::Trails;

use acequia_core::Timestamp;
use acequia_core::durable::{LifeId, TurnMark};
use acequia_core::id::{AccumulatorName, ReactorName};
use acequia_store::Lsn;
use acequia_store::disk::Disk;
use acequia_store::journal::{Journal, Opened, RecordKind, RecordRef, Settings, StreamId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// The journal of one engine, with what it must know of it to find the lives of its cells.
pub(crate) struct EngineJournal {
    journal: Journal,
    /// Where the present life of each stream begins.
    lives: Mutex<HashMap<StreamId, Life>>,
    /// The latest time that it tells of.
    last: Timestamp,
    opened: Opened,
    recoveries: u64,
    trails: Trails,
    /// Who waits for room on the disk.
    waiting: Arc<Waiting>,
    /// What outputs of cells without marks are named after.
    process: u128,
    /// The catalog that its records make, until somebody takes it.
    catalog: Mutex<Option<Catalog>>,
    has_catalog: bool,
    /// Whose records must have a checkpoint before what is trimmed goes.
    register: OnceLock<Weak<Register>>,
}

/// What the journal holds of the present life of one reactor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Life {
    /// Where it begins.
    begin: Lsn,
    /// Its name in lineage, unless a checkpoint alone tells.
    id: Option<LifeId>,
    /// The last checkpoint that is whole, and the one before it.
    last: Option<At>,
    previous: Option<At>,
    /// The first piece of one that may become whole, and how many pieces there are.
    partial: Option<(Lsn, u32)>,
}

impl Life {
    fn new(begin: Lsn) -> Self {
        Self { begin, id: None, last: None, previous: None, partial: None }
    }

    fn note(&mut self, at: At) {
        self.previous = self.last.replace(at);
    }

    /// Nothing before it is needed, even if the last checkpoint could not be read.
    fn needed_from(&self) -> Lsn {
        self.previous.map_or(self.begin, |at| at.floor.min(at.first))
    }

    fn piece(&mut self, lsn: Lsn, piece: &Piece<'_>) {
        let partial = match self.partial {
            _ if piece.index == 0 => Some((lsn, 1)),
            Some((first, n)) if n == piece.index => Some((first, n + 1)),
            _ => None,
        };
        self.partial = partial;
        if let Some((first, n)) = partial
            && n == piece.total
        {
            self.partial = None;
            self.note(At { first, floor: piece.floor });
        }
    }
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

/// The record that an engine makes as it starts.
#[derive(serde::Serialize, serde::Deserialize)]
struct Start {
    event: String,
    /// How often one started after another had ended without a shutdown.
    recoveries: u64,
}

/// The record that a recording cell makes as it begins.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Begin {
    pub(crate) reactor: String,
    pub(crate) accumulators: Vec<String>,
    /// The life that begins or goes on.
    pub(crate) life: u64,
}

impl EngineJournal {
    /// Open the journal on `disk`, or begin one.
    pub(crate) fn open(disk: Arc<dyn Disk>, settings: Settings) -> Result<Self, JournalError> {
        let (mut lives, mut last, mut recoveries) = (HashMap::new(), Timestamp::ZERO, 0);
        let mut history = History::default();
        let (journal, opened) = Journal::recover(disk, settings, |record| {
            if history.take(record) {
                return;
            }
            note(&mut lives, record);
            if record.kind == RecordKind::Audit && record.stream == ENGINE {
                let start = serde_json::from_slice::<Start>(record.payload);
                recoveries = start.map_or(recoveries, |start| recoveries.max(start.recoveries));
            }
            if record.kind == RecordKind::Turn
                && let Ok(mark) = TurnMark::decode(record.payload)
            {
                last = last.max(Timestamp::from_nanos(mark.now));
            }
        })?;
        let is_recovery = opened.n_records > 0 && !opened.was_closed;
        let has_catalog = history.is_known();
        let waiting = Arc::<Waiting>::default();
        let told = Arc::clone(&waiting);
        journal.watch(move |_| told.ring());
        let started = Self {
            journal,
            lives: Mutex::new(lives),
            last,
            opened,
            recoveries: recoveries + u64::from(is_recovery),
            trails: Trails::default(),
            waiting,
            process: cell::fresh_id().0,
            catalog: Mutex::new(Some(history.finish()?)),
            has_catalog,
            register: OnceLock::new(),
        };
        started.note_start();
        Ok(started)
    }

    fn note_start(&self) {
        let mut batch = self.journal.batch();
        let head = write::head(RecordKind::Audit, ENGINE, cell::fresh_id());
        let start = serde_json::json!(Start { event: "start".to_owned(), recoveries: self.recoveries });
        let noted = batch.push(&head, start.to_string().as_bytes()).map_err(|error| error.to_string());
        // A disk that is full now can be read all the same.
        if let Err(reason) = noted.and_then(|()| self.journal.ride(batch).map_err(|error| error.to_string()))
        {
            tracing::warn!(reason, "the start was not written down");
        }
    }

    /// Remove what nobody needs any more. May block.
    fn trim(&self, needed: Lsn) {
        if let Some(register) = self.register.get().and_then(Weak::upgrade)
            && let Err(reason) = register.make_way(self, needed)
        {
            tracing::warn!(reason, "the catalog's checkpoint was not written, so its records stay");
        }
        match self.journal.trim(needed) {
            Ok(trimmed) => tracing::debug!(?trimmed, %needed, "journal trimmed"),
            Err(error) => tracing::warn!(%error, "the journal was not trimmed"),
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

    /// The ids of events that wait to be handled.
    fn trails(&self) -> &Trails {
        &self.trails
    }

    /// A life of a reactor that begins now.
    fn fresh_life(stream: StreamId) -> LifeId {
        LifeId::begin(stream.0, cell::fresh_id().0)
    }

    /// The catalog that its records make; once.
    pub(crate) fn take_catalog(&self) -> Catalog {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    /// Whether anything of a catalog was found in it.
    pub(crate) fn has_catalog(&self) -> bool {
        self.has_catalog
    }

    /// Whose records must have a checkpoint before what is trimmed goes.
    pub(crate) fn serve(&self, register: &Arc<Register>) {
        let _ = self.register.set(Arc::downgrade(register));
    }

    /// The latest time that it told of when it was opened.
    pub(crate) fn last(&self) -> Timestamp {
        self.last
    }

    /// The present life of the reactor, if the journal may know something of it.
    fn life_of(&self, reactor: &ReactorName) -> Option<Life> {
        self.lives().get(&reactor_stream(reactor)).copied()
    }

    /// From now on something of the reactor may be found from `lsn` on.
    fn begin_life(&self, reactor: &ReactorName, lsn: Lsn) {
        self.lives().entry(reactor_stream(reactor)).or_insert(Life::new(lsn));
    }

    pub(crate) fn end_life(&self, reactor: &ReactorName) {
        self.lives().remove(&reactor_stream(reactor));
    }

    /// A checkpoint of the reactor is on disk. Returns the record before which nobody needs anything.
    fn note_checkpoint(&self, stream: StreamId, at: At) -> Option<Lsn> {
        let mut lives = self.lives();
        lives.get_mut(&stream)?.note(at);
        lives.values().map(Life::needed_from).min()
    }

    fn lives(&self) -> MutexGuard<'_, HashMap<StreamId, Life>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(lives: &mut HashMap<StreamId, Life>, record: &RecordRef<'_>) {
    let begun = || Life::new(record.lsn);
    match record.kind {
        // It comes before every event of the reactor's accumulators, and again at each start.
        RecordKind::Deploy => {
            let life = lives.entry(record.stream).or_insert_with(begun);
            let begin = serde_json::from_slice::<Begin>(record.payload);
            life.id = life.id.or(begin.ok().map(|begin| LifeId::known(begin.life)));
        }
        RecordKind::Unload => {
            lives.remove(&record.stream);
        }
        RecordKind::Checkpoint => {
            // What came before may have been trimmed.
            let life = lives.entry(record.stream).or_insert_with(begun);
            match Piece::read(record.payload) {
                Some(piece) => life.piece(record.lsn, &piece),
                None => life.partial = None,
            }
        }
        _ => {}
    }
}

/// Stream of an accumulator's events.
pub(crate) fn accumulator_stream(name: &AccumulatorName) -> StreamId {
    StreamId(acequia_core::durable::stream_number("accumulator", name.as_str()))
}

/// Stream of a reactor's marks.
pub(crate) fn reactor_stream(name: &ReactorName) -> StreamId {
    StreamId(acequia_core::durable::stream_number("reactor", name.as_str()))
}
