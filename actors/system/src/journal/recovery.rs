//! Going through a reactor's earlier life, from the journal into a fresh cell.

use super::admission::Flight;
use super::backlog::{Backlog, Waiting};
use super::checkpoint::{At, Piece, Place, Written};
use super::letters::Letters;
use super::write::{Beside, event_of};
use super::{EngineJournal, accumulator_stream, reactor_stream};
use acequia_core::Timestamp;
use acequia_core::accumulator::{AnyRing, JsonPushError};
use acequia_core::cell::kept::KeptError;
use acequia_core::cell::{Cell, Checkpoint, Crumb, ReplayError, TurnContext};
use acequia_core::durable::dedupe::{Dedupe, EventId, Stamp, Window, WindowError};
use acequia_core::durable::{LifeId, MarkError, SourceMark, TurnMark};
use acequia_core::id::{AccumulatorName, ReactorName};
use acequia_core::reactor::ReactorDecl;
use acequia_core::ring::Doorbell;
use acequia_store::Lsn;
use acequia_store::journal::{CursorError, Filter, RecordId, RecordKind, RecordRef, StreamId};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use tokio::runtime::Handle;

/// Records that are read between two looks at the journal.
const PORTION: usize = 4096;

/// A reactor that cannot go on where its journal ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// The present version does not fit what the journal tells.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The present version does not go on with the state in the checkpoint.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// What was kept to know events again is of another release.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// A mark is of another release.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// The journal cannot be read.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A mark tells of events that are not there.
    #[error(
        "E0492: the journal of accumulator {accumulator} ends before what reactor {reactor} did with it, at record {lsn}; restore the journal from a copy"
    )]
    Missing {
        /// The reactor.
        reactor: ReactorName,
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The mark.
        lsn: Lsn,
    },
    /// Nothing can be written.
    #[error("E0493: reactor {reactor} cannot begin: {reason}")]
    Journal {
        /// The reactor.
        reactor: ReactorName,
        /// What the journal says.
        reason: String,
    },
    /// The engine's runtime is going down.
    #[error(
        "E0494: reactor {reactor} was not recovered, because the engine's runtime is going down; start again"
    )]
    Interrupted {
        /// The reactor.
        reactor: ReactorName,
    },
}

/// One recovery. What it reads is what the journal holds when it begins.
pub(super) struct Recovery {
    journal: Arc<EngineJournal>,
    reactor: ReactorName,
    stream: StreamId,
    sources: Vec<Source>,
    /// Marks before this record are in the checkpoint already.
    after: Lsn,
    /// The life, if the checkpoint tells.
    life: Option<LifeId>,
    letters: Letters,
}

/// Events of one accumulator that no mark has told of yet.
struct Source {
    name: AccumulatorName,
    stream: StreamId,
    is_durable: bool,
    events: VecDeque<Kept>,
    /// Where its source stands.
    offset: Option<u64>,
    /// Events that the checkpoint knows, and that are read again.
    skip: u64,
    /// Events that lie before the checkpoint.
    before: u64,
    /// Events that the earlier life handled, of those that are read.
    handled: u64,
    /// By what its events are known again.
    window: Window<Arc<Flight>>,
}

impl Source {
    /// Take up what was written of an event besides itself.
    fn note(&mut self, event: &Kept, beside: Beside) {
        let (stamp, at) = match beside {
            Beside::Nothing => return,
            Beside::Offset(offset) => return self.offset = Some(offset),
            Beside::Sequence(of) => (Stamp::Sequence(of), Timestamp::ZERO),
            Beside::Id(at) => (Stamp::Id(EventId(event.id.0)), at),
        };
        self.window.land(stamp, event.lsn.0, at);
    }
}

/// An event as it lies in the journal.
struct Kept {
    lsn: Lsn,
    id: RecordId,
    event: Vec<u8>,
}

/// What is known once an earlier life has been gone through.
pub(super) struct Recovered {
    /// What no mark knows, to be offered again.
    pub(super) backlog: Backlog,
    /// The life that goes on.
    pub(super) life: LifeId,
    /// Ids of the events in `backlog`, by source.
    pub(super) ids: Vec<Vec<RecordId>>,
    /// By what the events of each source are known again.
    pub(super) windows: Vec<Window<Arc<Flight>>>,
    /// Its dead letters.
    pub(super) letters: Letters,
}

/// What was read and is to be done.
enum Read {
    Event { source: usize, event: Kept, beside: Beside },
    Turn { lsn: Lsn, mark: Vec<u8> },
    Ended { graph: String, next: u64, sent: u64 },
    Letter { id: RecordId, payload: Vec<u8> },
}

/// Nobody is woken: whoever replays looks by himself.
struct Silence;

impl Doorbell for Silence {
    fn ring(&self) {}
}

