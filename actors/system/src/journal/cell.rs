//! A cell that records: its marks and what it sends on go to the journal.

use super::checkpoint::{Place as JournalPlace, Target};
use super::intake::StreamIntake;
use super::outbox::{append, fail, write_batch};
use super::recovery::RecoveryError;
use super::write::{Maker, Sent, head, head_of};
use super::{Admission, Backlog, Begin, EngineJournal, reactor_stream};
use crate::env::Env;
use acequia_core::Timestamp;
use acequia_core::accumulator::AnyRing;
use acequia_core::cell::{Cell, TurnWrite};
use acequia_core::durable::{LifeId, MarkError, Outgoing, TurnMark};
use acequia_core::id::{AccumulatorName, GraphName, ReactorName};
use acequia_core::letter::{DeadLetter, Place};
use acequia_core::reactor::ReactorDecl;
use acequia_core::ring::Doorbell;
use acequia_store::journal::{Batch, EncodeError, RecordId, RecordKind, StreamId};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What a cell has to do with the journal.
pub(crate) struct CellJournal {
    pub(super) journal: Arc<EngineJournal>,
    pub(super) name: ReactorName,
    pub(super) stream: StreamId,
    pub(super) life: LifeId,
    /// Number of the last mark that is on disk.
    pub(super) synced: Arc<AtomicU64>,
    /// Number of the last mark that was written.
    pub(super) written: AtomicU64,
    /// Outputs wait for their turn's mark.
    pub(super) holds: bool,
    /// Told when a mark for which outputs wait is on disk.
    pub(super) news: Arc<Notify>,
    pub(super) intakes: Vec<Option<Arc<StreamIntake>>>,
    pub(super) backlog: Mutex<Option<Backlog>>,
    pub(super) place: Arc<JournalPlace>,
    /// Every event of an earlier life is in its ring.
    pub(super) is_caught_up: AtomicBool,
    /// Marks since the last checkpoint.
    pub(super) since: AtomicU64,
    /// Marks until the next.
    pub(super) spacing: AtomicU64,
}

/// Marks between two checkpoints: so many are gone through at a start in some milliseconds.
pub(super) const MARKS: u64 = 4096;

/// The ids that are known again are written with each checkpoint: with many, checkpoints are further apart.
const IDS_A_MARK: u64 = 16;

/// The most events that one turn's record names: eight full sources. Only a ring that is given up as a whole
/// has more.
const PARENTS: usize = 2048;

/// The events of one turn.
#[derive(Default)]
struct HandledEvents {
    /// The ids of all, by source.
    ids: Vec<RecordId>,
    /// Those that accumulators gave up, by source.
    given_up: Vec<std::vec::IntoIter<RecordId>>,
}

impl CellJournal {
    /// Note that the reactor begins, before any of its events.
    pub(super) fn begin(&self, decl: &ReactorDecl) -> Result<(), RecoveryError> {
        let accumulators = decl.accumulators.iter().map(|decl| decl.name.to_string()).collect();
        let begin = Begin { reactor: self.name.to_string(), accumulators, life: self.life.number() };
        self.journal.begin_life(&self.name, self.journal.journal().synced());
        let mut batch = self.batch();
        // On a full disk it comes up all the same, to be read and to work off what it took; and no event may be
        // there without this.
        batch.set_firm();
        let head = head(RecordKind::Deploy, self.stream, fresh_id());
        let pushed = batch.push(&head, serde_json::json!(begin).to_string().as_bytes());
        let told = |reason: String| RecoveryError::Journal { reactor: self.name.clone(), reason };
        pushed.map_err(|error| told(error.to_string()))?;
        self.journal.journal().ride(batch).map_err(|error| told(error.to_string()))
    }

    /// Which events of an accumulator are known again.
    pub(crate) fn admission(&self, accumulator: &AccumulatorName) -> Option<&Arc<Admission>> {
        let mut intakes = self.intakes.iter().flatten();
        intakes.find(|intake| intake.name() == accumulator).map(|intake| intake.admission())
    }

    /// Whether outputs wait for their turn's mark.
    pub(crate) fn holds(&self) -> bool {
        self.holds
    }

    /// Wait until every mark that was written is on disk.
    pub(crate) async fn all_synced(&self) {
        let until = self.written.load(Ordering::Acquire);
        loop {
            let news = self.news.notified();
            if self.synced.load(Ordering::Acquire) >= until {
                return;
            }
            news.await;
        }
    }

