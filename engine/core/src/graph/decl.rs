//! The declaration of a graph: what it reads, what it yields, and how its part is made.

use super::encoded_output::EncodedOutput;
use super::outcome::{AnyOutput, Outcomes, Output};
use super::topology::Topology;
use super::{GraphPart, TurnEnd, View};
use crate::accumulator::AnyRing;
use crate::column::{AnyColumn, Column};
use crate::fault::FaultBudget;
use crate::id::{AccumulatorName, GraphName, ReactorName, TerminalName};
use crate::overflow::Overflow;
use crate::payload::{Encoded, Payload, PayloadType, WireType};
use crate::reactor::Filter;
use crate::sink::AnySink;
use std::sync::Arc;
use std::time::Duration;

/// Whether a graph can do without a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The node takes `Option<&T>`.
    Optional,
    /// The node takes `&T`: the reactor's criteria must guarantee a value.
    Required,
}

/// One source that a graph reads.
#[derive(Clone)]
pub struct InputDecl {
    /// The accumulator's name.
    pub accumulator: AccumulatorName,
    /// The boundary type that the nodes expect.
    pub payload: PayloadType,
    /// Whether a value must be there.
    pub presence: Presence,
    column: fn(PayloadType) -> Box<dyn AnyColumn>,
}

impl InputDecl {
    /// Reads boundaries of type `T` from `accumulator`.
    pub fn new<T: Payload>(accumulator: impl Into<AccumulatorName>, presence: Presence) -> Self {
        Self {
            accumulator: accumulator.into(),
            payload: PayloadType::of::<T>(),
            presence,
            column: |ty| Box::new(Column::<T>::of_type(ty)),
        }
    }

    /// Reads boundaries from `accumulator` as bytes of type `wire`.
    pub fn encoded(
        accumulator: impl Into<AccumulatorName>,
        presence: Presence,
        wire: &'static WireType,
    ) -> Self {
        Self { payload: PayloadType::encoded(wire), ..Self::new::<Encoded>(accumulator, presence) }
    }

    /// An empty column of the input's type.
    pub fn column(&self) -> Box<dyn AnyColumn> {
        (self.column)(self.payload)
    }
}

/// One node whose output leaves the graph.
#[derive(Clone)]
pub struct TerminalDecl {
    /// The node's name.
    pub name: TerminalName,
    /// The type of its output.
    pub payload: PayloadType,
    output: fn(PayloadType) -> Box<dyn AnyOutput>,
    column: fn(PayloadType) -> Box<dyn AnyColumn>,
}

impl TerminalDecl {
    /// Yields values of type `T`.
    pub fn new<T: Payload>(name: impl Into<TerminalName>) -> Self {
        Self {
            name: name.into(),
            payload: PayloadType::of::<T>(),
            output: |ty| Box::new(Output::<T>::of_type(ty)),
            column: |ty| Box::new(Column::<T>::of_type(ty)),
        }
    }

    /// Yields values as bytes of type `wire`.
    pub fn encoded(name: impl Into<TerminalName>, wire: &'static WireType) -> Self {
        let output = |ty| -> Box<dyn AnyOutput> { Box::new(EncodedOutput::new(ty)) };
        Self { payload: PayloadType::encoded(wire), output, ..Self::new::<Encoded>(name) }
    }

    /// A sink that publishes this terminal's outputs into `ring`; `None` if it carries another type.
    pub fn ring_sink(&self, ring: Arc<dyn AnyRing>) -> Option<Box<dyn AnySink>> {
        self.payload.fits(ring.payload_type()).then(|| ring.sink())
    }

    /// An empty output of the terminal's type.
    pub fn output(&self) -> Box<dyn AnyOutput> {
        (self.output)(self.payload)
    }

    /// An empty column of the terminal's type.
    pub fn column(&self) -> Box<dyn AnyColumn> {
        (self.column)(self.payload)
    }
}

/// Where a graph's nodes may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GraphPlacement {
    /// In the cell, unless it proves slow or pends.
    #[default]
    InPlace,
    /// With an actor and a delivery ring of its own, on the work runtime.
    Detached,
    /// The same, on blocking threads.
    Blocking,
}

/// Makes a graph's executable part.
pub type MakePart = Arc<dyn Fn() -> Box<dyn GraphPart> + Send + Sync>;

