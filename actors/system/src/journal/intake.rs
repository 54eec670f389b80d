//! The way of an accumulator's events into the journal.

use super::EngineJournal;
use super::trail::Trail;
use super::write::{head, payload_of};
use crate::env::Env;
use acequia_core::ring::{EncodedEvents, Intake, NotWritten, Written};
use acequia_store::journal::{AppendError, Batch, OnSynced, RecordId, RecordKind, StreamId};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

/// The intake of one accumulator.
pub(crate) struct StreamIntake {
    me: Weak<Self>,
    journal: Arc<EngineJournal>,
    stream: StreamId,
    /// First half of its events' ids: unique to this life of the intake.
    life: u64,
    next: AtomicU64,
    trail: Arc<Trail>,
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
    pub(super) fn new(journal: Arc<EngineJournal>, stream: StreamId, env: Arc<Env>) -> Arc<Self> {
        // Intakes that begin in one millisecond differ in the half of their numbers that is left out else.
        let life = acequia_core::durable::lineage::number(stream.0, uuid::Uuid::now_v7().as_u128());
        let trail = journal.trails().begin(stream);
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            journal,
            stream,
            life,
            next: AtomicU64::new(0),
            trail,
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

    fn id(&self, number: u64) -> RecordId {
        RecordId(u128::from(self.life) << 64 | u128::from(number))
    }

    /// The events as they go to disk, and the number of the first.
    fn batch(&self, values: &EncodedEvents) -> Result<(Batch, u64), NotWritten> {
        let mut batch = self.journal.journal().batch();
        let n = values.ends.len() as u64;
        let first = self.next.fetch_add(n, Ordering::Relaxed);
        let (mut start, mut offsets) = (0, values.offsets.iter().peekable());
        for (at, end) in values.ends.iter().enumerate() {
            let offset = offsets.next_if(|(of, _)| *of == at).map(|(_, offset)| *offset);
            let head = head(RecordKind::Event, self.stream, self.id(first + at as u64));
            let pushed = batch.push_with(&head, |out| {
                payload_of(&values.bytes[start..*end], offset, |bytes| out.put(bytes));
            });
            pushed.map_err(|error| NotWritten { reason: error.to_string(), retry_after: None })?;
            start = *end;
        }
        Ok((batch, first))
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

impl Intake for StreamIntake {
    fn poll_open(&self, waker: &Waker) -> bool {
        let mut gate = lock(&self.gate);
        if !gate.is_open && !gate.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            gate.waiting.push(waker.clone());
        }
        gate.is_open
    }

    fn write(&self, values: EncodedEvents, written: Written) {
        match self.batch(&values) {
            Ok((batch, first)) => {
                let env = Arc::clone(&self.env);
                let (trail, n) = (Arc::clone(&self.trail), values.ends.len() as u64);
                let first = self.id(first);
                let told = move |result: Result<_, AppendError>| {
                    if let Err(error @ AppendError::Failed { .. }) = &result {
                        env.fail(&error.to_string());
                    }
                    if result.is_ok() {
                        // Before they can be handled: the turn that does looks for their ids.
                        trail.extend((0..n).map(|at| RecordId(first.0 + u128::from(at))));
                    }
                    written(result.map(drop).map_err(not_written));
                };
                self.append(batch, Box::new(told));
            }
            Err(why) => written(Err(why)),
        }
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
