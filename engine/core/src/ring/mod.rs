//! The bounded ring that carries data between a sender and a cell.
//!
//! One short lock guards queue, counters and waiters together, so that "was it empty" and "is it
//! full" are answered at the moment of publication: whoever makes it non-empty rings the doorbell,
//! whoever draws takes all that is visible. No wake-up can fall between. A draw swaps buffers, so its
//! cost is per turn, not per item. Memory is that of what waits: an idle ring holds none.

mod batch;
mod draw;
mod item_type;
mod journaled;
mod push;
mod reserve;
mod room;

pub use draw::Drawn;
pub use journaled::{EncodedEvents, Intake, IntakeLimits, NotWritten, Note, PushManyError, Written};
pub use push::{Push, PushError};
pub use reserve::NoRoom;

use crate::id::ItemId;
use crate::ledger::{Dropped, Entry, Settled};
use crate::overflow::Overflow;
use crate::payload::PayloadType;
use draw::wake_all;
use journaled::Journaled;
use push::Refusal;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// Told when a ring stops being empty.
pub trait Doorbell: Send + Sync {
    /// There is something to draw.
    fn ring(&self);
}

/// A bounded queue with many senders and one drawer. What a push and a draw touch comes first and lies
/// together: a ring that is seldom used is in no cache.
#[repr(C, align(64))]
pub struct Ring<T> {
    // Looked at by handles before they publish; what the engine itself hands on still passes.
    refusing: AtomicBool,
    overflow: Overflow,
    capacity: usize,
    // Arrival numbers are drawn only where several rings are merged into one order.
    tickets: Option<Arc<AtomicU64>>,
    // Where what comes in is written to disk first.
    journaled: OnceLock<Box<dyn Journaled<T>>>,
    doorbell: OnceLock<Arc<dyn Doorbell>>,
    inner: Mutex<Inner<T>>,
    // Given where `T` says too little: encoded items are of a type that is known at run time.
    ty: Option<PayloadType>,
}

#[repr(C)]
struct Inner<T> {
    queue: VecDeque<T>,
    closed: bool,
    // What finds no room is given up under this reason.
    shed: Option<Dropped>,
    // Room for items that are on their way to disk.
    reserved: usize,
    waiters: Vec<Waker>,
    entry: Entry,
    tickets: VecDeque<u64>,
    drain_interval: Duration,
    // Under `DeadLetter`: what found no room, already counted, until somebody writes the letters.
    turned_away: Vec<(ItemId, T)>,
    // While older items are still to come: those that came meanwhile.
    late: Option<VecDeque<T>>,
}

/// Values of items turned away that are kept between two turns of the drawer; others are counted only.
const TURNED_AWAY_KEPT: usize = 4096;

impl<T> Ring<T> {
    /// A ring for at most `capacity` items (at least 1).
    pub fn new(capacity: usize, overflow: Overflow, tickets: Option<Arc<AtomicU64>>) -> Self {
        let inner = Inner {
            queue: VecDeque::new(),
            tickets: VecDeque::new(),
            entry: Entry::default(),
            closed: false,
            waiters: Vec::new(),
            drain_interval: Duration::from_millis(1),
            turned_away: Vec::new(),
            shed: None,
            reserved: 0,
            late: None,
        };
        Self {
            inner: Mutex::new(inner),
            capacity: capacity.max(1),
            overflow,
            doorbell: OnceLock::new(),
            tickets,
            refusing: AtomicBool::new(false),
            journaled: OnceLock::new(),
            ty: None,
        }
    }

    /// Set, once, who is told that there is something to draw.
    pub fn set_doorbell(&self, doorbell: Arc<dyn Doorbell>) {
        let fresh = self.doorbell.set(doorbell).is_ok();
        if fresh && !self.lock().queue.is_empty() {
            self.announce();
        }
    }

