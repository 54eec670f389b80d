//! Dead letters of recording cells: they lie beside the turns in which they were given up.
//!
//! A letter's record says what it is; another one that it is settled, replayed or discarded. A checkpoint carries
//! those that are open.

use super::write::head_of;
use super::{CellJournal, EngineJournal, cell};
use crate::dead_letters::Record;
use crate::env::Env;
use acequia_core::durable::{LifeId, SourceMark};
use acequia_core::letter::{DeadLetter, Letter, Place};
use acequia_store::journal::{AppendError, Batch, EncodeError, OnSynced, RecordId, RecordKind, StreamId};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::sync::oneshot;

/// A record begins with this byte: a letter follows.
const GIVEN_UP: u8 = 0;
/// The id of a letter's record follows.
const SETTLED: u8 = 1;

/// Add to `batch` that a letter is settled.
pub(super) fn push_settled(batch: &mut Batch, stream: StreamId, letter: RecordId) -> Result<(), EncodeError> {
    let parents = [letter];
    let head = head_of(RecordKind::DeadLetter, stream, cell::fresh_id(), &parents);
    batch.push_with(&head, |out| {
        out.put(&[SETTLED]);
        out.put(&letter.0.to_le_bytes());
    })
}

/// The letters of one reactor, as its records tell.
#[derive(Default)]
pub(super) struct Letters {
    open: BTreeMap<RecordId, Vec<u8>>,
    settled: HashSet<RecordId>,
}

impl Letters {
    /// Take up one record.
    pub(super) fn read(&mut self, id: RecordId, payload: &[u8]) {
        match payload.split_first() {
            Some((&GIVEN_UP, letter)) => self.add(id, letter.to_vec()),
            Some((&SETTLED, rest)) => {
                // It may stand before the letter's own record.
                let letter = rest.first_chunk::<16>().map(|id| RecordId(u128::from_le_bytes(*id)));
                self.settled.extend(letter);
            }
            _ => {}
        }
    }

    /// One that a checkpoint carried.
    pub(super) fn add(&mut self, id: RecordId, letter: Vec<u8>) {
        self.open.insert(id, letter);
    }

    /// Those that are open.
    pub(super) fn open(self) -> impl Iterator<Item = (RecordId, Vec<u8>)> {
        let Self { open, settled } = self;
        open.into_iter().filter(move |(id, _)| !settled.contains(id))
    }
}

impl CellJournal {
    /// Keep what was given up, and add it to `batch`: an event behind its own record, a firing behind itself.
    pub(super) fn push_letters(
        &self,
        env: &Env,
        batch: &mut Batch,
        letters: Vec<DeadLetter>,
        mut event_of: impl FnMut(&Place) -> Option<RecordId>,
    ) {
        for letter in letters {
            let parent = parent_of(&letter, self.life(), &mut event_of);
            let id = cell::fresh_id();
            let record: Record = (self.stream(), id);
            let head = head_of(RecordKind::DeadLetter, self.stream(), id, parent.as_slice());
            // Kept before it is written: a checkpoint that comes after its record must find it.
            let pushed = env.dead_letters.push_filed(letter, record).map_err(|error| error.to_string());
            let pushed = pushed.and_then(|bytes| {
                let put = batch.push_with(&head, |out| {
                    out.put(&[GIVEN_UP]);
                    out.put(&bytes);
                });
                put.map_err(|error| error.to_string())
            });
            if let Err(why) = pushed {
                tracing::warn!(reactor = %self.name(), why, "a dead letter is in memory only");
            }
        }
    }
}

fn parent_of(
    letter: &DeadLetter,
    life: LifeId,
    event_of: &mut impl FnMut(&Place) -> Option<RecordId>,
) -> Option<RecordId> {
    match &letter.letter {
        Letter::Inputs { firing, .. } => Some(RecordId(life.firing(*firing))),
        Letter::Event(_) => event_of(&letter.place),
        _ => None,
    }
}

/// The ids of the events that a turn gave up, of those of one source.
pub(super) fn given_up(source: &SourceMark, handled: &[RecordId]) -> std::vec::IntoIter<RecordId> {
    let ids = source.given_up.iter().filter_map(|at| handled.get(usize::try_from(*at).ok()?).copied());
    ids.collect::<Vec<_>>().into_iter()
}

impl EngineJournal {
    /// Write down that a letter is settled; whoever waits is told when that is on disk.
    pub(crate) fn settle_letter(
        self: &Arc<Self>,
        env: &Arc<Env>,
        (stream, letter): Record,
    ) -> oneshot::Receiver<Result<(), String>> {
        let (told, answer) = oneshot::channel();
        let mut batch = self.journal().batch();
        batch.set_urgent();
        if let Err(error) = push_settled(&mut batch, stream, letter) {
            let _ = told.send(Err(error.to_string()));
            return answer;
        }
        let on_synced: OnSynced = Box::new(move |result: Result<_, AppendError>| {
            // Nobody may be waiting.
            let _ = told.send(result.map(drop).map_err(|error| error.to_string()));
        });
        let journal = Arc::clone(self);
        // The journal's queue may be full: that is waited for elsewhere.
        drop(env.spawn_blocking(move || {
            if let Err(refused) = journal.journal().append(batch, on_synced) {
                (refused.on_synced)(Err(refused.error));
            }
        }));
        answer
    }
}
