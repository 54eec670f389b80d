//! Declarations of a library as core's, with parts that call into it.

use super::accumulator::LibraryPart;
use super::failure::from_fault;
use super::graph::LibraryGraph;
use super::parts::Parts;
use super::unmade::Unmade;
use super::{json, source, tuning};
use acequia_abi::declaration::{
    AccumulatorDeclaration, BudgetDeclaration, CriteriaDeclaration, GraphDeclaration, KindDeclaration,
    OverflowDeclaration, PackageDeclaration, PlacementDeclaration, ReactorDeclaration,
    RequirementDeclaration, StrategyDeclaration, SubscriptionDeclaration, TypeDeclaration,
    WorkflowDeclaration,
};
use acequia_core::accumulator::{AccumulatorDecl, Identity, Kind, Tuning};
use acequia_core::fault::{Failure, FaultBudget};
use acequia_core::graph::{
    Edge, GraphDecl, GraphPart, GraphPlacement, InputDecl, Presence, TerminalDecl, Topology,
};
use acequia_core::overflow::Overflow;
use acequia_core::package::{CronDecl, Package, PollDecl, ReleaseRange, Requirement, WorkflowDecl};
use acequia_core::payload::{Encoded, WireType};
use acequia_core::reactor::{CriteriaDecl, ReactorDecl, Strategy};
use acequia_core::wire::{AnyGraph, AnyPart, RemoteGraph, RemotePart};
use std::sync::Arc;
use std::time::Duration;

/// Check what the rest relies on.
///
/// # Errors
/// What is wrong, as it continues "the package declares".
pub(super) fn check(package: &PackageDeclaration) -> Result<(), String> {
    if let Some(ty) = package.types.iter().find(|ty| json::wire_type(ty).is_none()) {
        return Err(format!("type {} with the hash {:?}, which is none", ty.name, ty.hash));
    }
    let ranges = package.requirements.iter().filter_map(|requirement| requirement.releases.as_deref());
    if let Some(range) = ranges.into_iter().find(|range| ReleaseRange::parse(range).is_err()) {
        return Err(format!("the range of releases {range:?}, which is none"));
    }
    let n = package.types.len();
    let events =
        package.accumulators().flat_map(|decl| [(&decl.name, decl.event), (&decl.name, decl.boundary)]);
    let inputs = package
        .graphs
        .iter()
        .flat_map(|graph| graph.inputs.iter().map(move |input| (&graph.name, input.payload)));
    let outputs = package
        .graphs
        .iter()
        .flat_map(|graph| graph.terminals.iter().map(move |terminal| (&graph.name, terminal.payload)));
    match events.chain(inputs).chain(outputs).find(|(_, ty)| *ty >= n) {
        Some((name, ty)) => Err(format!("type {ty} for {name}, of {n} types")),
        None => Ok(()),
    }
}

impl Parts {
    fn accumulator(&self, index: usize, tuning: &Tuning) -> Box<dyn AnyPart> {
        let made = self.instance().and_then(|of| {
            let made = match tuning::written(tuning) {
                None => of.handle.accumulator(index),
                Some(tuning) => of.handle.tuned_accumulator(index, &tuning),
            };
            made.map_err(from_fault)
        });
        match made {
            Ok(handle) => Box::new(LibraryPart::new(handle)),
            Err(failure) => Box::new(self.unmade(failure)),
        }
    }

    fn graph(&self, index: usize, n_terminals: usize) -> Box<dyn AnyGraph> {
        match self.instance().and_then(|of| of.handle.graph(index).map_err(from_fault)) {
            Ok(handle) => Box::new(LibraryGraph::new(handle, n_terminals)),
            Err(failure) => Box::new(self.unmade(failure)),
        }
    }

    /// What a part is that was not made: a panic, as it would be in process, so that a load in which it
    /// happens is refused. Of a library that is only read, one that fails with the reason.
    fn unmade(&self, failure: Failure) -> Unmade {
        match self {
            Self::Unmade => Unmade::from(failure),
            Self::Of(_) | Self::Later(_) => std::panic::resume_unwind(Box::new(failure.message)),
        }
    }
}

/// All of `declaration`, made of `parts`.
pub(super) fn package(declaration: &PackageDeclaration, parts: &Parts) -> Package {
    let types: Vec<&'static WireType> = declaration.types.iter().map(wire_type).collect();
    let mut package = Package::new(declaration.name.clone());
    let mut first = 0;
    for decl in &declaration.reactors {
        package = package.reactor(reactor(parts, decl, first, &types));
        first += decl.accumulators.len();
    }
    for (index, decl) in declaration.graphs.iter().enumerate() {
        package = package.graph(graph(parts, decl, index, &types));
    }
    for requirement in &declaration.requirements {
        package = package.requirement(Requirement {
            reactor: requirement.reactor.as_str().into(),
            package: requirement.package.as_deref().map(Into::into),
            releases: releases(requirement),
        });
    }
    for cron in &declaration.crons {
        package = package.cron(CronDecl::new(cron.name.clone(), cron.expression.clone()));
    }
    for poll in &declaration.polls {
        package = package.poll(PollDecl::new(poll.name.clone(), Duration::from_nanos(poll.interval)));
    }
    for decl in &declaration.workflows {
        package = package.workflow(workflow(decl));
    }
    package
}

fn releases(requirement: &RequirementDeclaration) -> Option<ReleaseRange> {
    let range = requirement.releases.as_deref()?;
    let parsed = ReleaseRange::parse(range);
    Some(parsed.unwrap_or_else(|_| unreachable!("a library whose ranges are none is not opened")))
}

fn wire_type(ty: &TypeDeclaration) -> &'static WireType {
    match json::wire_type(ty) {
        Some(wire) => wire,
        None => unreachable!("a library whose types have no hash is not opened"),
    }
}

