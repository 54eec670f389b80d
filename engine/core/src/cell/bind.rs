//! Binding: graphs take their seats at a reactor, leave them, and come back.

use super::Cell;
use super::delivery::Delivery;
use super::log::LoggedGraph;
use super::run::{GraphRun, RunContext};
use super::seat::{Seat, Seated};
use crate::graph::{GraphDecl, Presence};
use crate::id::{AccumulatorName, GraphName, PackageName, ReactorName};
use crate::ledger::Dropped;
use crate::overflow::Overflow;
use crate::reactor::Strategy;
use crate::sink::AnySink;
use std::sync::Arc;

/// A graph that a reactor cannot take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// It reads accumulators that the reactor does not have.
    #[error(
        "E0310: graph {graph} reads {missing:?}, which reactor {reactor} does not offer; it offers {offered:?}"
    )]
    MissingAccumulators {
        /// The graph.
        graph: GraphName,
        /// The reactor.
        reactor: ReactorName,
        /// What is missing.
        missing: Vec<AccumulatorName>,
        /// What there is.
        offered: Vec<AccumulatorName>,
    },
    /// It expects another type.
    #[error(
        "E0311: graph {graph} reads {accumulator} as {wanted}, but reactor {reactor} offers {offered}; use that type"
    )]
    TypeMismatch {
        /// The graph.
        graph: GraphName,
        /// The reactor.
        reactor: ReactorName,
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The graph's type.
        wanted: &'static str,
        /// The reactor's type.
        offered: &'static str,
    },
    /// It takes `&T` for a source that may be absent.
    #[error(
        "E0312: graph {graph} takes {accumulator} as a plain reference, but the criteria of reactor {reactor} do not guarantee it; take `Option<&T>`"
    )]
    NotGuaranteed {
        /// The graph.
        graph: GraphName,
        /// The reactor.
        reactor: ReactorName,
        /// The accumulator.
        accumulator: AccumulatorName,
    },
    /// A graph of this name is bound already.
    #[error(
        "E0313: graph {graph} is bound to reactor {reactor} already; unbind it first or choose another name"
    )]
    AlreadyBound {
        /// The graph.
        graph: GraphName,
        /// The reactor.
        reactor: ReactorName,
    },
}

impl Cell {
    /// Check a graph against this reactor, and map its inputs to the reactor's sources.
    ///
    /// # Errors
    /// [`BindError`], naming what does not fit.
    pub fn check_bind(&self, graph: &GraphDecl) -> Result<Vec<usize>, BindError> {
        let reactor = || self.decl.name.clone();
        if self.seats.iter().any(|seat| seat.name == graph.name) {
            return Err(BindError::AlreadyBound { graph: graph.name.clone(), reactor: reactor() });
        }
        map_inputs(&self.decl, graph)
    }

    /// Take a graph in. With `detached`, its run stays with the caller, and its firings are delivered.
    ///
    /// # Errors
    /// [`BindError`], naming what does not fit; nothing changes.
    pub fn bind(&mut self, run: GraphRun, package: PackageName) -> Result<Arc<Delivery>, BindError> {
        let map = self.check_bind(run.decl())?;
        let decl = run.decl();
        let overflow = decl.overflow.unwrap_or(match self.decl.strategy {
            Strategy::Latest => Overflow::Coalesce,
            Strategy::Sequential => Overflow::DeadLetter,
        });
        // In the form of the sources: what reads them converts, and knows what to do where that fails.
        let columns = map.iter().map(|source| self.columns[*source].fresh()).collect();
        let delivery = Arc::new(Delivery::over(decl.name.clone(), columns, decl.delivery_capacity, overflow));
        // Most reactors have one graph; growth by doubling would begin with room for four.
        self.seats.reserve_exact(1);
        self.seats.push(Seat::new(run, package, map, Arc::clone(&delivery)));
        self.relog();
        Ok(delivery)
    }

    /// Take a graph out for good. What it has not finished is dropped(unbound).
    pub fn unbind(&mut self, graph: &GraphName, cx: &mut RunContext<'_>) -> bool {
        let Some(index) = self.seats.iter().position(|seat| seat.name == *graph) else { return false };
        let mut seat = self.seats.remove(index);
        seat.delivery.give_up(Dropped::Unbound, cx.now, cx.letters);
        if let Some(run) = &mut seat.run {
            run.give_up_outputs(Dropped::Unbound, cx);
        }
        self.relog();
        true
    }

    pub(super) fn relog(&mut self) {
        let graphs = self
            .seats
            .iter()
            .map(|seat| LoggedGraph {
                name: seat.name.clone(),
                package: seat.package.clone(),
                delivery: Arc::clone(&seat.delivery),
            })
            .collect();
        self.log.bound(self.next_firing, graphs);
        let seated = self.seats.iter().map(|seat| (seat.name.clone(), seat.package.clone()));
        self.parts.seated(seated);
    }

