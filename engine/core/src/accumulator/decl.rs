//! The declaration of an accumulator: its types, its limits, and how its part is made.

use super::slot::{AnySlot, Slot, SlotArgs};
use super::{Accumulator, Exported, Identity, TuneError, Tuning};
use crate::column::{AnyColumn, Column};
use crate::durable::Guarantee;
use crate::durable::dedupe::Dedupe;
use crate::fault::{Failure, FaultBudget, guarded};
use crate::id::{AccumulatorName, ReactorName};
use crate::letter::Place;
use crate::overflow::Overflow;
use crate::payload::{Encoded, Payload, PayloadType, WireType};
use crate::source::SourceDecl;
use crate::wire::{AnyPart, TypedPart};
use std::any::TypeId;
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

impl Kind {
    /// As manifests and messages say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passthrough => "passthrough",
            Self::Stream => "stream",
            Self::Polling => "polling",
            Self::Batch => "batch",
            Self::State => "state",
            Self::Window => "window",
            Self::Custom => "custom",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
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
    /// How long its events are known again, if they are durable.
    pub dedupe: Dedupe,
    /// How often an event is tried, and what quarantines it.
    pub budget: FaultBudget,
    /// Who feeds it, besides pushes.
    pub source: Option<SourceDecl>,
    make: MakeSlot,
    tuning: Tuning,
    /// The type of the function that makes its part.
    made_by: TypeId,
    /// Makes the declaration of one reactor's share of it.
    share: fn(&Self) -> Self,
    /// The reactor whose share of a shared accumulator this is.
    shared_with: Option<ReactorName>,
    migrate: Option<Migrate>,
    is_identity: bool,
    event_column: MakeColumn,
    boundary_column: MakeColumn,
    part: MakePart,
}

type MakeSlot = Arc<dyn Fn(SlotArgs, Tuning) -> Box<dyn AnySlot> + Send + Sync>;
type MakePart = Arc<dyn Fn(&AccumulatorDecl) -> Box<dyn AnyPart> + Send + Sync>;
type MakeColumn = fn(PayloadType) -> Box<dyn AnyColumn>;

/// Turns the state of an older version into one that this version keeps.
pub type Migrate = Arc<dyn Fn(Exported) -> Result<Exported, Failure> + Send + Sync>;

impl AccumulatorDecl {
    /// An accumulator whose part is made by `make`, now and after every fault that cost it its state.
    pub fn new<A: Accumulator>(
        name: impl Into<AccumulatorName>,
        kind: Kind,
        make: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self {
        let made_by = type_of(&make);
        let mut decl = Self::tunable(name, kind, move |tuning| {
            let mut part = make();
            part.tune(tuning);
            part
        });
        decl.made_by = made_by;
        decl
    }

    /// The same, where `make` applies the settings.
    fn tunable<A: Accumulator>(
        name: impl Into<AccumulatorName>,
        kind: Kind,
        make: impl Fn(&Tuning) -> A + Send + Sync + 'static,
    ) -> Self {
        let made_by = type_of(&make);
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
            dedupe: Dedupe::default(),
            budget: FaultBudget::default(),
            source: None,
            tuning: Tuning::default(),
            migrate: None,
            made_by,
            share: share_of::<A::Boundary>,
            shared_with: None,
            make: Arc::new(move |args, tuning| {
                let make = Arc::clone(&make);
                Box::new(Slot::new(args, Box::new(move || make(&tuning))))
            }),
            is_identity: A::IS_IDENTITY,
            event_column: |ty| Box::new(Column::<A::Event>::of_type(ty)),
            boundary_column: |ty| Box::new(Column::<A::Boundary>::of_type(ty)),
            part: Arc::new(move |decl| {
                Box::new(TypedPart::new(part(&decl.tuning), decl.event).migrating(decl.migrate.clone()))
            }),
        }
    }