fn count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn reactor(
    parts: &Parts,
    decl: &ReactorDeclaration,
    first: usize,
    types: &[&'static WireType],
) -> ReactorDecl {
    let accumulators = decl.accumulators.iter().enumerate();
    let accumulators = accumulators.map(|(at, decl)| accumulator(parts, decl, first + at, types));
    let names = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
    let criteria = match &decl.criteria {
        CriteriaDeclaration::Any(of) => CriteriaDecl::Any(names(of)),
        CriteriaDeclaration::All(of) => CriteriaDecl::All(names(of)),
        CriteriaDeclaration::KOf { k, of } => CriteriaDecl::KOf(count(*k), names(of)),
    };
    let strategy = match decl.strategy {
        StrategyDeclaration::Latest => Strategy::Latest,
        StrategyDeclaration::Sequential => Strategy::Sequential,
    };
    ReactorDecl::new(decl.name.clone(), accumulators.collect(), criteria)
        .strategy(strategy)
        .log(count(decl.log_firings), Duration::from_nanos(decl.log_age))
}

fn accumulator(
    parts: &Parts,
    decl: &AccumulatorDeclaration,
    index: usize,
    types: &[&'static WireType],
) -> AccumulatorDecl {
    let (event, boundary) = (types[decl.event], types[decl.boundary]);
    let (name, kind) = (decl.name.clone(), kind(decl.kind));
    let made = if decl.identity {
        AccumulatorDecl::encoded(name, kind, event, boundary, |_| Identity::<Encoded>::default())
    } else {
        let parts = parts.clone();
        let make = move |tuning: &Tuning| RemotePart::new(parts.accumulator(index, tuning), event, boundary);
        AccumulatorDecl::encoded(name, kind, event, boundary, make)
    };
    let made =
        made.capacity(count(decl.capacity)).overflow(overflow(decl.overflow)).budget(budget(decl.budget));
    if decl.source { made.source(source::decl(parts, index, event)) } else { made }
}

fn kind(kind: KindDeclaration) -> Kind {
    match kind {
        KindDeclaration::Passthrough => Kind::Passthrough,
        KindDeclaration::Stream => Kind::Stream,
        KindDeclaration::Polling => Kind::Polling,
        KindDeclaration::Batch => Kind::Batch,
        KindDeclaration::State => Kind::State,
        KindDeclaration::Window => Kind::Window,
        KindDeclaration::Custom => Kind::Custom,
    }
}

fn overflow(overflow: OverflowDeclaration) -> Overflow {
    match overflow {
        OverflowDeclaration::Block => Overflow::Block,
        OverflowDeclaration::DropNewest => Overflow::DropNewest,
        OverflowDeclaration::DropOldest => Overflow::DropOldest,
        OverflowDeclaration::Coalesce => Overflow::Coalesce,
        OverflowDeclaration::DeadLetter => Overflow::DeadLetter,
    }
}

fn budget(budget: BudgetDeclaration) -> FaultBudget {
    FaultBudget {
        attempts: budget.attempts.max(1),
        dead_letters: budget.dead_letters,
        faults: budget.faults,
        window: Duration::from_nanos(budget.window),
    }
}

fn graph(parts: &Parts, decl: &GraphDeclaration, index: usize, types: &[&'static WireType]) -> GraphDecl {
    let inputs = decl.inputs.iter().map(|input| {
        let presence = if input.required { Presence::Required } else { Presence::Optional };
        InputDecl::encoded(input.accumulator.clone(), presence, types[input.payload])
    });
    let terminals = decl
        .terminals
        .iter()
        .map(|terminal| TerminalDecl::encoded(terminal.name.clone(), types[terminal.payload]));
    let edges = decl.edges.iter().map(|edge| Edge {
        from: edge.from.clone(),
        to: edge.to.clone(),
        variant: edge.variant.clone(),
    });
    let topology = Topology {
        sources: decl.inputs.iter().map(|input| input.accumulator.clone()).collect(),
        nodes: decl.nodes.clone(),
        edges: edges.collect(),
    };
    let (parts, n_terminals) = (parts.clone(), decl.terminals.len());
    let make = move || -> Box<dyn GraphPart> { Box::new(RemoteGraph::new(parts.graph(index, n_terminals))) };
    let reactor = decl.reactor.as_deref().map(Into::into);
    let mut made = GraphDecl::new(
        decl.name.clone(),
        reactor,
        inputs.collect(),
        terminals.collect(),
        topology,
        Arc::new(make),
    )
    .placement(match decl.placement {
        PlacementDeclaration::InPlace => GraphPlacement::InPlace,
        PlacementDeclaration::Detached => GraphPlacement::Detached,
        PlacementDeclaration::Blocking => GraphPlacement::Blocking,
    })
    .delivery_capacity(count(decl.delivery_capacity))
    .budget(budget(decl.budget));
    made.deadline = decl.deadline.map(Duration::from_nanos);
    made.overflow = decl.overflow.map(overflow);
    made
}

fn workflow(decl: &WorkflowDeclaration) -> WorkflowDecl {
    let mut workflow = WorkflowDecl::new(decl.name.clone());
    for task in &decl.tasks {
        workflow = match &task.invokes {
            None => workflow.task(task.name.clone()),
            Some(graph) => workflow.invoking(task.name.clone(), graph.clone()),
        };
    }
    for subscription in &decl.subscriptions {
        workflow = match subscription {
            SubscriptionDeclaration::Trigger(trigger) => workflow.on_trigger(trigger.clone()),
            SubscriptionDeclaration::Reactor(reactor) => workflow.on_reactor(reactor.clone()),
        };
    }
    workflow
}
