//! The store of dead letters, in memory and bounded.

use acequia_core::letter::{DeadLetter, Place};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// Dead letters of one engine, oldest first.
pub struct DeadLetters {
    capacity: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    letters: VecDeque<(LetterId, DeadLetter)>,
    next: LetterId,
    forgotten: u64,
}

impl DeadLetters {
    /// A store for at most `capacity` letters; beyond that the oldest are forgotten, and counted.
    pub(crate) fn new(capacity: usize) -> Self {
        let inner = Inner { letters: VecDeque::new(), next: 0, forgotten: 0 };
        Self { capacity: capacity.max(1), inner: Mutex::new(inner) }
    }

    pub(crate) fn push(&self, letter: DeadLetter) {
        let mut inner = self.lock();
        let id = inner.next;
        inner.next += 1;
        if inner.letters.len() >= self.capacity {
            inner.letters.pop_front();
            inner.forgotten += 1;
        }
        inner.letters.push_back((id, letter));
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
        self.lock().letters.iter().map(|(id, letter)| summary(*id, letter)).collect()
    }

    /// Numbers of those that were given up at `place`.
    pub fn at(&self, place: &Place) -> Vec<LetterId> {
        self.lock().letters.iter().filter(|(_, letter)| letter.place == *place).map(|(id, _)| *id).collect()
    }

    /// Take one out, to replay or to discard it.
    pub fn take(&self, id: LetterId) -> Option<DeadLetter> {
        let mut inner = self.lock();
        let at = inner.letters.iter().position(|(known, _)| *known == id)?;
        inner.letters.remove(at).map(|(_, letter)| letter)
    }

    /// Put one back that could not be replayed.
    pub(crate) fn put_back(&self, id: LetterId, letter: DeadLetter) {
        let mut inner = self.lock();
        let at = inner.letters.partition_point(|(known, _)| *known < id);
        inner.letters.insert(at, (id, letter));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn summary(id: LetterId, letter: &DeadLetter) -> LetterSummary {
    LetterSummary {
        id,
        place: letter.place.to_string(),
        item: letter.item.0,
        why: format!("{:?}", letter.why),
        cause: letter.failure.as_ref().map(ToString::to_string),
        attempts: letter.attempts,
        at_nanos: letter.at.as_nanos(),
        value: letter.letter.to_json(),
    }
}
