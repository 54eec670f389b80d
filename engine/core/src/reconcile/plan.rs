//! A plan: the steps from what is to what is wanted, in precedence order.

use super::actual::{Actual, Loaded, Owned};
use super::contract::{Contract, Read};
use super::feed::Feed;
use super::share::{ShareRecord, Shares};
use crate::graph::GraphDecl;
use crate::id::{
    AccumulatorName, GraphName, PackageName, ReactorName, TerminalName, TriggerName, WorkflowName,
};
use crate::package::{Package, Share, SubscriptionDecl, Version, WorkflowDecl};
use crate::payload::PayloadType;
use std::collections::BTreeSet;
use std::fmt;

/// A graph as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphRecord {
    /// The reactor it is bound to; none for a trigger-less graph.
    pub reactor: Option<ReactorName>,
    /// What it reads.
    pub reads: Vec<Read>,
    /// What it yields.
    pub terminals: Vec<(TerminalName, PayloadType)>,
}

/// A workflow as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRecord {
    /// What starts it.
    pub subscriptions: Vec<SubscriptionDecl>,
    /// Trigger-less graphs that its tasks invoke.
    pub invokes: Vec<GraphName>,
}

/// What a step is about. The order of the variants is the precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A cron trigger.
    Cron(TriggerName),
    /// A poll trigger.
    Poll(TriggerName),
    /// A reactor with its accumulators.
    Reactor(ReactorName, Contract),
    /// An accumulator that several reactors share, with its cell.
    Shared(AccumulatorName, ShareRecord),
    /// A graph that is invoked.
    InvokedGraph(GraphName, GraphRecord),
    /// A graph that is bound to a reactor.
    BoundGraph(GraphName, GraphRecord),
    /// A workflow.
    Workflow(WorkflowName, WorkflowRecord),
}

/// One change, with its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The package it belongs to.
    pub package: PackageName,
    /// What it is about.
    pub record: Record,
}

/// Whether a plan brings things up or takes them down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It loads.
    Up,
    /// It unloads.
    Down,
}

/// The steps from what is to what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Which way it goes.
    pub direction: Direction,
    /// Packages that come or go.
    pub packages: Vec<(PackageName, Loaded)>,
    /// The steps, in the order in which they are carried out.
    pub steps: Vec<Step>,
    /// Feeds that come or go with them.
    pub feeds: Vec<Feed>,
    /// Packages that were wanted and are loaded in that very version.
    pub unchanged: Vec<PackageName>,
    /// Packages that are loaded and go on in another version.
    pub upgrades: Vec<Upgrade>,
}

/// A package that goes on in another version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The package.
    pub package: PackageName,
    /// What is loaded.
    pub from: Loaded,
    /// What takes its place.
    pub to: Loaded,
}

impl Upgrade {
    fn reversed(&self) -> Self {
        Self { package: self.package.clone(), from: self.to.clone(), to: self.from.clone() }
    }
}

impl Record {
    /// Its place in the precedence: cron triggers 1, poll triggers 2, reactors with their accumulators 3, trigger-less graphs 4,
    /// bound graphs 5, workflows 6.
    pub fn precedence(&self) -> u8 {
        match self {
            Self::Cron(_) => 1,
            Self::Poll(_) => 2,
            Self::Reactor(..) | Self::Shared(..) => 3,
            Self::InvokedGraph(..) => 4,
            Self::BoundGraph(..) => 5,
            Self::Workflow(..) => 6,
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(name) => write!(f, "cron trigger {name}"),
            Self::Poll(name) => write!(f, "poll trigger {name}"),
            Self::Reactor(name, _) => write!(f, "reactor {name}"),
            Self::Shared(name, _) => write!(f, "accumulator {name}"),
            Self::InvokedGraph(name, _) | Self::BoundGraph(name, _) => write!(f, "graph {name}"),
            Self::Workflow(name, _) => write!(f, "workflow {name}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of package {}", self.record, self.package)
    }
}

impl Plan {
    /// A plan without steps.
    pub fn nothing(unchanged: Vec<PackageName>) -> Self {
        Self {
            direction: Direction::Up,
            packages: Vec::new(),
            steps: Vec::new(),
            feeds: Vec::new(),
            unchanged,
            upgrades: Vec::new(),
        }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.steps.is_empty() && self.feeds.is_empty() && self.upgrades.is_empty()
    }

