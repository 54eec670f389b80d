//! The way of an accumulator's events into the journal.

use super::EngineJournal;
use super::admission::Admission;
use super::letters::push_settled;
use super::trail::Trail;
use super::write::{Beside, PLAIN_BYTES, head_of, payload_of};
use crate::env::Env;
use acequia_core::Timestamp;
use acequia_core::accumulator::AccumulatorDecl;
use acequia_core::durable::dedupe::{EventId, Stamp};
use acequia_core::id::AccumulatorName;
use acequia_core::ring::{EncodedEvents, Intake, IntakeLimits, NotWritten, Note, Written};
use acequia_store::Lsn;
use acequia_store::journal::{AppendError, Batch, Limits, OnSynced, RecordId, RecordKind, StreamId};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

/// The intake of one accumulator.
pub(crate) struct StreamIntake {
    me: Weak<Self>,
    name: AccumulatorName,
    /// Its reactor's stream.
    reactor: StreamId,
    journal: Arc<EngineJournal>,
    stream: StreamId,
    /// First half of its events' ids: unique to this life of the intake.
    life: u64,
    next: AtomicU64,
    trail: Arc<Trail>,
    admission: Arc<Admission>,
    gate: Mutex<Gate>,
    queue: Mutex<Queue>,
    env: Arc<Env>,
}

#[derive(Default)]
struct Gate {
    is_open: bool,
    waiting: Vec<Waker>,
}

/// What found no place in the journal's queue, in its order.
#[derive(Default)]
struct Queue {
    batches: VecDeque<(Batch, OnSynced)>,
    is_drained: bool,
}

impl StreamIntake {
    /// An intake that is closed until the events of an earlier life have gone first.
    pub(super) fn new(
        journal: Arc<EngineJournal>,
        decl: &AccumulatorDecl,
        reactor: StreamId,
        env: Arc<Env>,
    ) -> Arc<Self> {
        let stream = super::accumulator_stream(&decl.name);
        // Intakes that begin in one millisecond differ in the half of their numbers that is left out else.
        let life = acequia_core::durable::lineage::number(stream.0, uuid::Uuid::now_v7().as_u128());
        let trail = journal.trails().begin(stream);
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            name: decl.name.clone(),
            reactor,
            journal,
            stream,
            life,
            next: AtomicU64::new(0),
            trail,
            admission: Admission::new(decl.dedupe),
            gate: Mutex::default(),
            queue: Mutex::default(),
            env,
        })
    }

    /// Let pushes go on.
    pub(crate) fn open(&self) {
        let mut gate = lock(&self.gate);
        gate.is_open = true;
        let waiting = std::mem::take(&mut gate.waiting);
        drop(gate);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Its events' stream.
    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }

    /// The ids of its events, from this life on.
    pub(super) fn trail(&self) -> &Arc<Trail> {
        &self.trail
    }

    /// Which of its events are known again.
    pub(super) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// The accumulator.
    pub(super) fn name(&self) -> &AccumulatorName {
        &self.name
    }

    fn id(&self, number: u64) -> RecordId {
        RecordId(u128::from(self.life) << 64 | u128::from(number))
    }

    /// The events as they go to disk.
    fn batch(&self, values: &EncodedEvents) -> Result<Bearing, NotWritten> {
        let mut batch = self.journal.journal().batch();
        batch.set_whole();
        let n = values.ends.len() as u64;
        let first = self.next.fetch_add(n, Ordering::Relaxed);
        let now = if values.notes.is_empty() { Timestamp::ZERO } else { self.env.now() };
        let (mut start, mut notes) = (0, values.notes.iter().peekable());
        let mut named = Named { first: self.id(first), n, stamps: Vec::new(), now };
        for (at, end) in values.ends.iter().enumerate() {
            let (mut id, mut parent) = (self.id(first + at as u64), None);
            let beside = match notes.next_if(|(of, _)| *of == at) {
                None => Beside::Nothing,
                Some((_, Note::Offset(offset))) => Beside::Offset(*offset),
                Some((_, Note::Replay(letter))) => {
                    parent = Some(RecordId(*letter));
                    Beside::Nothing
                }
                Some((_, Note::Stamp(stamp))) => {
                    named.stamps.push((at, *stamp));
                    match stamp {
                        Stamp::Sequence(of) => Beside::Sequence(*of),
                        Stamp::Id(EventId(given)) => {
                            id = RecordId(*given);
                            Beside::Id(now)
                        }
                    }
                }
            };
            let head = head_of(RecordKind::Event, self.stream, id, parent.as_slice());
            let pushed = batch.push_with(&head, |out| {
                payload_of(&values.bytes[start..*end], beside, |bytes| out.put(bytes));
            });
            pushed.map_err(|error| NotWritten { reason: error.to_string(), retry_after: None })?;
            start = *end;
        }
        // Behind the events: a letter that is replayed is settled with its event, or not at all.
        for (_, note) in &values.notes {
            if let Note::Replay(letter) = note {
                let pushed = push_settled(&mut batch, self.reactor, RecordId(*letter));
                pushed.map_err(|error| NotWritten { reason: error.to_string(), retry_after: None })?;
            }
        }
        Ok(Bearing { batch, named })
    }

    /// Append `batch`, or queue it behind those that found no place.
    fn append(&self, batch: Batch, on_synced: OnSynced) {
        let mut queue = lock(&self.queue);
        if queue.is_drained {
            return queue.batches.push_back((batch, on_synced));
        }
        let Err(refused) = self.journal.journal().try_append(batch, on_synced) else { return };
        if !matches!(refused.error, AppendError::Busy) {
            drop(queue);
            return (refused.on_synced)(Err(refused.error));
        }
        queue.batches.push_back((refused.batch, refused.on_synced));
        queue.is_drained = true;
        drop(queue);
        let Some(me) = self.me.upgrade() else { return };
        drop(self.env.spawn_blocking(move || me.drain()));
    }

    /// Wait for places, on a thread that may.
    fn drain(&self) {
        loop {
            let mut queue = lock(&self.queue);
            let Some((batch, on_synced)) = queue.batches.pop_front() else {
                queue.is_drained = false;
                return;
            };
            drop(queue);
            if let Err(refused) = self.journal.journal().append(batch, on_synced) {
                (refused.on_synced)(Err(refused.error));
            }
        }
    }
}