impl Recovery {
    pub(super) fn new(journal: &Arc<EngineJournal>, decl: &ReactorDecl) -> Self {
        let sources = decl.accumulators.iter().map(|accumulator| Source {
            name: accumulator.name.clone(),
            stream: accumulator_stream(&accumulator.name),
            is_durable: accumulator.guarantee.is_durable(),
            events: VecDeque::new(),
            offset: None,
            skip: 0,
            before: 0,
            handled: 0,
            window: Window::new(accumulator.dedupe),
        });
        Self {
            journal: Arc::clone(journal),
            reactor: decl.name.clone(),
            stream: reactor_stream(&decl.name),
            sources: sources.collect(),
            after: Lsn::ZERO,
            life: None,
            letters: Letters::default(),
        }
    }

    /// Take `cell` through its earlier life. What no mark knows comes back, to be offered again. Blocks.
    pub(super) fn run(mut self, cell: &mut Cell, work: &Handle) -> Result<Recovered, RecoveryError> {
        let Some(life) = self.journal.life_of(&self.reactor) else { return Ok(self.nothing()) };
        let from = match life.last {
            Some(at) => self.resume(at, cell)?,
            None => life.begin,
        };
        self.sources.iter_mut().for_each(|source| source.handled = source.skip);
        let kinds = vec![RecordKind::Event, RecordKind::Turn, RecordKind::Firing, RecordKind::DeadLetter];
        let mut streams: Vec<StreamId> = self.sources.iter().map(|source| source.stream).collect();
        streams.push(self.stream);
        let filter = Filter { kinds, streams, ..Filter::default() };
        let mut cursor = self.journal.journal().cursor_with(from, filter);
        let mut turns = 0_u64;
        loop {
            let mut read = Vec::new();
            let n = cursor.visit(PORTION, |record| read.extend(self.read(record)))?;
            for read in read {
                turns += u64::from(matches!(read, Read::Turn { .. }));
                self.take(read, cell, work)?;
            }
            if n < PORTION {
                break;
            }
        }
        if turns > 0 || life.last.is_some() {
            cell.end_replay();
        }
        let rings: Vec<Arc<dyn AnyRing>> = cell.slots().iter().map(|slot| slot.ring()).collect();
        let offsets = self.sources.iter().map(|source| source.offset).collect();
        let before = self.sources.iter().map(|source| source.before).collect();
        let handled = self.sources.iter().map(|source| source.handled).collect();
        let known = self.life;
        let mut windows = Vec::new();
        for source in &mut self.sources {
            windows.push(std::mem::replace(&mut source.window, Window::new(Dedupe::default())));
        }
        let ids = self.sources.iter().map(|source| source.events.iter().map(|kept| kept.id).collect());
        let ids = ids.collect();
        let events = self.sources.into_iter().zip(rings).enumerate().flat_map(|(source, (own, ring))| {
            let waiting =
                move |Kept { lsn, id, event }| Waiting { lsn, id, source, ring: Arc::clone(&ring), event };
            own.events.into_iter().map(waiting)
        });
        let place = Place::new(from, handled, (self.after, before));
        let backlog = Backlog::new(events.collect(), offsets, place);
        tracing::info!(reactor = %self.reactor, turns, open = backlog.len(), "reactor recovered");
        let life = life.id.or(known).unwrap_or_else(|| EngineJournal::fresh_life(self.stream));
        Ok(Recovered { backlog, life, ids, windows, letters: self.letters })
    }

    /// The journal knows nothing of it.
    fn nothing(self) -> Recovered {
        let n = self.sources.len();
        let here = self.journal.journal().synced();
        let place = Place::new(here, vec![0; n], (here, vec![0; n]));
        let backlog = Backlog::new(Vec::new(), vec![None; n], place);
        let windows = self.sources.into_iter().map(|source| source.window).collect();
        let life = EngineJournal::fresh_life(self.stream);
        Recovered { backlog, life, ids: vec![Vec::new(); n], windows, letters: self.letters }
    }