    /// The shared accumulators that come or go with it.
    pub fn shares(&self) -> Shares {
        let shares = self.steps.iter().filter_map(|step| match &step.record {
            Record::Shared(name, share) => {
                let owned = Owned { package: step.package.clone(), value: share.clone() };
                Some((Share::cell_name(name), owned))
            }
            _ => None,
        });
        shares.collect()
    }

    /// The plan that leads back: the same list reversed.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            direction: match self.direction {
                Direction::Up => Direction::Down,
                Direction::Down => Direction::Up,
            },
            packages: self.packages.iter().rev().cloned().collect(),
            steps: self.steps.iter().rev().cloned().collect(),
            feeds: self.feeds.iter().rev().cloned().collect(),
            unchanged: Vec::new(),
            upgrades: self.upgrades.iter().map(Upgrade::reversed).collect(),
        }
    }

    /// Whether it has to do with `package`: by its name, or by a name that both have.
    pub fn concerns(&self, package: &Package) -> bool {
        if self.packages.iter().any(|(name, _)| name == package.name()) {
            return true;
        }
        let taken = names(&self.steps);
        names(&steps_of(package)).iter().any(|name| taken.contains(name))
    }

    /// The plan that brings `packages` up, in precedence order.
    pub(crate) fn up(packages: &[(&Package, Version)]) -> Self {
        let mut steps: Vec<Step> = packages.iter().flat_map(|(package, _)| steps_of(package)).collect();
        // Stable: within a precedence, packages and declarations keep their order.
        steps.sort_by_key(|step| step.record.precedence());
        let packages =
            packages.iter().map(|(package, version)| (package.name().clone(), Loaded::of(package, version)));
        Self {
            direction: Direction::Up,
            packages: packages.collect(),
            steps,
            feeds: Vec::new(),
            unchanged: Vec::new(),
            upgrades: Vec::new(),
        }
    }

    /// The plan that takes down what `names` own, in reverse precedence order.
    pub(crate) fn down(actual: &Actual, names: &[PackageName]) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        // The packages are named in the order in which they go: whoever comes first is last in this list.
        for package in names.iter().rev() {
            let records = actual.records_of(package);
            steps.extend(records.into_iter().map(|record| Step { package: package.clone(), record }));
        }
        // Stable: within a precedence, packages keep their order.
        steps.sort_by_key(|step| step.record.precedence());
        steps.reverse();
        let leaving: BTreeSet<_> = names.iter().collect();
        let owned = |package| leaving.contains(package);
        let feeds = actual.feeds.iter();
        let feeds = feeds.filter(|feed| actual.graphs.get(&feed.graph).is_some_and(|g| owned(&g.package)));
        let packages =
            names.iter().filter_map(|name| Some((name.clone(), actual.packages.get(name)?.clone())));
        Self {
            direction: Direction::Down,
            packages: packages.collect(),
            steps,
            feeds: feeds.cloned().collect(),
            unchanged: Vec::new(),
            upgrades: Vec::new(),
        }
    }
}