impl StreamIntake {
    /// The disk has answered: the first of the events lies there, or none of them does.
    fn arrived(&self, named: Named, first: Option<Lsn>) {
        match first {
            Some(first) => {
                self.trail.extend(named.ids());
                for (at, stamp) in named.stamps {
                    self.admission.land(stamp, first.0 + at as u64, named.now);
                }
            }
            None => named.stamps.into_iter().for_each(|(_, stamp)| self.admission.lose(stamp)),
        }
    }
}

impl Intake for StreamIntake {
    fn poll_open(&self, waker: &Waker) -> bool {
        let mut gate = lock(&self.gate);
        if !gate.is_open && !gate.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            gate.waiting.push(waker.clone());
        }
        gate.is_open
    }

    fn limits(&self) -> IntakeLimits {
        let Limits { payload, whole, .. } = self.journal.journal().limits();
        // Room for the mark of the turn and for what it gave up beside what it sends.
        IntakeLimits { event: payload.saturating_sub(PLAIN_BYTES), turn: whole / 2 }
    }

    fn write(&self, values: EncodedEvents, written: Written) {
        for (_, note) in &values.notes {
            if let Note::Stamp(stamp) = note {
                self.admission.write(*stamp);
            }
        }
        match self.batch(&values) {
            Ok(Bearing { batch, named }) => {
                let (env, me) = (Arc::clone(&self.env), self.me.clone());
                let told = move |result: Result<Range<Lsn>, AppendError>| {
                    if let Err(error @ AppendError::Failed { .. }) = &result {
                        env.fail(&error.to_string());
                    }
                    if let Some(me) = me.upgrade() {
                        // Before they can be handled: the turn that does looks for their ids.
                        me.arrived(named, result.as_ref().ok().map(|range| range.start));
                    }
                    written(result.map(drop).map_err(not_written));
                };
                self.append(batch, Box::new(told));
            }
            Err(why) => {
                let stamps = values.notes.iter().filter_map(|(_, note)| match note {
                    Note::Stamp(stamp) => Some(*stamp),
                    Note::Offset(_) | Note::Replay(_) => None,
                });
                stamps.for_each(|stamp| self.admission.lose(stamp));
                written(Err(why));
            }
        }
    }
}

/// Events on their way to disk.
struct Bearing {
    batch: Batch,
    named: Named,
}

/// How they are called.
struct Named {
    /// The id of the first, unless it has one of its own; the others follow it.
    first: RecordId,
    n: u64,
    /// By what some of them are known again.
    stamps: Vec<(usize, Stamp)>,
    now: Timestamp,
}

impl Named {
    fn ids(&self) -> impl Iterator<Item = RecordId> {
        let mut stamps = self.stamps.iter().peekable();
        (0..self.n).map(move |at| match stamps.next_if(|(of, _)| *of as u64 == at) {
            Some((_, Stamp::Id(EventId(given)))) => RecordId(*given),
            _ => RecordId(self.first.0 + u128::from(at)),
        })
    }
}

fn not_written(error: AppendError) -> NotWritten {
    let retry_after = match &error {
        AppendError::DiskFull { retry_after } => Some(*retry_after),
        AppendError::Busy => Some(Duration::from_millis(1)),
        _ => None,
    };
    NotWritten { reason: error.to_string(), retry_after }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