    /// Be what the checkpoint says. Returns where to read on.
    fn resume(&mut self, at: At, cell: &mut Cell) -> Result<Lsn, RecoveryError> {
        let unreadable = |why: &str| RecoveryError::Mark(MarkError { why: why.to_owned() });
        let filter =
            Filter { kinds: vec![RecordKind::Checkpoint], streams: vec![self.stream], ..Filter::default() };
        let mut cursor = self.journal.journal().cursor_with(at.first, filter);
        let mut bytes = Vec::new();
        loop {
            let record =
                cursor.next_record()?.ok_or_else(|| unreadable("a piece of a checkpoint is missing"))?;
            let piece = Piece::read(&record.payload).ok_or_else(|| unreadable("a piece has no header"))?;
            bytes.extend_from_slice(piece.bytes);
            if piece.index + 1 == piece.total {
                break;
            }
        }
        let (written, beside) =
            Written::decode(&bytes).map_err(|error| unreadable(&format!("a checkpoint: {error}")))?;
        if let Some(beside) = beside {
            self.life = Some(LifeId::known(beside.life));
            for (source, window) in self.sources.iter_mut().zip(&beside.windows) {
                if !window.is_empty() {
                    source.window.learn(window)?;
                }
            }
            for (id, letter) in beside.letters {
                self.letters.add(RecordId(u128::from_le_bytes(id)), letter);
            }
        }
        let checkpoint = Checkpoint::decode(&written.cell)?;
        if !cell.resume_from(&checkpoint)? {
            let (then, now) = (checkpoint.sources.len(), self.sources.len());
            return Err(ReplayError::OtherShape { reactor: self.reactor.clone(), then, now }.into());
        }
        for (source, skip) in self.sources.iter_mut().zip(&written.skips) {
            source.skip = *skip;
        }
        self.after = at.first;
        Ok(Lsn(written.floor).min(at.first))
    }

    fn read(&self, record: &RecordRef<'_>) -> Option<Read> {
        match record.kind {
            RecordKind::Event => {
                let source = self.sources.iter().position(|source| source.stream == record.stream)?;
                let (event, beside) = event_of(record.payload)?;
                let event = Kept { lsn: record.lsn, id: record.id, event: event.to_vec() };
                Some(Read::Event { source, event, beside })
            }
            RecordKind::DeadLetter if record.stream == self.stream => {
                Some(Read::Letter { id: record.id, payload: record.payload.to_vec() })
            }
            RecordKind::Turn | RecordKind::Firing if record.lsn < self.after => None,
            RecordKind::Turn if record.stream == self.stream => {
                Some(Read::Turn { lsn: record.lsn, mark: record.payload.to_vec() })
            }
            RecordKind::Firing if record.stream == self.stream => {
                let (next, rest) = record.payload.split_first_chunk::<8>()?;
                let (sent, graph) = rest.split_first_chunk::<8>()?;
                let graph = String::from_utf8_lossy(graph).into_owned();
                let (next, sent) = (u64::from_le_bytes(*next), u64::from_le_bytes(*sent));
                Some(Read::Ended { graph, next, sent })
            }
            _ => None,
        }
    }

    fn take(&mut self, read: Read, cell: &mut Cell, work: &Handle) -> Result<(), RecoveryError> {
        match read {
            Read::Event { source, event, beside } if self.sources[source].is_durable => {
                let source = &mut self.sources[source];
                source.note(&event, beside);
                source.before += u64::from(event.lsn < self.after);
                if source.skip > 0 {
                    source.skip -= 1;
                } else {
                    source.events.push_back(event);
                }
            }
            Read::Event { .. } => {}
            Read::Turn { lsn, mark } => self.replay(lsn, &TurnMark::decode(&mark)?, cell, work)?,
            Read::Letter { id, payload } => self.letters.read(id, &payload),
            Read::Ended { graph, next, sent } => cell.replay_ended(&graph, next, sent),
        }
        Ok(())
    }

    fn replay(
        &mut self,
        lsn: Lsn,
        mark: &TurnMark,
        cell: &mut Cell,
        work: &Handle,
    ) -> Result<(), RecoveryError> {
        for (at, cut) in mark.sources.iter().enumerate().take(self.sources.len()) {
            let source = &mut self.sources[at];
            if !feed(&mut source.events, &*cell.slots()[at].ring(), cut) && source.is_durable {
                let (reactor, accumulator) = (self.reactor.clone(), source.name.clone());
                return Err(RecoveryError::Missing { reactor, accumulator, lsn });
            }
            source.handled += cut.consumed;
        }
        let doorbell: Arc<dyn Doorbell> = Arc::new(Silence);
        let now = acequia_core::Timestamp::from_nanos(mark.now);
        let crumb = Crumb::default();
        let cx =
            TurnContext { now, clock: &|| now, doorbell: &doorbell, waker: Waker::noop(), crumb: &crumb };
        while let Some(pending) = cell.replay_events(mark, &cx) {
            work.block_on(pending);
        }
        cell.replay_turn(mark)?;
        Ok(())
    }
}

/// Put the events that one turn handled into their ring; false if some are missing.
fn feed(events: &mut VecDeque<Kept>, ring: &dyn AnyRing, cut: &SourceMark) -> bool {
    for at in 0..cut.consumed {
        let Some(Kept { lsn, event, .. }) = events.pop_front() else { return false };
        if cut.given_up.contains(&at) {
            ring.push_given_up();
        } else if let Err(JsonPushError::Undecodable { source, .. }) = ring.replay_encoded(&event) {
            // As it was then: counted, and no input of the part.
            tracing::warn!(%lsn, %source, "an event cannot be read any more");
        }
    }
    true
}