    /// What no mark knows, to be offered again; once.
    pub(crate) fn take_backlog(&self) -> Option<Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Where the source of the accumulator at `source` stood in an earlier life.
    pub(crate) fn offset(&self, source: usize) -> Option<u64> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.offset(source)
    }

    /// The backlog has been offered: let in what came meanwhile, and let pushes go on.
    pub(crate) fn open(&self, rings: &[Arc<dyn AnyRing>]) {
        for (intake, ring) in self.intakes.iter().zip(rings) {
            if let Some(intake) = intake {
                ring.let_late_in();
                intake.open();
            }
        }
        self.is_caught_up.store(true, Ordering::Release);
    }

    /// Whether enough has happened for a checkpoint.
    #[inline]
    pub(crate) fn is_checkpoint_due(&self) -> bool {
        self.since.load(Ordering::Relaxed) >= self.spacing.load(Ordering::Relaxed)
    }

    /// Write down the cell as it is. To be called between two turns, by whoever owns it. While firings are
    /// open it cannot be: then it is due until it can.
    pub(crate) fn write_checkpoint(&self, env: &Arc<Env>, state: &Cell, now: Timestamp) {
        if self.journal.life_of(&self.name).is_none() {
            // Its end is on disk already, and it only drains: nothing of it may be found again.
            return;
        }
        let target = Target {
            journal: &self.journal,
            stream: self.stream,
            place: &self.place,
            life: self.life,
            intakes: &self.intakes,
            letters: env.dead_letters.filed(self.stream),
            is_caught_up: self.is_caught_up.load(Ordering::Acquire),
        };
        let (env, journal, stream) = (Arc::clone(env), Arc::clone(&self.journal), self.stream);
        let written = target.write(state, now, move |at| {
            let Some(needed) = journal.note_checkpoint(stream, at) else { return };
            // Not here: the committer must not wait for itself.
            drop(env.spawn_blocking(move || journal.trim(needed)));
        });
        match written {
            Ok(true) => {
                self.since.store(0, Ordering::Relaxed);
                let ids: usize = self.intakes.iter().flatten().map(|intake| intake.admission().n_ids()).sum();
                self.spacing.store(MARKS.max(ids as u64 / IDS_A_MARK), Ordering::Relaxed);
            }
            Ok(false) => {
                self.since.fetch_max(self.spacing.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            Err(reason) => {
                self.since.store(0, Ordering::Relaxed);
                tracing::error!(reactor = %self.name, reason, "a checkpoint could not be written");
            }
        }
    }

    /// Write down what a turn wants on disk, and what it gave up.
    pub(crate) fn write_turn(
        &self,
        env: &Arc<Env>,
        write: TurnWrite,
        letters: Vec<DeadLetter>,
        doorbell: &Arc<dyn Doorbell>,
    ) {
        let TurnWrite { number, mark, outbox } = write;
        let mut batch = self.turn_batch();
        if outbox.is_empty() && letters.is_empty() && !self.holds {
            // What the turn did follows from events that are on disk.
            batch.set_patient();
        }
        let mut given_up = Vec::new();
        if let Some(mut mark) = mark {
            let handled = self.handled(&mut mark);
            given_up = handled.given_up;
            let mut parents = handled.ids;
            if parents.len() > PARENTS {
                parents.clear();
            }
            let id = self.turn_id();
            let head = head_of(RecordKind::Turn, self.stream, id, &parents);
            let encoded = mark.encode(Vec::new()).map_err(|MarkError { why }| why);
            let pushed = encoded.and_then(|bytes| batch.push(&head, &bytes).map_err(|e| e.to_string()));
            if let Err(why) = pushed {
                return fail(env, &self.name, &why, self.sent(outbox));
            }
        }
        let sent = self.sent(outbox);
        if let Err(error) = sent.iter().try_for_each(|sent| sent.push(&mut batch, self.maker())) {
            return fail(env, &self.name, &error.to_string(), sent);
        }
        // Last, and to the end of the batch: what goes beyond it stays in memory only.
        self.push_letters(env, &mut batch, letters, |place| {
            let of = |intake: &Option<Arc<StreamIntake>>| {
                intake.as_ref().is_some_and(|intake| Place::Accumulator(intake.name().clone()) == *place)
            };
            given_up.get_mut(self.intakes.iter().position(of)?)?.next()
        });
        self.written.fetch_max(number, Ordering::AcqRel);
        self.since.fetch_add(u64::from(number > 0), Ordering::Relaxed);
        let counted = (number > 0 && self.holds)
            .then(|| (Arc::clone(&self.synced), Arc::clone(doorbell), Arc::clone(&self.news)));
        append(env, &self.journal, &self.name, (batch, sent), move || {
            if let Some((synced, doorbell, news)) = counted {
                synced.store(number, Ordering::Release);
                doorbell.ring();
                news.notify_waiters();
            }
        });
    }

    /// Write down that `graph`, which runs elsewhere, is done with every firing before `open`, and that those in
    /// it have sent what they send here, with what it sent on. False if nothing was written: the engine fails.
    pub(crate) fn write_ended(
        &self,
        env: &Arc<Env>,
        graph: &GraphName,
        open: Range<u64>,
        outbox: Vec<Outgoing>,
    ) -> bool {
        let mut batch = self.turn_batch();
        let head = head(RecordKind::Firing, self.stream, fresh_id());
        let pushed = batch.push_with(&head, |out| {
            out.put(&open.start.to_le_bytes());
            out.put(&open.end.to_le_bytes());
            out.put(graph.as_str().as_bytes());
        });
        if let Err(error) = pushed {
            fail(env, &self.name, &error.to_string(), self.sent(outbox));
            return false;
        }
        write_batch(env, &self.journal, &self.name, (batch, self.maker()), outbox, || ())
    }

    /// The id of the next turn's record.
    fn turn_id(&self) -> RecordId {
        let (_, fresh) = uuid::Uuid::now_v7().as_u64_pair();
        RecordId(self.life.turn(fresh))
    }

    /// The events that a turn handled. The cell does not know of those that could not be read when they were
    /// offered again: they are put into `mark`, as given up, so that a later recovery counts as this journal does.
    fn handled(&self, mark: &mut TurnMark) -> HandledEvents {
        let mut all = HandledEvents::default();
        for (intake, source) in self.intakes.iter().zip(&mut mark.sources) {
            let Some(intake) = intake else {
                all.given_up.push(Vec::new().into_iter());
                continue;
            };
            let handled = intake.trail().take(source.consumed);
            source.given_up = handled.places(&source.given_up);
            all.given_up.push(super::letters::given_up(source, &handled.ids));
            source.consumed += handled.unread.len() as u64;
            source.given_up.extend(&handled.unread);
            source.given_up.sort_unstable();
            all.ids.extend(handled.ids);
        }
        all
    }

    pub(super) fn life(&self) -> LifeId {
        self.life
    }

    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }

    pub(super) fn name(&self) -> &ReactorName {
        &self.name
    }

    fn maker(&self) -> Maker {
        Maker { life: self.life, is_recorded: true }
    }

    fn sent(&self, outbox: Vec<Outgoing>) -> Vec<Sent> {
        Sent::all(outbox, self.maker(), self.journal.trails())
    }

    /// The reactor is unloaded: what the journal knows of it is history.
    pub(crate) fn end(&self) {
        self.journal.end_life(&self.name);
        for (intake, stream) in self.intakes.iter().flatten().map(|intake| (intake, intake.stream())) {
            self.journal.trails().end(stream, intake.trail());
        }
        let mut batch = self.batch();
        batch.set_firm();
        let ended = push_end(&mut batch, &self.name).map_err(|error| error.to_string());
        let ended =
            ended.and_then(|()| self.journal.journal().ride(batch).map_err(|error| error.to_string()));
        if let Err(reason) = ended {
            tracing::error!(reactor = %self.name, reason, "the end of a reactor was not written down");
        }
    }

    fn batch(&self) -> Batch {
        self.journal.journal().batch()
    }

    /// A batch that is one whatever is in it.
    fn turn_batch(&self) -> Batch {
        let mut batch = self.batch();
        batch.set_whole();
        batch.set_long();
        batch
    }

    /// Whether nothing new may be done, because what was done waits for room on the disk. If so, `doorbell` is
    /// rung when that has ended.
    #[inline]
    pub(crate) fn waits_for_room(&self, doorbell: &Arc<dyn Doorbell>) -> bool {
        self.journal.waits_for_room(doorbell)
    }
}

/// Add the end of a reactor's life to a batch.
pub(crate) fn push_end(batch: &mut Batch, reactor: &ReactorName) -> Result<(), EncodeError> {
    batch.push(&head(RecordKind::Unload, reactor_stream(reactor), fresh_id()), &[])
}

pub(crate) fn fresh_id() -> RecordId {
    RecordId(uuid::Uuid::now_v7().as_u128())
}
