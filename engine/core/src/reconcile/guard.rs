//! Planning an unload: the guard. A refusal names every holder of every kind.

use super::actual::{Actual, Hold, Pin};
use super::plan::Plan;
use crate::id::{
    AccumulatorName, GraphName, PackageName, ReactorName, TerminalName, TriggerName, WorkflowName,
};
use crate::package::SubscriptionDecl;
use std::collections::BTreeSet;
use std::fmt;

/// Something that others hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// Graphs of other packages are bound to a reactor, or their seats are reserved for a restart.
    Subscribers {
        /// The reactor.
        reactor: ReactorName,
        /// The graphs, with their packages.
        graphs: Vec<(GraphName, PackageName, Hold)>,
    },
    /// Workflows of other packages start when a reactor fires.
    ReactorTrigger {
        /// The reactor.
        reactor: ReactorName,
        /// The workflows, with their packages.
        workflows: Vec<(WorkflowName, PackageName)>,
    },
    /// Workflows of other packages start when a trigger fires.
    Trigger {
        /// The trigger.
        trigger: TriggerName,
        /// The workflows, with their packages.
        workflows: Vec<(WorkflowName, PackageName)>,
    },
    /// Tasks of other packages' workflows invoke a graph.
    Invoked {
        /// The graph.
        graph: GraphName,
        /// The workflows, with their packages.
        workflows: Vec<(WorkflowName, PackageName)>,
    },
    /// Terminals of other packages' graphs feed an accumulator.
    Fed {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The terminals, with their packages.
        terminals: Vec<(GraphName, TerminalName, PackageName)>,
    },
    /// Runs, or starts in flight, hold its version.
    Pinned {
        /// What holds it.
        holders: Vec<String>,
    },
}

/// Why a package was not unloaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnloadRefusal {
    /// It is not loaded.
    #[error("E0470: package '{package}' is not loaded; it may have been unloaded already")]
    NotLoaded {
        /// The package.
        package: PackageName,
    },
    /// Others hold it.
    #[error("E0471: {}; unload subscribers first", sentences(holdings))]
    Held {
        /// What is held, with the package that owns it.
        holdings: Vec<(PackageName, Holding)>,
    },
}

fn sentences(holdings: &[(PackageName, Holding)]) -> String {
    let each = holdings.iter().map(|(package, holding)| format!("package '{package}' {holding}"));
    each.collect::<Vec<_>>().join("; ")
}

fn named<N: fmt::Display>(holders: &[(N, PackageName)]) -> String {
    let each = holders.iter().map(|(name, package)| format!("\"{name}\" ({package})"));
    each.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscribers { reactor, graphs } => {
                let each = graphs.iter().map(|(name, package, hold)| match hold {
                    Hold::Reserved => format!("\"{name}\" ({package}, restarting)"),
                    Hold::Linked | Hold::Released => format!("\"{name}\" ({package})"),
                });
                let each = each.collect::<Vec<_>>().join(", ");
                let n = graphs.len();
                write!(f, "owns reactor '{reactor}', which has {n} bound subscriber(s): [{each}]")
            }
            Self::ReactorTrigger { reactor, workflows } => {
                let (n, each) = (workflows.len(), named(workflows));
                write!(f, "owns reactor '{reactor}', which starts {n} workflow(s): [{each}]")
            }
            Self::Trigger { trigger, workflows } => {
                let (n, each) = (workflows.len(), named(workflows));
                write!(f, "owns trigger '{trigger}', which starts {n} workflow(s): [{each}]")
            }
            Self::Invoked { graph, workflows } => {
                let (n, each) = (workflows.len(), named(workflows));
                write!(f, "owns graph '{graph}', which {n} workflow(s) invoke: [{each}]")
            }
            Self::Fed { accumulator, terminals } => {
                let each =
                    terminals.iter().map(|(graph, terminal, p)| format!("\"{graph}.{terminal}\" ({p})"));
                let (n, each) = (terminals.len(), each.collect::<Vec<_>>().join(", "));
                write!(f, "owns accumulator '{accumulator}', which {n} terminal(s) feed: [{each}]")
            }
            Self::Pinned { holders } => write!(f, "is held by {}: [{}]", holders.len(), holders.join(", ")),
        }
    }
}

/// The plan that unloads `names` as one.
///
/// # Errors
/// [`UnloadRefusal`], with every holder; nothing changes.
pub fn plan_unload(actual: &Actual, names: &[PackageName]) -> Result<Plan, UnloadRefusal> {
    if let Some(absent) = names.iter().find(|name| !actual.packages.contains_key(*name)) {
        return Err(UnloadRefusal::NotLoaded { package: absent.clone() });
    }
    let leaving: BTreeSet<_> = names.iter().collect();
    let holdings: Vec<_> = names
        .iter()
        .flat_map(|name| holdings(actual, name, &leaving).into_iter().map(|holding| (name.clone(), holding)))
        .collect();
    if holdings.is_empty() { Ok(Plan::down(actual, names)) } else { Err(UnloadRefusal::Held { holdings }) }
}

