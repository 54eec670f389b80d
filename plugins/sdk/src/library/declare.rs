//! Declarations as data.

use super::types::Types;
use crate::{
    AccumulatorDecl, CriteriaDecl, FaultBudget, GraphDecl, GraphPlacement, Kind, Overflow, Package, Presence,
    ReactorDecl, Strategy, SubscriptionDecl, WorkflowDecl,
};
use acequia_abi::Fault;
use acequia_abi::declaration::{
    AccumulatorDeclaration, BudgetDeclaration, CriteriaDeclaration, CronDeclaration, EdgeDeclaration,
    GraphDeclaration, InputDeclaration, KindDeclaration, OverflowDeclaration, PackageDeclaration,
    PlacementDeclaration, PollDeclaration, ReactorDeclaration, RequirementDeclaration, StrategyDeclaration,
    SubscriptionDeclaration, TaskDeclaration, TerminalDeclaration, WorkflowDeclaration,
};
use acequia_core::payload::PayloadType;
use std::time::Duration;

/// A package as data.
pub(super) fn package(package: &Package) -> Result<PackageDeclaration, Fault> {
    let types = Types::collect(package);
    let reactors = package.reactors().iter().map(|decl| reactor(decl, &types));
    let graphs = package.graphs().iter().map(|decl| graph(decl, &types));
    let requirements = package.stated_requirements().iter().map(|requirement| RequirementDeclaration {
        reactor: requirement.reactor.to_string(),
        package: requirement.package.as_ref().map(ToString::to_string),
        releases: requirement.releases.as_ref().map(ToString::to_string),
    });
    let crons = package
        .crons()
        .iter()
        .map(|cron| CronDeclaration { name: cron.name.to_string(), expression: cron.expression.clone() });
    let polls = package
        .polls()
        .iter()
        .map(|poll| PollDeclaration { name: poll.name.to_string(), interval: nanos(poll.interval) });
    Ok(PackageDeclaration {
        name: package.name().to_string(),
        reactors: reactors.collect::<Result<_, _>>()?,
        graphs: graphs.collect::<Result<_, _>>()?,
        requirements: requirements.collect(),
        crons: crons.collect(),
        polls: polls.collect(),
        workflows: package.workflows().iter().map(workflow).collect(),
        types: types.declared(),
        own_runtime: super::runtime::CAN_RUN,
    })
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn names<'n>(names: impl IntoIterator<Item = &'n acequia_core::AccumulatorName>) -> Vec<String> {
    names.into_iter().map(ToString::to_string).collect()
}

fn place(types: &Types, payload: PayloadType) -> Result<usize, Fault> {
    let unknown = || Fault::error(format_args!("type {} is not among those collected", payload.name()));
    types.position(payload).ok_or_else(unknown)
}

/// A filter is a closure, and only data crosses.
fn refuse_filter(what: &str, name: &str, has_filter: bool) -> Result<(), Fault> {
    if has_filter {
        let text = "has a filter that is a function, which cannot cross into the engine; filter in a node or an accumulator";
        return Err(Fault::error(format_args!("{what} {name} {text}")));
    }
    Ok(())
}

fn reactor(decl: &ReactorDecl, types: &Types) -> Result<ReactorDeclaration, Fault> {
    refuse_filter("reactor", decl.name.as_str(), decl.filter.is_some())?;
    let accumulators = decl.accumulators.iter().map(|decl| accumulator(decl, types));
    Ok(ReactorDeclaration {
        name: decl.name.to_string(),
        accumulators: accumulators.collect::<Result<_, _>>()?,
        criteria: match &decl.criteria {
            CriteriaDecl::Any(of) => CriteriaDeclaration::Any(names(of)),
            CriteriaDecl::All(of) => CriteriaDeclaration::All(names(of)),
            CriteriaDecl::KOf(k, of) => CriteriaDeclaration::KOf { k: *k as u64, of: names(of) },
        },
        strategy: match decl.strategy {
            Strategy::Latest => StrategyDeclaration::Latest,
            Strategy::Sequential => StrategyDeclaration::Sequential,
        },
        log_firings: decl.log_firings as u64,
        log_age: nanos(decl.log_age),
    })
}