    /// The seat of a graph.
    pub fn seat(&self, graph: &GraphName) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.name == *graph)
    }

    /// The delivery ring of a graph.
    pub fn delivery(&self, graph: &GraphName) -> Option<Arc<Delivery>> {
        self.seat(graph).map(|seat| Arc::clone(&seat.delivery))
    }

    fn seat_mut(&mut self, graph: &GraphName) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.name == *graph)
    }

    /// Names of the bound graphs, in the order of binding.
    pub fn subscribers(&self) -> Vec<GraphName> {
        self.seats.iter().map(|seat| seat.name.clone()).collect()
    }

    /// The graph's actor is gone: its firings queue until it is back. Seat, sinks and queue stay.
    pub fn take_out(&mut self, graph: &GraphName) {
        if let Some(seat) = self.seat_mut(graph)
            && !matches!(seat.seated, Seated::Quarantined(_))
        {
            seat.seated = Seated::Out;
        }
    }

    /// The graph is back, with a fresh part and a clean record; it catches up with what queued first.
    pub fn reseat(&mut self, graph: &GraphName) {
        let Some(seat) = self.seat_mut(graph) else { return };
        seat.seated = match &mut seat.run {
            Some(run) => {
                run.reinstall();
                Seated::InPlace
            }
            None => Seated::Detached,
        };
        seat.delivery.pardon();
    }

    /// A graph that was run elsewhere is back, with what queued meanwhile to be run first.
    pub fn put_back(&mut self, graph: &GraphName, run: GraphRun) {
        if let Some(seat) = self.seat_mut(graph)
            && seat.seated == Seated::Detached
        {
            seat.come_back(run);
        }
    }

    /// Run it elsewhere from now on; the run is handed out.
    pub fn detach(&mut self, graph: &GraphName) -> Option<GraphRun> {
        let seat = self.seat_mut(graph)?;
        let mut run = seat.run.take()?;
        run.checking = None;
        seat.seated = Seated::Detached;
        Some(run)
    }

    /// Take a graph out of service; its firings are dropped(quarantined).
    pub fn quarantine(&mut self, graph: &GraphName, reason: String, cx: &mut RunContext<'_>) -> bool {
        let Some(seat) = self.seat_mut(graph) else { return false };
        seat.quarantine(reason, cx);
        true
    }

    /// Add a sink to a graph that runs in the cell; hands it back if the graph is elsewhere.
    ///
    /// # Errors
    /// The sink, if it could not be attached here.
    pub fn attach(
        &mut self,
        graph: &GraphName,
        terminal: usize,
        sink: Box<dyn AnySink>,
    ) -> Result<(), Box<dyn AnySink>> {
        match self.seat_mut(graph).and_then(|seat| seat.run.as_mut()) {
            Some(run) => {
                run.attach(terminal, sink);
                Ok(())
            }
            None => Err(sink),
        }
    }

    /// The run of a graph, while it is in the cell.
    pub fn run_mut(&mut self, graph: &GraphName) -> Option<&mut GraphRun> {
        self.seat_mut(graph)?.run.as_mut()
    }
}

/// Map a graph's inputs to a reactor's sources.
///
/// # Errors
/// [`BindError`], naming what does not fit.
pub fn map_inputs(reactor: &crate::reactor::ReactorDecl, graph: &GraphDecl) -> Result<Vec<usize>, BindError> {
    let missing: Vec<AccumulatorName> = graph
        .inputs
        .iter()
        .filter(|input| reactor.source(&input.accumulator).is_none())
        .map(|input| input.accumulator.clone())
        .collect();
    if !missing.is_empty() {
        return Err(BindError::MissingAccumulators {
            graph: graph.name.clone(),
            reactor: reactor.name.clone(),
            missing,
            offered: reactor.source_names(),
        });
    }
    let guaranteed = reactor.resolve().map(crate::reactor::Criteria::guarantees).unwrap_or_default();
    let mut map = Vec::with_capacity(graph.inputs.len());
    for input in graph.inputs.iter() {
        let Some(source) = reactor.source(&input.accumulator) else { continue };
        let offered = reactor.accumulators[source].boundary;
        if !offered.fits(input.payload) {
            return Err(BindError::TypeMismatch {
                graph: graph.name.clone(),
                reactor: reactor.name.clone(),
                accumulator: input.accumulator.clone(),
                wanted: input.payload.name(),
                offered: offered.name(),
            });
        }
        if input.presence == Presence::Required && !guaranteed.contains(source) {
            return Err(BindError::NotGuaranteed {
                graph: graph.name.clone(),
                reactor: reactor.name.clone(),
                accumulator: input.accumulator.clone(),
            });
        }
        map.push(source);
    }
    Ok(map)
}
