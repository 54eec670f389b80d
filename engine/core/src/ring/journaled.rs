//! Pushes into a ring whose items are written to disk first: room is reserved, the items are written, and
//! once they are on disk they take their room, in the order of the journal.

use super::push::Detour;
use super::{NoRoom, Push, PushError, Ring};
use crate::codec::CodecError;
use crate::durable::dedupe::Stamp;
use crate::id::{AccumulatorName, ItemId};
use crate::payload::Payload;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Writes what comes into a ring to disk.
pub trait Intake: Send + Sync {
    /// Whether pushes may go on. If not, for events of an earlier life go first, `waker` is woken when
    /// they may.
    fn poll_open(&self, waker: &Waker) -> bool;

    /// Write `values` as one, and call `written` when they are on disk, in the order of the journal and
    /// without blocking. Values that are given one after another are written in that order.
    fn write(&self, values: EncodedEvents, written: Written);

    /// How much it takes.
    fn limits(&self) -> IntakeLimits {
        IntakeLimits::default()
    }
}

/// How much can be written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntakeLimits {
    /// Bytes of one event.
    pub event: usize,
    /// Bytes of all that one turn sends, which is written as one.
    pub turn: usize,
}

impl Default for IntakeLimits {
    /// No limits.
    fn default() -> Self {
        Self { event: usize::MAX, turn: usize::MAX }
    }
}

/// Told what became of values; it does not block.
pub type Written = Box<dyn FnOnce(Result<(), NotWritten>) + Send>;

/// Encoded events on their way to disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedEvents {
    /// One after another.
    pub bytes: Vec<u8>,
    /// The end of each in `bytes`.
    pub ends: Vec<usize>,
    /// What else is written of some of them, by position.
    pub notes: Vec<(usize, Note)>,
}

/// What is written down with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Where it stands at its source.
    Offset(u64),
    /// By what it is known again.
    Stamp(Stamp),
    /// The dead letter that it was, which is settled with it.
    Replay(u128),
}

/// Events that were not accepted, because they could not be written to disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotWritten {
    /// What the journal says.
    pub reason: String,
    /// When it is worth another try, if it is.
    pub retry_after: Option<Duration>,
}

/// Why a push of many ended early; the items that were not published are still with the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushManyError {
    /// The edge takes no more items.
    #[error(transparent)]
    Closed(#[from] super::Closed),
    /// The first item that is left could not be written to disk.
    #[error("E0125: the event was not accepted: {0}")]
    NotWritten(#[from] NotWritten),
    /// The first item that is left is refused by its own serialisation.
    #[error("E0124: the item could not be encoded for an edge that takes bytes; check its Serialize")]
    Unencodable(CodecError),
}

/// The way to disk of one ring's items.
pub(super) trait Journaled<T>: Send + Sync {
    fn accumulator(&self) -> &AccumulatorName;
    fn poll_open(&self, waker: &Waker) -> bool;
    fn limits(&self) -> IntakeLimits;
    /// Write `items`, for which room is reserved.
    fn write(&self, items: Vec<T>, notes: &[(usize, Note)], hand: Arc<Hand<T>>)
    -> Result<(), Unencodable<T>>;
}

/// Nothing was written, and the room was given up: the item at `at` refuses to be encoded.
pub(super) struct Unencodable<T> {
    items: Vec<T>,
    at: usize,
    source: CodecError,
}

/// Number of the first item in its edge, or the items.
type Answer<T> = Result<u64, (Vec<T>, NotWritten)>;

/// Where the answer of the disk waits for whoever pushed.
pub(super) struct Hand<T>(Mutex<(Option<Answer<T>>, Option<Waker>)>);

impl<T> Hand<T> {
    fn give(&self, answer: Answer<T>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 = Some(answer);
        let waker = inner.1.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, waker: &Waker) -> Option<Answer<T>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = inner.0.take();
        if answer.is_none() {
            inner.1 = Some(waker.clone());
        }
        answer
    }
}