    /// An accumulator whose part takes and yields bytes, as one in a library does. `make` applies the
    /// settings.
    pub fn encoded<A>(
        name: impl Into<AccumulatorName>,
        kind: Kind,
        event: &'static WireType,
        boundary: &'static WireType,
        make: impl Fn(&Tuning) -> A + Send + Sync + 'static,
    ) -> Self
    where
        A: Accumulator<Event = Encoded, Boundary = Encoded>,
    {
        let mut decl = Self::tunable(name, kind, make);
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

    /// Say how long its events are known again, if they are durable and have numbers or ids.
    #[must_use]
    pub fn deduplicate(mut self, dedupe: Dedupe) -> Self {
        self.dedupe = dedupe;
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
        self.retimed()
    }

    /// Lay settings over those with which it is made; what they leave out stays.
    ///
    /// # Errors
    /// [`TuneError`], naming a setting that its kind does not have, or cannot have at that value.
    pub fn tune(mut self, tuning: Tuning) -> Result<Self, TuneError> {
        tuning.fits(&self.name, self.kind)?;
        self.tuning = self.tuning.under(tuning);
        Ok(self.retimed())
    }

    /// Let its source keep the interval that was laid over its own.
    fn retimed(mut self) -> Self {
        if let Some(interval) = self.tuning.interval {
            self.source = self.source.map(|source| source.every(interval));
        }
        self
    }

    /// What was laid over the settings with which it is made.
    pub fn tuning(&self) -> Tuning {
        self.tuning
    }

    /// In an upgrade, turn the state of the older version, of type `Old`, into that of this one. `Old` and
    /// `New` are what the kinds keep: the author's state of a stream, `Vec<T>` of a state window,
    /// [`Buffered`](super::Buffered) of a batch, [`OpenPanes`](super::OpenPanes) of a window. Where the
    /// older version is a library, `Old` only has to be of the same schema.
    #[must_use]
    pub fn migrate<Old: Payload, New: Payload>(
        mut self,
        migrate: impl Fn(Old) -> Result<New, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.migrate = Some(Arc::new(move |state: Exported| {
            if !state.is::<Old>() {
                // Of the type that it has now, perhaps: the part itself will say.
                return Ok(state);
            }
            migrate(state.take().map_err(Failure::error)?).map(Exported::of)
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

    /// What the reactor `with` has of it, if several reactors name it: the boundaries that its own cell
    /// sends on.
    pub(crate) fn share(&self, with: &ReactorName) -> Self {
        Self { shared_with: Some(with.clone()), ..(self.share)(self) }
    }

    /// Whether this is one reactor's share of an accumulator that has a cell of its own.
    pub fn is_share(&self) -> bool {
        self.shared_with.is_some()
    }

    /// In what `other`, of the same name, is not the same accumulator; what a part is made with inside
    /// its function cannot be compared.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let same_part = Arc::ptr_eq(&self.make, &other.make) || self.made_by == other.made_by;
        let unlike = [
            ("function", !same_part),
            ("kind", self.kind != other.kind),
            ("event type", !self.event.fits(other.event)),
            ("boundary type", !self.boundary.fits(other.boundary)),
            ("ring", self.capacity != other.capacity),
            ("overflow policy", self.overflow != other.overflow),
            ("fault budget", self.budget != other.budget),
            ("source", self.source.is_some() != other.source.is_some()),
            ("migration", self.migrate.is_some() != other.migrate.is_some()),
        ];
        unlike.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
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
        (self.part)(self)
    }

    /// Make its part and ring. `tickets` numbers arrivals where several rings are merged.
    pub fn slot(&self, tickets: Option<Arc<std::sync::atomic::AtomicU64>>) -> Box<dyn AnySlot> {
        let accumulator = self.name.clone();
        let args = SlotArgs {
            place: match &self.shared_with {
                None => Place::Accumulator(accumulator),
                Some(reactor) => Place::Share { accumulator, reactor: reactor.clone() },
            },
            capacity: self.capacity,
            overflow: self.overflow,
            budget: self.budget,
            tickets,
            event: self.event,
            boundary: self.boundary,
        };
        (self.make)(args, self.tuning)
    }
}

fn type_of<T: 'static>(_: &T) -> TypeId {
    TypeId::of::<T>()
}

/// A share hands on what the shared part made, and never gives any of it up for want of room.
fn share_of<B: Payload>(shared: &AccumulatorDecl) -> AccumulatorDecl {
    let mut share = AccumulatorDecl::passthrough::<B>(shared.name.clone());
    (share.event, share.boundary) = (shared.boundary, shared.boundary);
    (share.kind, share.capacity) = (shared.kind, shared.capacity);
    share
}

impl std::fmt::Debug for AccumulatorDecl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccumulatorDecl")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