/// What of `package` is held by packages that are not `leaving` with it. Only what it owns is looked at, and who refers to
/// that: what a refusal costs depends on the length of its answer, not on what else is loaded.
fn holdings(actual: &Actual, package: &PackageName, leaving: &BTreeSet<&PackageName>) -> Vec<Holding> {
    let stays = |holder: &PackageName| !leaving.contains(holder);
    let owned = actual.index.owned_by(package);
    let mut found = Vec::new();
    for reactor in &owned.reactors {
        let bound = actual.bound_to(reactor).filter(|(_, graph)| stays(&graph.package));
        let held = bound.map(|(name, graph)| (name.clone(), graph.package.clone(), actual.hold(name)));
        let graphs: Vec<_> = held.filter(|(_, _, hold)| *hold != Hold::Released).collect();
        if !graphs.is_empty() {
            found.push(Holding::Subscribers { reactor: reactor.clone(), graphs });
        }
        let workflows = started(actual, SubscriptionDecl::Reactor(reactor.clone()), &stays);
        if !workflows.is_empty() {
            found.push(Holding::ReactorTrigger { reactor: reactor.clone(), workflows });
        }
    }
    for accumulator in &owned.accumulators {
        let terminals = actual.feeding(accumulator).filter_map(|feed| {
            let from = actual.graphs.get(&feed.graph).map(|graph| graph.package.clone())?;
            stays(&from).then(|| (feed.graph.clone(), feed.terminal.clone(), from))
        });
        let terminals: Vec<_> = terminals.collect();
        if !terminals.is_empty() {
            found.push(Holding::Fed { accumulator: accumulator.clone(), terminals });
        }
    }
    for graph in &owned.graphs {
        let workflows = with_packages(actual, actual.index.invoking(graph), &stays);
        if !workflows.is_empty() {
            found.push(Holding::Invoked { graph: graph.clone(), workflows });
        }
    }
    for trigger in owned.crons.iter().chain(&owned.polls) {
        let workflows = started(actual, SubscriptionDecl::Trigger(trigger.clone()), &stays);
        if !workflows.is_empty() {
            found.push(Holding::Trigger { trigger: trigger.clone(), workflows });
        }
    }
    let pins = actual.pins.range(Pin::least_of(package)..).take_while(|pin| pin.package == *package);
    let holders: Vec<_> = pins.map(|pin| pin.holder.clone()).collect();
    if !holders.is_empty() {
        found.push(Holding::Pinned { holders });
    }
    found
}

fn started(
    actual: &Actual,
    subscription: SubscriptionDecl,
    stays: &dyn Fn(&PackageName) -> bool,
) -> Vec<(WorkflowName, PackageName)> {
    with_packages(actual, actual.index.started_by(&subscription), stays)
}

fn with_packages<'a>(
    actual: &Actual,
    workflows: impl Iterator<Item = &'a WorkflowName>,
    stays: &dyn Fn(&PackageName) -> bool,
) -> Vec<(WorkflowName, PackageName)> {
    let owned = workflows.filter_map(|name| Some((name, &actual.workflows.get(name)?.package)));
    owned.filter(|(_, owner)| stays(owner)).map(|(name, owner)| (name.clone(), owner.clone())).collect()
}

impl Holding {
    /// The packages that hold.
    pub fn holders(&self) -> Vec<PackageName> {
        match self {
            Self::Subscribers { graphs, .. } => {
                graphs.iter().map(|(_, package, _)| package.clone()).collect()
            }
            Self::ReactorTrigger { workflows, .. }
            | Self::Trigger { workflows, .. }
            | Self::Invoked { workflows, .. } => {
                workflows.iter().map(|(_, package)| package.clone()).collect()
            }
            Self::Fed { terminals, .. } => terminals.iter().map(|(_, _, package)| package.clone()).collect(),
            Self::Pinned { .. } => Vec::new(),
        }
    }
}

/// The order in which dependants would have to go so that `package` can: those that hold others last,
/// `package` itself at the end. Packages that hold each other can only go together.
///
/// # Errors
/// [`UnloadRefusal::NotLoaded`].
pub fn dependants(actual: &Actual, package: &PackageName) -> Result<Vec<PackageName>, UnloadRefusal> {
    if !actual.packages.contains_key(package) {
        return Err(UnloadRefusal::NotLoaded { package: package.clone() });
    }
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    visit(actual, package, &mut seen, &mut order);
    Ok(order)
}

fn visit(
    actual: &Actual,
    package: &PackageName,
    seen: &mut BTreeSet<PackageName>,
    order: &mut Vec<PackageName>,
) {
    if !seen.insert(package.clone()) {
        return;
    }
    let own = BTreeSet::from([package]);
    let holders: BTreeSet<_> = holdings(actual, package, &own).iter().flat_map(Holding::holders).collect();
    for holder in holders {
        visit(actual, &holder, seen, order);
    }
    order.push(package.clone());
}