impl Actual {
    /// All that `package` owns, in precedence order and by name.
    fn records_of(&self, package: &PackageName) -> Vec<Record> {
        let owned = self.index.owned_by(package);
        let crons = owned.crons.iter().cloned().map(Record::Cron);
        let polls = owned.polls.iter().cloned().map(Record::Poll);
        let reactors = owned.reactors.iter().filter_map(|name| {
            let reactor = self.reactors.get(name)?;
            Some(Record::Reactor(name.clone(), reactor.value.clone()))
        });
        let shares = owned.shares.iter().filter_map(|cell| {
            let share = &self.shares.get(cell)?.value;
            Some(Record::Shared(share.offer.accumulator.clone(), share.clone()))
        });
        let graphs = owned.graphs.iter().filter_map(|name| {
            let graph = self.graphs.get(name)?;
            Some(graph_record(name.clone(), graph.value.clone()))
        });
        let workflows = owned.workflows.iter().filter_map(|name| {
            let workflow = self.workflows.get(name)?;
            Some(Record::Workflow(name.clone(), workflow.value.clone()))
        });
        crons.chain(polls).chain(reactors).chain(shares).chain(graphs).chain(workflows).collect()
    }
}

fn graph_record(name: GraphName, graph: GraphRecord) -> Record {
    if graph.reactor.is_some() { Record::BoundGraph(name, graph) } else { Record::InvokedGraph(name, graph) }
}

/// What `steps` are about, by kind and name.
fn names(steps: &[Step]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for step in steps {
        names.insert(step.record.to_string());
        if let Record::Reactor(_, contract) = &step.record {
            names.extend(contract.offers.iter().map(|offer| format!("accumulator {}", offer.accumulator)));
        }
    }
    names
}

fn steps_of(package: &Package) -> Vec<Step> {
    let crons = package.crons().iter().map(|cron| Record::Cron(cron.name.clone()));
    let polls = package.polls().iter().map(|poll| Record::Poll(poll.name.clone()));
    let reactors =
        package.reactors().iter().map(|decl| Record::Reactor(decl.name.clone(), Contract::of(decl)));
    let shares = package.shares();
    let shares = shares.iter().map(|share| Record::Shared(share.decl.name.clone(), ShareRecord::of(share)));
    let graphs = package.graphs().iter().map(|decl| graph_record(decl.name.clone(), GraphRecord::of(decl)));
    let workflows =
        package.workflows().iter().map(|decl| Record::Workflow(decl.name.clone(), WorkflowRecord::of(decl)));
    let records = crons.chain(polls).chain(reactors).chain(shares).chain(graphs).chain(workflows);
    records.map(|record| Step { package: package.name().clone(), record }).collect()
}

impl GraphRecord {
    /// What is remembered of `decl`.
    pub fn of(decl: &GraphDecl) -> Self {
        let terminals = decl.terminals.iter().map(|terminal| (terminal.name.clone(), terminal.payload));
        Self { reactor: decl.reactor.clone(), reads: Read::all_of(decl), terminals: terminals.collect() }
    }
}

impl WorkflowRecord {
    /// What is remembered of `decl`.
    pub fn of(decl: &WorkflowDecl) -> Self {
        Self {
            subscriptions: decl.subscriptions.clone(),
            invokes: decl.tasks.iter().filter_map(|task| task.invokes.clone()).collect(),
        }
    }

    /// What it refers to that is not there.
    pub fn unresolved(&self, actual: &Actual) -> Vec<String> {
        let mut lost = Vec::new();
        for subscription in &self.subscriptions {
            match subscription {
                SubscriptionDecl::Trigger(name) if actual.trigger(name).is_none() => {
                    lost.push(format!("trigger {name}"));
                }
                SubscriptionDecl::Reactor(name) if !actual.reactors.contains_key(name) => {
                    lost.push(format!("reactor {name}"));
                }
                SubscriptionDecl::Trigger(_) | SubscriptionDecl::Reactor(_) => {}
            }
        }
        let invoked = |name: &&GraphName| {
            let graph = actual.graphs.get(*name);
            graph.is_none_or(|graph| graph.value.reactor.is_some())
        };
        lost.extend(self.invokes.iter().filter(invoked).map(|name| format!("trigger-less graph {name}")));
        lost
    }
}
