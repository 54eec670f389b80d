//! The store of dead letters, in memory and bounded.

use acequia_core::durable::{Filed, FiledError, encode_letter};
use acequia_core::letter::{DeadLetter, Place};
use acequia_store::journal::{RecordId, StreamId};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Number of a dead letter in its engine.
pub type LetterId = u64;

/// A dead letter, told to an operator.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LetterSummary {
    /// Its number.
    pub id: LetterId,
    /// Where it was given up.
    pub place: String,
    /// Which item of its edge it was.
    pub item: u64,
    /// Under which heading it is counted.
    pub why: String,
    /// What happened to it, where something did.
    pub cause: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up: nanoseconds since the engine's start.
    pub at_nanos: i64,
    /// The item.
    pub value: serde_json::Value,
}

/// Where a dead letter lies on disk: the reactor's records, and which of them.
pub(crate) type Record = (StreamId, RecordId);

/// A dead letter as it is kept.
pub(crate) struct Kept {
    pub(crate) letter: DeadLetter,
    /// None for one that a crash takes along.
    pub(crate) record: Option<Record>,
    /// What it was told to be, where its values are bytes that nobody may be able to read.
    pub(crate) json: Option<serde_json::Value>,
}

/// Told that a letter on disk is settled.
type OnSettled = Box<dyn Fn(Record) + Send + Sync>;

/// Dead letters of one engine, oldest first. Those of durable reactors lie on disk as well.
pub struct DeadLetters {
    capacity: usize,
    inner: Mutex<Inner>,
    on_settled: OnceLock<OnSettled>,
}

struct Inner {
    letters: VecDeque<(LetterId, Kept)>,
    next: LetterId,
    forgotten: u64,
}

impl DeadLetters {
    /// A store for at most `capacity` letters; beyond that the oldest are forgotten, and counted.
    pub(crate) fn new(capacity: usize) -> Self {
        let inner = Inner { letters: VecDeque::new(), next: 0, forgotten: 0 };
        Self { capacity: capacity.max(1), inner: Mutex::new(inner), on_settled: OnceLock::new() }
    }

    /// Say, once, who is told of letters on disk that are taken out or forgotten.
    pub(crate) fn set_on_settled(&self, on_settled: impl Fn(Record) + Send + Sync + 'static) {
        let _ = self.on_settled.set(Box::new(on_settled));
    }

    pub(crate) fn push(&self, letter: DeadLetter) {
        self.keep(None, Kept { letter, record: None, json: None });
    }

    /// Keep one that is about to be written as `record`; returns what to write.
    pub(crate) fn push_filed(&self, letter: DeadLetter, record: Record) -> Result<Vec<u8>, FiledError> {
        let number = {
            let mut inner = self.lock();
            inner.next += 1;
            inner.next - 1
        };
        let encoded = encode_letter(number, &letter);
        let record = encoded.is_ok().then_some(record);
        self.keep(Some(number), Kept { letter, record, json: None });
        encoded
    }

    /// Keep one that was read from disk, under its number if that is free; once.
    pub(crate) fn restore(&self, record: Record, filed: Filed) {
        let Filed { number, json, letter } = filed;
        if self.lock().letters.iter().any(|(_, kept)| kept.record == Some(record)) {
            return;
        }
        self.keep(Some(number), Kept { letter, record: Some(record), json: Some(json) });
    }

    fn keep(&self, number: Option<LetterId>, kept: Kept) {
        let mut inner = self.lock();
        let is_free = |number: &LetterId| inner.letters.binary_search_by_key(number, |(id, _)| *id).is_err();
        let id = number.filter(is_free).unwrap_or(inner.next);
        inner.next = inner.next.max(id + 1);
        let mut forgotten = None;
        if inner.letters.len() >= self.capacity {
            forgotten = inner.letters.pop_front().and_then(|(_, kept)| kept.record);
            inner.forgotten += 1;
        }
        let at = inner.letters.partition_point(|(known, _)| *known < id);
        inner.letters.insert(at, (id, kept));
        drop(inner);
        self.settled(forgotten);
    }

    fn settled(&self, record: Option<Record>) {
        if let (Some(record), Some(on_settled)) = (record, self.on_settled.get()) {
            on_settled(record);
        }
    }

    /// Those of a reactor that lie on disk, as they are written.
    pub(crate) fn filed(&self, stream: StreamId) -> Vec<(RecordId, Vec<u8>)> {
        let inner = self.lock();
        let of = |(id, kept): &(LetterId, Kept)| {
            let (_, record) = kept.record.filter(|(of, _)| *of == stream)?;
            Some((record, encode_letter(*id, &kept.letter).ok()?))
        };
        inner.letters.iter().filter_map(of).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().letters.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lock().letters.is_empty()
    }

    /// How many have been forgotten because there were too many.
    pub fn forgotten(&self) -> u64 {
        self.lock().forgotten
    }

    /// All of them, oldest first.
    pub fn list(&self) -> Vec<LetterSummary> {
        self.lock().letters.iter().map(|(id, kept)| summary(*id, kept)).collect()
    }

    /// Numbers of those that were given up at `place`.
    pub fn at(&self, place: &Place) -> Vec<LetterId> {
        let inner = self.lock();
        inner.letters.iter().filter(|(_, kept)| kept.letter.place == *place).map(|(id, _)| *id).collect()
    }

    /// Take one out, to look at it or to discard it. One on disk is settled soon: `Engine::discard` waits for it.
    pub fn take(&self, id: LetterId) -> Option<DeadLetter> {
        let kept = self.take_kept(id)?;
        self.settled(kept.record);
        Some(kept.letter)
    }

    /// Take one out without settling it.
    pub(crate) fn take_kept(&self, id: LetterId) -> Option<Kept> {
        let mut inner = self.lock();
        let at = inner.letters.iter().position(|(known, _)| *known == id)?;
        inner.letters.remove(at).map(|(_, kept)| kept)
    }

    /// Put one back that could not be replayed.
    pub(crate) fn put_back(&self, id: LetterId, kept: Kept) {
        let mut inner = self.lock();
        let at = inner.letters.partition_point(|(known, _)| *known < id);
        inner.letters.insert(at, (id, kept));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn summary(id: LetterId, kept: &Kept) -> LetterSummary {
    let letter = &kept.letter;
    LetterSummary {
        id,
        place: letter.place.to_string(),
        item: letter.item.0,
        why: format!("{:?}", letter.why),
        cause: letter.failure.as_ref().map(ToString::to_string),
        attempts: letter.attempts,
        at_nanos: letter.at.as_nanos(),
        value: kept.json.clone().unwrap_or_else(|| letter.letter.to_json()),
    }
}