fn accumulator(decl: &AccumulatorDecl, types: &Types) -> Result<AccumulatorDeclaration, Fault> {
    Ok(AccumulatorDeclaration {
        name: decl.name.to_string(),
        kind: match decl.kind {
            Kind::Passthrough => KindDeclaration::Passthrough,
            Kind::Stream => KindDeclaration::Stream,
            Kind::Polling => KindDeclaration::Polling,
            Kind::Batch => KindDeclaration::Batch,
            Kind::State => KindDeclaration::State,
            Kind::Window => KindDeclaration::Window,
            // Its part says what it does; the kind serves listings.
            _ => KindDeclaration::Custom,
        },
        event: place(types, decl.event)?,
        boundary: place(types, decl.boundary)?,
        identity: decl.is_identity(),
        source: decl.source.is_some(),
        capacity: decl.capacity as u64,
        overflow: overflow(decl.overflow)?,
        budget: budget(decl.budget),
    })
}

fn overflow(overflow: Overflow) -> Result<OverflowDeclaration, Fault> {
    Ok(match overflow {
        Overflow::Block => OverflowDeclaration::Block,
        Overflow::DropNewest => OverflowDeclaration::DropNewest,
        Overflow::DropOldest => OverflowDeclaration::DropOldest,
        Overflow::Coalesce => OverflowDeclaration::Coalesce,
        Overflow::DeadLetter => OverflowDeclaration::DeadLetter,
        other => return Err(Fault::error(format_args!("overflow policy {other:?} cannot cross"))),
    })
}

fn budget(budget: FaultBudget) -> BudgetDeclaration {
    BudgetDeclaration {
        attempts: budget.attempts,
        dead_letters: budget.dead_letters,
        faults: budget.faults,
        window: nanos(budget.window),
    }
}

fn graph(decl: &GraphDecl, types: &Types) -> Result<GraphDeclaration, Fault> {
    refuse_filter("graph", decl.name.as_str(), decl.filter.is_some())?;
    let inputs = decl.inputs.iter().map(|input| {
        Ok(InputDeclaration {
            accumulator: input.accumulator.to_string(),
            payload: place(types, input.payload)?,
            required: input.presence == Presence::Required,
        })
    });
    let terminals = decl.terminals.iter().map(|terminal| {
        Ok(TerminalDeclaration { name: terminal.name.to_string(), payload: place(types, terminal.payload)? })
    });
    let edges = decl.topology.edges.iter().map(|edge| EdgeDeclaration {
        from: edge.from.clone(),
        to: edge.to.clone(),
        variant: edge.variant.clone(),
    });
    Ok(GraphDeclaration {
        name: decl.name.to_string(),
        reactor: decl.reactor.as_ref().map(ToString::to_string),
        inputs: inputs.collect::<Result<_, Fault>>()?,
        terminals: terminals.collect::<Result<_, Fault>>()?,
        nodes: decl.topology.nodes.clone(),
        edges: edges.collect(),
        placement: match decl.placement {
            GraphPlacement::InPlace => PlacementDeclaration::InPlace,
            GraphPlacement::Detached => PlacementDeclaration::Detached,
            GraphPlacement::Blocking => PlacementDeclaration::Blocking,
        },
        deadline: decl.deadline.map(nanos),
        overflow: decl.overflow.map(overflow).transpose()?,
        delivery_capacity: decl.delivery_capacity as u64,
        budget: budget(decl.budget),
    })
}

fn workflow(decl: &WorkflowDecl) -> WorkflowDeclaration {
    let tasks = decl.tasks.iter().map(|task| TaskDeclaration {
        name: task.name.to_string(),
        invokes: task.invokes.as_ref().map(ToString::to_string),
    });
    let subscriptions = decl.subscriptions.iter().map(|subscription| match subscription {
        SubscriptionDecl::Trigger(trigger) => SubscriptionDeclaration::Trigger(trigger.to_string()),
        SubscriptionDecl::Reactor(reactor) => SubscriptionDeclaration::Reactor(reactor.to_string()),
    });
    WorkflowDeclaration {
        name: decl.name.to_string(),
        tasks: tasks.collect(),
        subscriptions: subscriptions.collect(),
    }
}
