//! Accumulators turn events into boundaries.
//!
//! A kind is one file: it implements [`Accumulator`], and [`slot`] puts it into a cell. User code
//! inside a kind is given its input by reference and runs before any state is changed, so that a
//! panic can neither consume an event nor leave state half-done.

pub mod any_ring;
pub mod batch;
pub mod decl;
pub mod exported;
pub mod many;
pub mod outlet;
pub mod passthrough;
pub mod polling;
pub mod record;
pub mod slot;
pub mod state;
pub mod stream;
pub mod tuning;
pub mod window;

pub use any_ring::{AnyRing, JsonPushError, Waiting};
pub use batch::Batch;
pub use decl::{AccumulatorDecl, Kind, Migrate};
pub use exported::{Exported, ImportError};
pub use many::{Became, EventFate, FailedStep, Many, ManyFailure};
pub use outlet::{AnyOutlet, Outlet, OutletContext};
pub use passthrough::{Identity, Passthrough, Reply, async_function};
pub use polling::PollSchedule;
pub use record::{Buffered, OpenPane, OpenPanes};
pub use slot::{AnySlot, Slot, SlotContext, SlotTurn};
pub use state::StateWindow;
pub use stream::Stateful;
pub use tuning::{TuneError, Tuning};
pub use window::{LateOutput, Span, Window, WindowShape};

use crate::fault::Failure;
use crate::ledger::{Dropped, Settled};
use crate::payload::Payload;
use crate::ring::{Drawn, Ring};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

/// One kind of accumulator, with the user's function inside.
///
/// ```
/// use acequia_core::accumulator::{Accumulator, Emitter, Fate, Incoming};
/// use acequia_core::fault::Failure;
/// use acequia_core::ledger::Settled;
///
/// /// Lets every second event through.
/// struct Halve { odd: bool }
///
/// impl Accumulator for Halve {
///     type Event = u64;
///     type Boundary = u64;
///
///     fn accept(
///         &mut self,
///         event: Incoming<'_, u64>,
///         out: &mut Emitter<'_, u64>,
///     ) -> Result<Fate<u64>, Failure> {
///         self.odd = !self.odd;
///         if self.odd {
///             return Ok(Fate::Settled(Settled::Filtered));
///         }
///         out.emit(event.take());
///         Ok(Fate::Settled(Settled::HandedOn))
///     }
/// }
/// ```
pub trait Accumulator: Send + 'static {
    /// What comes in.
    type Event: Payload;
    /// What goes on to the reactor.
    type Boundary: Payload;
    /// It hands every event on as it is, so that whoever knows need not ask it.
    const IS_IDENTITY: bool = false;

    /// Handle one event. On an error or a panic the event is offered again, up to the budget, unless
    /// it was taken.
    ///
    /// # Errors
    /// What the user's function said.
    fn accept(
        &mut self,
        event: Incoming<'_, Self::Event>,
        out: &mut Emitter<'_, Self::Boundary>,
    ) -> Result<Fate<Self::Boundary>, Failure>;

    /// Handle at most `limit` events straight from the ring, by way of the empty queue `spare`, if this
    /// kind only hands events on: all of them are then settled(handed on). `None`, and nothing done, for
    /// every other kind.
    #[doc(hidden)]
    fn hand_on(
        &mut self,
        _ring: &Ring<Self::Event>,
        _spare: &mut VecDeque<Self::Event>,
        _limit: usize,
        _out: &mut Emitter<'_, Self::Boundary>,
        _order: &mut Vec<u64>,
    ) -> Option<Drawn> {
        None
    }

    /// Handle up to `n` of the first `events` in one call, ticks between them included, and give account
    /// of each. The events stay in the queue: the caller takes off those that have a fate. `None`, and
    /// nothing done, for a part that handles one event at a time.
    fn accept_many(
        &mut self,
        _events: &VecDeque<Self::Event>,
        _n: usize,
        _now: Timestamp,
        _out: &mut Emitter<'_, Self::Boundary>,
    ) -> Option<Many<Self::Boundary>> {
        None
    }

    /// What it offers as it starts, before any event.
    fn start(&mut self, _out: &mut Emitter<'_, Self::Boundary>) {}

    /// When [`Accumulator::tick`] wants to be called next, by the engine's clock.
    fn due(&self) -> Option<Timestamp> {
        None
    }

    /// The due time has come.
    ///
    /// # Errors
    /// What the user's function said; what was held stays held.
    fn tick(&mut self, _now: Timestamp, _out: &mut Emitter<'_, Self::Boundary>) -> Result<Released, Failure> {
        Ok(Released::default())
    }

    /// Let go of what is held, because the reactor asks or the engine stops.
    ///
    /// # Errors
    /// What the user's function said; what was held stays held.
    fn flush(&mut self, _out: &mut Emitter<'_, Self::Boundary>) -> Result<Released, Failure> {
        Ok(Released::default())
    }

    /// How many events it holds that have not settled.
    fn held(&self) -> u64 {
        0
    }

    /// Give up what it holds, or the part of it that fails.
    fn evict(&mut self, _what: Eviction) -> Vec<Self::Event> {
        Vec::new()
    }

    /// A panic was caught in this part: go back to the last sound state.
    fn recover(&mut self) {}

    /// A copy of all that another version of this part, or a later process, needs to go on, held events
    /// included; none if it keeps nothing. A kind of your own that keeps something exports it, or begins
    /// anew there. `now` is the engine's clock, which a later process does not share.
    ///
    /// # Errors
    /// What kept the state from leaving.
    fn export(&self, _now: Timestamp) -> Result<Option<Exported>, Failure> {
        Ok(None)
    }

    /// Go on with what another version, or an earlier process, exported.
    ///
    /// # Errors
    /// [`ImportError`], if it is no state that this part keeps; the part is not used after that.
    fn import(&mut self, state: Exported, _now: Timestamp) -> Result<(), ImportError> {
        Err(ImportError::keeps_nothing(&state))
    }

    /// Take settings in place of those with which it was made, before anything else is asked of it. A part of
    /// your own that is declared as one of the kinds that have settings takes them here.
    fn tune(&mut self, _tuning: &Tuning) {}
}

