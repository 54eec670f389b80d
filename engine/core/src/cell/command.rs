//! Commands to a cell: binding, firing by hand, pausing, looking inside.

use super::delivery::Delivery;
use super::log::{Cause, LoggedGraph};
use super::run::{GraphRun, RunContext};
use super::seat::{Seat, Seated};
use super::turn::{CellTurn, TurnContext};
use super::Cell;
use crate::column::AnyColumn;
use crate::graph::{ABSENT, GraphDecl, Presence};
use crate::health::Health;
use crate::id::{AccumulatorName, FiringId, GraphName, PackageName, ReactorName};
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
    #[error("E0313: graph {graph} is bound to reactor {reactor} already; unbind it first or choose another name")]
    AlreadyBound {
        /// The graph.
        graph: GraphName,
        /// The reactor.
        reactor: ReactorName,
    },
}

/// A firing by hand that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FireError {
    /// A graph needs a source that has no value.
    #[error("E0320: graph {graph} needs {accumulator}, which has no value yet; push one, or give one with `fire_with`")]
    Absent {
        /// The graph.
        graph: GraphName,
        /// The source.
        accumulator: AccumulatorName,
    },
    /// An input was given for a source that the reactor does not have, or of another type.
    #[error("E0321: reactor {reactor} has no source {accumulator} of the given type; it has {offered:?}")]
    UnknownInput {
        /// The reactor.
        reactor: ReactorName,
        /// The source.
        accumulator: AccumulatorName,
        /// Those it has, with their types.
        offered: Vec<String>,
    },
    /// It is paused.
    #[error("E0322: reactor {reactor} is paused; resume it first")]
    Paused {
        /// The reactor.
        reactor: ReactorName,
    },
    /// Its actor is not there to be asked.
    #[error("E0324: reactor {reactor} did not answer; it is restarting or its engine has stopped")]
    Gone {
        /// The reactor.
        reactor: ReactorName,
    },
    /// A subscriber has no room, and its policy is to block.
    #[error("E0323: reactor {reactor} waits for room at a subscriber; try again when it has caught up")]
    Blocked {
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
        let delivery =
            Arc::new(Delivery::new(decl.name.clone(), &decl.inputs, decl.delivery_capacity, overflow));
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

    fn relog(&mut self) {
        self.logged = self
            .seats
            .iter()
            .map(|seat| LoggedGraph {
                name: seat.name.clone(),
                package: seat.package.clone(),
                delivery: Arc::clone(&seat.delivery),
            })
            .collect();
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

    /// Run it elsewhere from now on; the run is handed out.
    pub fn detach(&mut self, graph: &GraphName) -> Option<GraphRun> {
        let seat = self.seat_mut(graph)?;
        let run = seat.run.take()?;
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

    /// Fire now, with the cache as it is, or with `inputs` laid over it for this firing only.
    ///
    /// # Errors
    /// [`FireError`]; nothing fired.
    pub fn fire(
        &mut self,
        inputs: &[(AccumulatorName, Box<dyn AnyColumn>)],
        cx: &TurnContext<'_>,
    ) -> Result<(FiringId, CellTurn), FireError> {
        let reactor = || self.decl.name.clone();
        if self.policy.is_paused() {
            return Err(FireError::Paused { reactor: reactor() });
        }
        if self.blocked {
            return Err(FireError::Blocked { reactor: reactor() });
        }
        let mut row = self.policy.cache();
        for (name, column) in inputs {
            let source = self.decl.source(name);
            let fits = source.is_some_and(|s| self.columns[s].payload_type() == column.payload_type());
            let (Some(source), true) = (source, fits) else {
                return Err(FireError::UnknownInput {
                    reactor: reactor(),
                    accumulator: name.clone(),
                    offered: self.offered(),
                });
            };
            row[source] = u32::try_from(self.columns[source].len()).unwrap_or(ABSENT);
        }
        self.check_presence(&row)?;
        let lengths: Vec<usize> = self.columns.iter().map(|column| column.len()).collect();
        for (name, column) in inputs {
            if let Some(source) = self.decl.source(name) {
                self.columns[source].push_from(&**column, 0);
            }
        }
        self.rows.clear();
        if inputs.is_empty() {
            self.policy.fire(&mut self.rows);
        } else {
            self.rows.extend_from_slice(&row);
        }
        let id = FiringId(self.next_firing);
        let mut turn = CellTurn::default();
        let cause = if inputs.is_empty() { Cause::Fire } else { Cause::FireWith };
        self.run_rows(cause, cx, &mut turn);
        for (column, len) in self.columns.iter_mut().zip(lengths) {
            column.truncate(len);
        }
        self.trim();
        Ok((id, turn))
    }

    fn offered(&self) -> Vec<String> {
        let accumulators = self.decl.accumulators.iter();
        accumulators.map(|accumulator| format!("{}: {}", accumulator.name, accumulator.boundary.name())).collect()
    }

    fn check_presence(&self, row: &[u32]) -> Result<(), FireError> {
        for seat in &self.seats {
            for (input, source) in seat.decl.inputs.iter().zip(&seat.map) {
                if input.presence == Presence::Required && row[*source] == ABSENT {
                    return Err(FireError::Absent {
                        graph: seat.name.clone(),
                        accumulator: input.accumulator.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Stop firing; accept and remember.
    pub fn pause(&mut self) {
        self.policy.pause();
    }

    /// Fire again; the next turn decides what is pending.
    pub fn resume(&mut self) {
        self.policy.resume();
    }

    /// Let batch and window accumulators flush at the next turn.
    pub fn ask_flush(&mut self) {
        self.flush_asked = true;
    }

    /// Sources that the criteria need and that are not ready, if the criteria cannot be met without
    /// them; then the reactor is warming.
    pub fn health(&self, ready: &[bool], was_live: bool) -> Health {
        if self.policy.is_paused() {
            return Health::Paused;
        }
        let criteria = self.policy.criteria();
        let out = |source: usize| !ready[source] || self.slots[source].is_quarantined();
        let names = |sources: &mut dyn Iterator<Item = usize>| -> Vec<AccumulatorName> {
            sources.map(|source| self.decl.accumulators[source].name.clone()).collect()
        };
        let there = (0..ready.len()).filter(|source| !out(*source)).collect();
        if !criteria.is_met(there) && !was_live {
            return Health::Warming { waiting: names(&mut criteria.named().iter().filter(|source| out(*source))) };
        }
        let dead = names(&mut (0..ready.len()).filter(|source| out(*source)));
        if dead.is_empty() || !was_live { Health::Live } else { Health::Degraded { sources: dead } }
    }

    /// Cache, flags, queues, subscribers and the last firings, as JSON.
    pub fn inspect(&self) -> serde_json::Value {
        let cache = self.policy.cache();
        let sources: Vec<serde_json::Value> = (0..self.columns.len())
            .map(|source| {
                let accumulator = &self.decl.accumulators[source];
                let index = cache[source];
                let value =
                    if index == ABSENT { serde_json::Value::Null } else { self.columns[source].json(index as usize) };
                serde_json::json!({
                    "name": accumulator.name.as_str(),
                    "kind": format!("{:?}", accumulator.kind).to_lowercase(),
                    "cache": value,
                    "dirty": self.policy.dirty().contains(source),
                    "queue": self.policy.pending(source),
                    "ring": self.slots[source].ring().len(),
                    "in_hand": self.slots[source].in_hand(),
                    "quarantined": self.slots[source].is_quarantined(),
                })
            })
            .collect();
        let subscribers: Vec<serde_json::Value> = self
            .seats
            .iter()
            .map(|seat| {
                serde_json::json!({
                    "graph": seat.name.as_str(),
                    "package": seat.package.as_str(),
                    "seated": seated_text(&seat.seated),
                    "waiting": seat.delivery.waiting(),
                    "in_hand": seat.delivery.in_hand(),
                })
            })
            .collect();
        let firings: Vec<serde_json::Value> = self.log.last(10).iter().map(firing_json).collect();
        serde_json::json!({
            "reactor": self.decl.name.as_str(),
            "strategy": format!("{:?}", self.decl.strategy).to_lowercase(),
            "paused": self.policy.is_paused(),
            "blocked": self.blocked,
            "firings": self.next_firing,
            "sources": sources,
            "subscribers": subscribers,
            "last_firings": firings,
        })
    }
}

fn seated_text(seated: &Seated) -> String {
    match seated {
        Seated::InPlace => "in place".to_owned(),
        Seated::Detached => "detached".to_owned(),
        Seated::Out => "out".to_owned(),
        Seated::Quarantined(reason) => format!("quarantined: {reason}"),
    }
}

fn firing_json(record: &super::log::FiringRecord) -> serde_json::Value {
    let outcomes: serde_json::Map<String, serde_json::Value> = record
        .outcomes
        .iter()
        .map(|outcome| (outcome.graph.to_string(), format!("{:?}", outcome.outcome).into()))
        .collect();
    serde_json::json!({
        "id": record.id.0,
        "cause": format!("{:?}", record.cause),
        "inputs": record.inputs.iter().map(|input| input.map(|id| id.0)).collect::<Vec<_>>(),
        "outcomes": outcomes,
    })
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
    for input in &graph.inputs {
        let Some(source) = reactor.source(&input.accumulator) else { continue };
        let offered = reactor.accumulators[source].boundary;
        if offered != input.payload {
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
