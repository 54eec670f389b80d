//! The declaration of an accumulator: its types, its limits, and how its part is made.

use super::slot::{AnySlot, Slot, SlotArgs};
use super::{Accumulator, Exported, Identity};
use crate::column::{AnyColumn, Column};
use crate::durable::Guarantee;
use crate::fault::{Failure, FaultBudget, guarded};
use crate::id::AccumulatorName;
use crate::overflow::Overflow;
use crate::payload::{Encoded, Payload, PayloadType, WireType};
use crate::source::SourceDecl;
use crate::wire::{AnyPart, TypedPart};
use std::sync::Arc;

/// What an accumulator does, for listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// One in, at most one out.
    Passthrough,
    /// Fed by a source, possibly with the author's state.
    Stream,
    /// Fed by a function that is asked each interval.
    Polling,
    /// Collected until a flush.
    Batch,
    /// A window of the newest values.
    State,
    /// Panes by event time.
    Window,
    /// Somebody's own implementation of [`Accumulator`].
    Custom,
}

/// Room in an accumulator's ring, by default.
pub const DEFAULT_CAPACITY: usize = 512;

/// An accumulator, declared.
#[derive(Clone)]
pub struct AccumulatorDecl {
    /// Its name, unique in its tenant.
    pub name: AccumulatorName,
    /// What it does.
    pub kind: Kind,
    /// What comes in.
    pub event: PayloadType,
    /// What goes out.
    pub boundary: PayloadType,
    /// Room in its ring, in events.
    pub capacity: usize,
    /// What its full ring does.
    pub overflow: Overflow,
    /// How far its events are guarded against a crash.
    pub guarantee: Guarantee,
    /// How often an event is tried, and what quarantines it.
    pub budget: FaultBudget,
    /// Who feeds it, besides pushes.
    pub source: Option<SourceDecl>,
    make: Arc<dyn Fn(SlotArgs) -> Box<dyn AnySlot> + Send + Sync>,
    migrate: Option<Migrate>,
    is_identity: bool,
    event_column: MakeColumn,
    boundary_column: MakeColumn,
    part: Arc<dyn Fn(PayloadType) -> Box<dyn AnyPart> + Send + Sync>,
}

type MakeColumn = fn(PayloadType) -> Box<dyn AnyColumn>;

/// Turns the state of an older version into one that this version keeps.
type Migrate = Arc<dyn Fn(Exported) -> Result<Exported, Failure> + Send + Sync>;

impl AccumulatorDecl {
    /// An accumulator whose part is made by `make`, now and after every fault that cost it its state.
    pub fn new<A: Accumulator>(
        name: impl Into<AccumulatorName>,
        kind: Kind,
        make: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self {
        let make = Arc::new(make);
        let part = Arc::clone(&make);
        Self {
            name: name.into(),
            kind,
            event: PayloadType::of::<A::Event>(),
            boundary: PayloadType::of::<A::Boundary>(),
            capacity: DEFAULT_CAPACITY,
            overflow: Overflow::Block,
            guarantee: Guarantee::Fast,
            budget: FaultBudget::default(),
            source: None,
            migrate: None,
            make: Arc::new(move |args| {
                let make = Arc::clone(&make);
                Box::new(Slot::new(args, Box::new(move || make())))
            }),
            is_identity: A::IS_IDENTITY,
            event_column: |ty| Box::new(Column::<A::Event>::of_type(ty)),
            boundary_column: |ty| Box::new(Column::<A::Boundary>::of_type(ty)),
            part: Arc::new(move |event| Box::new(TypedPart::new(part(), event))),
        }
    }

    /// An accumulator whose part takes and yields bytes, as one in a library does.
    pub fn encoded<A>(
        name: impl Into<AccumulatorName>,
        kind: Kind,
        event: &'static WireType,
        boundary: &'static WireType,
        make: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self
    where
        A: Accumulator<Event = Encoded, Boundary = Encoded>,
    {
        let mut decl = Self::new(name, kind, make);
        decl.event = PayloadType::encoded(event);
        decl.boundary = PayloadType::encoded(boundary);
        decl
    }

    /// A passthrough that hands every `T` on as it is.
    pub fn passthrough<T: Payload>(name: impl Into<AccumulatorName>) -> Self {
        Self::new(name, Kind::Passthrough, Identity::<T>::default)
    }

    /// Room in its ring, in events (at least 1).
    #[must_use]
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events.max(1);
        self
    }

    /// Say what its full ring does.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Say how far its events are guarded against a crash, in an engine that has a journal.
    #[must_use]
    pub fn delivery(mut self, guarantee: Guarantee) -> Self {
        self.guarantee = guarantee;
        self
    }

    /// Set its fault budget.
    #[must_use]
    pub fn budget(mut self, budget: FaultBudget) -> Self {
        self.budget = budget;
        self
    }

    /// Feed it from `source`, besides pushes.
    #[must_use]
    pub fn source(mut self, source: SourceDecl) -> Self {
        self.source = Some(source);
        self
    }

    /// In an upgrade, turn the state of the older version, of type `Old`, into that of this one. `Old` and
    /// `New` are what the kinds keep: the author's state of a stream, `VecDeque<T>` of a state window,
    /// `(Vec<E>, Option<Timestamp>)` of a batch.
    #[must_use]
    pub fn migrate<Old: 'static, New: Send + 'static>(
        mut self,
        migrate: impl Fn(Old) -> Result<New, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.migrate = Some(Arc::new(move |state: Exported| match state.downcast::<Old>() {
            Ok(old) => migrate(*old).map(|new| Box::new(new) as Exported),
            // Of the type that it has now, perhaps: the part itself will say.
            Err(state) => Ok(state),
        }));
        self
    }

    /// Take the state of an older version through the migration, if there is one.
    ///
    /// # Errors
    /// What the migration said, or its panic.
    pub fn migrated(&self, state: Exported) -> Result<Exported, Failure> {
        match &self.migrate {
            Some(migrate) => guarded(|| migrate(state)),
            None => Ok(state),
        }
    }

    /// Rename it, to declare the same accumulator twice.
    #[must_use]
    pub fn named(mut self, name: impl Into<AccumulatorName>) -> Self {
        self.name = name.into();
        self
    }

    /// Whether its part hands every event on as it is.
    pub fn is_identity(&self) -> bool {
        self.is_identity
    }

    /// An empty column of its event type.
    pub fn event_column(&self) -> Box<dyn AnyColumn> {
        (self.event_column)(self.event)
    }

    /// An empty column of its boundary type.
    pub fn boundary_column(&self) -> Box<dyn AnyColumn> {
        (self.boundary_column)(self.boundary)
    }

    /// Make its part alone, over bytes: what a library gives to its host.
    pub fn part(&self) -> Box<dyn AnyPart> {
        (self.part)(self.event)
    }

    /// Make its part and ring. `tickets` numbers arrivals where several rings are merged.
    pub fn slot(&self, tickets: Option<Arc<std::sync::atomic::AtomicU64>>) -> Box<dyn AnySlot> {
        (self.make)(SlotArgs {
            name: self.name.clone(),
            capacity: self.capacity,
            overflow: self.overflow,
            budget: self.budget,
            tickets,
            event: self.event,
            boundary: self.boundary,
        })
    }
}

impl std::fmt::Debug for AccumulatorDecl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccumulatorDecl")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