/// What became of one event.
pub enum Fate<B> {
    /// It settled.
    Settled(Settled),
    /// It was taken and is kept; [`Accumulator::held`] counts it until it is [`Released`].
    Held,
    /// It was given up.
    Dropped(Dropped),
    /// The user's function awaits something; the boundary comes later, in order.
    Pending(PendingBoundary<B>),
}

/// The rest of an accumulator function that did not end at its first poll.
pub type PendingBoundary<B> = Pin<Box<dyn Future<Output = Result<Option<B>, Failure>> + Send>>;

/// How much of what is held is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eviction {
    /// Only what the last tick or flush failed on.
    Failing,
    /// Everything: the part is taken down.
    All,
}

/// Held events that settled in a tick or a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Released {
    /// Their boundary was emitted.
    pub handed_on: u64,
    /// The user's function made no boundary of them.
    pub filtered: u64,
    /// Whether there is more to let go of at once: the part is called again.
    pub more: bool,
}

/// The event in hand: look at it, or take it.
pub struct Incoming<'a, E> {
    queue: &'a mut VecDeque<E>,
    taken: &'a mut bool,
    now: Timestamp,
}

impl<'a, E> Incoming<'a, E> {
    /// The front of `queue`, which must not be empty. `taken` tells the caller afterwards.
    pub(crate) fn new(queue: &'a mut VecDeque<E>, taken: &'a mut bool, now: Timestamp) -> Self {
        Self { queue, taken, now }
    }

    /// Look at it.
    pub fn get(&self) -> &E {
        match self.queue.front() {
            Some(event) => event,
            None => unreachable!("an incoming event is made from a queue that is not empty"),
        }
    }

    /// Take it. A panic after this loses the event's value, not its count.
    pub fn take(self) -> E {
        *self.taken = true;
        match self.queue.pop_front() {
            Some(event) => event,
            None => unreachable!("an incoming event is made from a queue that is not empty"),
        }
    }

    /// The engine's clock at the start of this turn.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

/// Where boundaries go.
pub struct Emitter<'a, B> {
    items: &'a mut Vec<B>,
}

impl<'a, B> Emitter<'a, B> {
    /// An emitter that appends to `items`.
    pub fn new(items: &'a mut Vec<B>) -> Self {
        Self { items }
    }

    /// Emit several boundaries.
    pub fn extend(&mut self, boundaries: impl Iterator<Item = B>) {
        self.items.extend(boundaries);
    }

    /// Where they go.
    fn items(&mut self) -> &mut Vec<B> {
        self.items
    }

    /// Emit one boundary.
    pub fn emit(&mut self, boundary: B) {
        self.items.push(boundary);
    }
}