    /// The most that it holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many items wait.
    pub fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.lock().queue.is_empty()
    }

    /// Publish `item` now, or hand it back.
    ///
    /// # Errors
    /// [`PushError::Full`] under [`Overflow::Block`]; [`PushError::Closed`] after [`Ring::close`].
    pub fn try_push(&self, item: T) -> Result<ItemId, PushError<T>> {
        let mut item = Some(item);
        match self.publish_from(&mut item, None) {
            Ok((id, first)) => {
                if first {
                    self.announce();
                }
                Ok(id)
            }
            Err(refusal) => Err(refusal.with(item)),
        }
    }

    /// The same without telling the drawer: the caller sees to it that somebody draws.
    ///
    /// # Errors
    /// As [`Ring::try_push`].
    pub fn push_quietly(&self, item: T) -> Result<ItemId, PushError<T>> {
        let mut item = Some(item);
        self.publish_from(&mut item, None).map(|(id, _)| id).map_err(|refusal| refusal.with(item))
    }

    /// Publish what is in `item`; true if the ring was empty before, so that nobody else has told the
    /// drawer. On a refusal the item stays where it is: nothing is moved but once, into its place.
    #[inline]
    fn publish_from(&self, item: &mut Option<T>, waiter: Option<&Waker>) -> Result<(ItemId, bool), Refusal> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Refusal::Closed);
        }
        if self.journaled.get().is_some() {
            return Err(Refusal::MustWait);
        }
        if inner.queue.len() + inner.reserved >= self.capacity && !self.make_room(&mut inner) {
            if self.waits(&inner) {
                if let Some(waker) = waiter {
                    inner.wait(waker);
                }
                return Err(Refusal::Full(inner.drain_interval));
            }
            return Ok(self.turn_away(&mut inner, item.take()));
        }
        let id = ItemId(inner.entry.accepted);
        if let Some(item) = item.take() {
            self.publish(&mut inner, item);
        }
        Ok((id, inner.queue.len() == 1))
    }

    /// Publish from the front of `items` as long as there is room; returns how many were taken.
    /// Under a dropping policy all are taken. With `waiter`, it is woken when room appears, if some
    /// were left.
    pub fn try_push_many(&self, items: &mut VecDeque<T>, waiter: Option<&Waker>) -> Result<usize, Closed> {
        if items.is_empty() {
            return Ok(0);
        }
        let mut inner = self.lock();
        if inner.closed {
            return Err(Closed);
        }
        let was_empty = inner.queue.is_empty();
        let (mut taken, mut refused) = (0, false);
        while let Some(item) = items.pop_front() {
            if inner.queue.len() + inner.reserved >= self.capacity && !self.make_room(&mut inner) {
                if self.waits(&inner) {
                    items.push_front(item);
                    break;
                }
                refused |= self.turn_away(&mut inner, Some(item)).1;
            } else {
                self.publish(&mut inner, item);
            }
            taken += 1;
        }
        if let (false, Some(waker)) = (items.is_empty(), waiter) {
            inner.wait(waker);
        }
        let announce = (was_empty && !inner.queue.is_empty()) || refused;
        drop(inner);
        if announce {
            self.announce();
        }
        Ok(taken)
    }

    /// Publish `item`, waiting for room as long as it takes.
    #[inline]
    pub fn push(&self, item: T) -> Push<'_, T> {
        self.push_at(item, None)
    }

    /// Publish all of `items` in order, waiting for room as long as it takes. Resolves to the number
    /// published; if the ring closes on the way, the rest stays in `items`.
    ///
    /// # Errors
    /// [`PushManyError`]; what was published stays so.
    pub async fn push_many(&self, items: &mut VecDeque<T>) -> Result<usize, PushManyError> {
        if self.journaled.get().is_some() {
            return Box::pin(self.push_many_at(items, [])).await;
        }
        let mut published = 0;
        std::future::poll_fn(|cx| match self.try_push_many(items, Some(cx.waker())) {
            Err(closed) => Poll::Ready(Err(closed.into())),
            Ok(n) => {
                published += n;
                if items.is_empty() { Poll::Ready(Ok(published)) } else { Poll::Pending }
            }
        })
        .await
    }

    /// Refuse further items. What waits stays, to be drawn; senders and drawer are told.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let waiters = inner.take_waiters();
        drop(inner);
        wake_all(waiters);
        self.announce();
    }

    /// Have handles refuse from now on; what is already inside the engine still passes.
    pub fn refuse(&self) {
        self.refusing.store(true, Ordering::Release);
    }

    /// Whether handles refuse.
    #[inline]
    pub fn is_refusing(&self) -> bool {
        self.refusing.load(Ordering::Acquire)
    }

    /// Take items again after [`Ring::close`].
    pub fn open(&self) {
        self.lock().closed = false;
    }

    /// Whether it refuses items.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Tell senders how long room takes to appear, for [`PushError::Full`].
    pub fn set_drain_interval(&self, interval: Duration) {
        self.lock().drain_interval = interval.clamp(Duration::from_micros(50), Duration::from_secs(1));
    }

    /// The sender's side of the ledger, with the waiting items as `unsettled`.
    pub fn entry(&self) -> Entry {
        let inner = self.lock();
        Entry { unsettled: inner.waiting() as u64, ..inner.entry }
    }

    /// Count an item that arrived but could not become one of this ring's.
    pub fn reject(&self, why: Dropped) -> ItemId {
        let mut inner = self.lock();
        let id = ItemId(inner.entry.accepted);
        inner.entry.accepted += 1;
        inner.entry.drop(why, 1);
        id
    }

    /// Give memory back that a burst left behind.
    pub fn shrink(&self) {
        let mut inner = self.lock();
        let len = inner.queue.len();
        if inner.queue.capacity() > 2 * len + 8 {
            inner.queue.shrink_to(len);
            inner.tickets.shrink_to(len);
        }
    }

    #[inline]
    fn publish(&self, inner: &mut Inner<T>, item: T) {
        if let Some(tickets) = &self.tickets {
            inner.tickets.push_back(tickets.fetch_add(1, Ordering::Relaxed));
        }
        inner.queue.push_back(item);
        inner.entry.accepted += 1;
    }

    /// Count `item` as dropped(overflow). Under `DeadLetter` its value waits for the drawer; true if that
    /// has to be told.
    fn turn_away(&self, inner: &mut Inner<T>, item: Option<T>) -> (ItemId, bool) {
        let id = ItemId(inner.entry.accepted);
        inner.entry.accepted += 1;
        inner.entry.drop(inner.shed.unwrap_or(Dropped::Overflow), 1);
        if self.overflow != Overflow::DeadLetter || inner.turned_away.len() >= TURNED_AWAY_KEPT {
            return (id, false);
        }
        inner.turned_away.extend(item.map(|item| (id, item)));
        (id, inner.turned_away.len() == 1)
    }

    /// Take what found no room under [`Overflow::DeadLetter`], to write its dead letters. It is counted
    /// already.
    pub fn take_turned_away(&self) -> Vec<(ItemId, T)> {
        if self.overflow != Overflow::DeadLetter {
            return Vec::new();
        }
        std::mem::take(&mut self.lock().turned_away)
    }

    /// Room by giving up older items, where the policy says so.
    fn make_room(&self, inner: &mut Inner<T>) -> bool {
        match self.overflow {
            Overflow::DropOldest => {
                inner.queue.pop_front();
                inner.tickets.pop_front();
                inner.entry.drop(Dropped::Overflow, 1);
                true
            }
            Overflow::Coalesce => {
                inner.entry.settle(Settled::Superseded, inner.queue.len() as u64);
                inner.queue.clear();
                inner.tickets.clear();
                true
            }
            Overflow::Block | Overflow::DropNewest | Overflow::DeadLetter => false,
        }
    }

    fn announce(&self) {
        if let Some(doorbell) = self.doorbell.get() {
            doorbell.ring();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // No user code runs under this lock but `Drop` of an item; the counters stay true even then.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Inner<T> {
    /// Items that were accepted and not drawn.
    fn waiting(&self) -> usize {
        self.queue.len() + self.late.as_ref().map_or(0, VecDeque::len)
    }

    fn wait(&mut self, waker: &Waker) {
        if !self.waiters.iter().any(|waiting| waiting.will_wake(waker)) {
            self.waiters.push(waker.clone());
        }
    }

    fn take_waiters(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.waiters)
    }
}

/// The ring refuses items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("E0121: the edge is closed because its engine or package is stopping; push to a running one")]
pub struct Closed;