struct Way<T> {
    ring: Weak<Ring<T>>,
    accumulator: AccumulatorName,
    intake: Arc<dyn Intake>,
}

impl<T: Payload> Journaled<T> for Way<T> {
    fn accumulator(&self) -> &AccumulatorName {
        &self.accumulator
    }

    fn poll_open(&self, waker: &Waker) -> bool {
        self.intake.poll_open(waker)
    }

    fn limits(&self) -> IntakeLimits {
        self.intake.limits()
    }

    fn write(
        &self,
        items: Vec<T>,
        notes: &[(usize, Note)],
        hand: Arc<Hand<T>>,
    ) -> Result<(), Unencodable<T>> {
        let Some(ring) = self.ring.upgrade() else { return Ok(()) };
        let n = items.len();
        let mut values = EncodedEvents { notes: notes.to_vec(), ..EncodedEvents::default() };
        for (at, item) in items.iter().enumerate() {
            if let Err(source) = item.encode(&mut values.bytes) {
                ring.release(n);
                return Err(Unencodable { items, at, source });
            }
            values.ends.push(values.bytes.len());
        }
        let written = move |written| match written {
            Ok(()) => hand.give(Ok(ring.fill(items.into_iter()))),
            Err(why) => {
                ring.release(n);
                hand.give(Err((items, why)));
            }
        };
        self.intake.write(values, Box::new(written));
        Ok(())
    }
}

/// Items on their way through the disk into their ring.
pub(super) struct Writing<T> {
    items: VecDeque<T>,
    /// Those at the front that can be encoded, where one behind them cannot.
    sound: usize,
    /// What else is written of some of them, by position in `items`.
    notes: VecDeque<(usize, Note)>,
    hand: Option<(Arc<Hand<T>>, usize)>,
    published: usize,
}

impl<T> Writing<T> {
    fn new(items: VecDeque<T>, notes: VecDeque<(usize, Note)>) -> Self {
        Self { items, sound: usize::MAX, notes, hand: None, published: 0 }
    }