/// A computation graph, declared.
#[derive(Clone)]
pub struct GraphDecl {
    /// Its name, unique in its tenant.
    pub name: GraphName,
    /// The reactor it is bound to; none for a trigger-less graph.
    pub reactor: Option<ReactorName>,
    /// What it reads, in the order of the part's inputs.
    pub inputs: Arc<[InputDecl]>,
    /// What it yields, in the order of the part's outputs.
    pub terminals: Arc<[TerminalDecl]>,
    /// Nodes and edges, for drawings.
    pub topology: Arc<Topology>,
    /// Where it runs.
    pub placement: GraphPlacement,
    /// Deadline of one firing; a graph that has one runs detached.
    pub deadline: Option<Duration>,
    /// What its full delivery ring does; by default it follows the reactor's strategy: `latest`
    /// coalesces, `sequential` dead-letters.
    pub overflow: Option<Overflow>,
    /// Room in its delivery ring, in firings.
    pub delivery_capacity: usize,
    /// How often an item is tried, and what quarantines the graph.
    pub budget: FaultBudget,
    /// Which firings this subscription wants; its inputs are the graph's, in their order.
    pub filter: Option<Filter>,
    make: MakePart,
}

impl GraphDecl {
    /// A graph whose part is made by `make`.
    pub fn new(
        name: impl Into<GraphName>,
        reactor: Option<ReactorName>,
        inputs: Vec<InputDecl>,
        terminals: Vec<TerminalDecl>,
        topology: Topology,
        make: MakePart,
    ) -> Self {
        Self {
            name: name.into(),
            reactor,
            inputs: inputs.into(),
            terminals: terminals.into(),
            topology: Arc::new(topology),
            placement: GraphPlacement::default(),
            deadline: None,
            overflow: None,
            delivery_capacity: 512,
            budget: FaultBudget::default(),
            filter: None,
            make,
        }
    }

    /// Run it elsewhere than in the cell.
    #[must_use]
    pub fn placement(mut self, placement: GraphPlacement) -> Self {
        self.placement = placement;
        self
    }

    /// Give each firing a deadline; the graph runs detached.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Say what its full delivery ring does.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = Some(overflow);
        self
    }

    /// Room in its delivery ring, in firings (at least 1).
    #[must_use]
    pub fn delivery_capacity(mut self, firings: usize) -> Self {
        self.delivery_capacity = firings.max(1);
        self
    }

    /// Set its fault budget.
    #[must_use]
    pub fn budget(mut self, budget: FaultBudget) -> Self {
        self.budget = budget;
        self
    }

    /// Take only the firings that `filter` admits; the others are settled(filtered) for this graph alone.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Rename it, to declare the same graph twice.
    #[must_use]
    pub fn named(mut self, name: impl Into<GraphName>) -> Self {
        self.name = name.into();
        self
    }

    /// Bind it to another reactor.
    #[must_use]
    pub fn on(mut self, reactor: impl Into<ReactorName>) -> Self {
        self.reactor = Some(reactor.into());
        self
    }

    /// Make a fresh part.
    pub fn part(&self) -> Box<dyn GraphPart> {
        (self.make)()
    }

    /// Fresh outcomes for its part.
    pub fn outcomes(&self) -> Outcomes {
        Outcomes::new(self.terminals.iter().map(TerminalDecl::output).collect())
    }

    /// Wrap every part that is made from now on, as fault injection and tracing do.
    #[must_use]
    pub fn wrap(
        mut self,
        wrap: impl Fn(Box<dyn GraphPart>) -> Box<dyn GraphPart> + Send + Sync + 'static,
    ) -> Self {
        let make = self.make;
        self.make = Arc::new(move || wrap(make()));
        self
    }
}

impl std::fmt::Debug for GraphDecl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GraphDecl")
            .field("name", &self.name)
            .field("reactor", &self.reactor)
            .finish_non_exhaustive()
    }
}

/// A part from a function, for wrapping others.
pub struct PartFn<F>(pub F);

impl<F> GraphPart for PartFn<F>
where
    F: FnMut(&View<'_>, usize, &mut Outcomes) -> TurnEnd + Send,
{
    fn turn(&mut self, view: &View<'_>, from: usize, out: &mut Outcomes) -> TurnEnd {
        (self.0)(view, from, out)
    }
}