    /// Ready once all items are in the ring, with the number of the last portion's first; or with why the
    /// first of those that are left is not.
    fn poll(&mut self, ring: &Ring<T>, waker: &Waker) -> Poll<Result<ItemId, PushManyError>> {
        let mut first = ItemId(0);
        loop {
            if let Some((hand, n)) = self.hand.take() {
                match hand.poll(waker) {
                    None => {
                        self.hand = Some((hand, n));
                        return Poll::Pending;
                    }
                    Some(Ok(id)) => {
                        (first, self.sound) = (ItemId(id), usize::MAX);
                        self.published += n;
                    }
                    Some(Err((back, why))) => {
                        back.into_iter().rev().for_each(|item| self.items.push_front(item));
                        return Poll::Ready(Err(why.into()));
                    }
                }
            }
            if self.items.is_empty() {
                return Poll::Ready(Ok(first));
            }
            match self.write(ring, waker) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Write as many as there is room for; false if it must wait.
    fn write(&mut self, ring: &Ring<T>, waker: &Waker) -> Result<bool, PushManyError> {
        let Some(way) = ring.journaled.get() else { return Err(super::Closed.into()) };
        if !way.poll_open(waker) {
            return Ok(false);
        }
        let n = match ring.reserve(self.items.len().min(self.sound), Some(waker)) {
            Ok(n) => n,
            Err(NoRoom::Full(_)) => return Ok(false),
            Err(NoRoom::Closed) => return Err(super::Closed.into()),
        };
        let items: Vec<T> = self.items.drain(..n).collect();
        let here = self.notes.partition_point(|(at, _)| *at < n);
        let notes: Vec<_> = self.notes.iter().take(here).copied().collect();
        let hand = Arc::new(Hand(Mutex::default()));
        match way.write(items, &notes, Arc::clone(&hand)) {
            Ok(()) => {
                self.notes.drain(..here);
                self.notes.iter_mut().for_each(|(at, _)| *at -= n);
                self.hand = Some((hand, n));
            }
            Err(Unencodable { items, at, source }) => {
                items.into_iter().rev().for_each(|item| self.items.push_front(item));
                self.sound = at;
                if at == 0 {
                    return Err(PushManyError::Unencodable(source));
                }
            }
        }
        Ok(true)
    }
}

impl<T> Ring<T> {
    /// From now on whatever comes in is written to disk first, by `intake`, as an event of `accumulator`.
    pub fn set_journaled(self: &Arc<Self>, accumulator: AccumulatorName, intake: Arc<dyn Intake>)
    where
        T: Payload,
    {
        let way = Way { ring: Arc::downgrade(self), accumulator, intake };
        let _ = self.journaled.set(Box::new(way));
    }

    /// Whose events they are, if whatever comes in is written to disk first.
    pub fn journaled(&self) -> Option<&AccumulatorName> {
        self.journaled.get().map(|way| way.accumulator())
    }

    /// How much can come in by way of the disk.
    pub fn intake_limits(&self) -> IntakeLimits {
        self.journaled.get().map(|way| way.limits()).unwrap_or_default()
    }

    /// Publish `item` by way of the disk, noting where its source stands. A ring without a journal
    /// publishes it as [`Ring::push`] does.
    pub fn push_at(&self, item: T, offset: Option<u64>) -> Push<'_, T> {
        if self.journaled.get().is_none() {
            return Push { ring: self, item: Some(item), detour: None };
        }
        let notes = offset.map(|offset| (0, Note::Offset(offset))).into_iter().collect();
        let writing = Writing::new(VecDeque::from([item]), notes);
        Push { ring: self, item: None, detour: Some(Box::new(Detour::Journaled(writing))) }
    }

    /// Publish all of `items` in order, as [`Ring::push_many`] does. Where they go by way of the disk,
    /// `offsets` is written with them: where some of them stand at their source, by position.
    ///
    /// # Errors
    /// [`PushManyError`]; what was published stays so, what was not stays in `items`.
    pub async fn push_many_at(
        &self,
        items: &mut VecDeque<T>,
        offsets: impl IntoIterator<Item = (usize, u64)>,
    ) -> Result<usize, PushManyError> {
        let notes = offsets.into_iter().map(|(at, offset)| (at, Note::Offset(offset)));
        self.push_many_noted(items, notes).await
    }

    /// The same with notes of any kind.
    ///
    /// # Errors
    /// [`PushManyError`]; what was published stays so, what was not stays in `items`.
    pub async fn push_many_noted(
        &self,
        items: &mut VecDeque<T>,
        notes: impl IntoIterator<Item = (usize, Note)>,
    ) -> Result<usize, PushManyError> {
        if self.journaled.get().is_none() {
            return self.push_many(items).await;
        }
        let mut writing = Writing::new(std::mem::take(items), notes.into_iter().collect());
        let ended = std::future::poll_fn(|cx| writing.poll(self, cx.waker())).await;
        *items = writing.items;
        ended.map(|_| writing.published)
    }
}

impl<T> Push<'_, T> {
    /// Go on with an item that is on its way to disk.
    pub(super) fn poll_journaled(&mut self, cx: &mut Context<'_>) -> Poll<Result<ItemId, PushError<T>>> {
        let Some(Detour::Journaled(writing)) = self.detour.as_deref_mut() else {
            unreachable!("it is on its way to disk")
        };
        let Poll::Ready(ended) = writing.poll(self.ring, cx.waker()) else { return Poll::Pending };
        Poll::Ready(ended.map_err(|error| {
            let Some(item) = writing.items.pop_front() else {
                unreachable!("an item that was not taken is still here")
            };
            match error {
                PushManyError::Closed(_) => PushError::Closed { item },
                PushManyError::NotWritten(source) => PushError::NotWritten { item, source },
                PushManyError::Unencodable(source) => PushError::Unencodable { item, source },
            }
        }))
    }
}
