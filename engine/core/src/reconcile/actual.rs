//! What is loaded, as a snapshot: names with their owners, contracts, and what holds what.

use super::contract::Contract;
use super::feed::Feed;
use super::index::Index;
use super::plan::{Direction, GraphRecord, Plan, Record, Step, WorkflowRecord};
use super::share::Shares;
use super::shared::Shared;
use crate::id::{AccumulatorName, GraphName, PackageName, ReactorName, TriggerName, WorkflowName};
use crate::package::{Package, Release, Requirement, Share, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Something with the package that owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned<T> {
    /// The owner.
    pub package: PackageName,
    /// What it owns.
    pub value: T,
}

/// A package that is loaded, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its version.
    pub version: Version,
    /// Its release, if it states one.
    pub release: Option<Release>,
    /// The digest of its manifest, if it has one.
    pub manifest: Option<Arc<str>>,
    /// What it needs of others.
    pub requirements: Vec<Requirement>,
}

impl Loaded {
    /// What is remembered of `package` in `version`.
    pub fn of(package: &Package, version: &Version) -> Self {
        Self {
            version: version.clone(),
            release: package.stated_release().cloned(),
            manifest: package.manifest_digest().cloned(),
            requirements: package.requirements(),
        }
    }
}

/// What keeps a graph's seat at its reactor, as the reactor itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Hold {
    /// Its actor lives and is monitored.
    #[default]
    Linked,
    /// Its actor died, and is to come back.
    Reserved,
    /// It is quarantined: nothing is kept for it.
    Released,
}

/// What holds a version besides its names: a run that is live or resumable, or a start in flight.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pin {
    /// The package that is held.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// What holds it.
    pub holder: String,
}

impl Pin {
    /// What lies before all that hold `package`.
    pub(super) fn least_of(package: &PackageName) -> Self {
        Self { package: package.clone(), version: Version::from(""), holder: String::new() }
    }
}

/// Why a version is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// The package.
    pub package: PackageName,
    /// What failed.
    pub reason: String,
}

/// What is loaded. A snapshot is cheap to take: each table is shared until somebody changes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actual {
    /// The engine has no journal: nothing can be durable.
    pub lacks_journal: bool,
    /// The packages.
    pub packages: Shared<BTreeMap<PackageName, Loaded>>,
    /// Cron triggers.
    pub crons: Shared<BTreeMap<TriggerName, PackageName>>,
    /// Poll triggers; their names are one with those of cron triggers.
    pub polls: Shared<BTreeMap<TriggerName, PackageName>>,
    /// Reactors, with what they offer.
    pub reactors: Shared<BTreeMap<ReactorName, Owned<Contract>>>,
    /// Shared accumulators, by the names of their cells.
    pub shares: Shared<Shares>,
    /// Accumulators, with their reactor, or the cell of their own that they have if they are shared.
    pub accumulators: Shared<BTreeMap<AccumulatorName, Owned<ReactorName>>>,
    /// Graphs, bound and trigger-less.
    pub graphs: Shared<BTreeMap<GraphName, Owned<GraphRecord>>>,
    /// Who owns and who refers to what: what a guard asks for.
    pub(super) index: Index,
    /// What keeps the seat of a graph, where it is not a link.
    pub holds: Shared<BTreeMap<GraphName, Hold>>,
    /// Workflows.
    pub workflows: Shared<BTreeMap<WorkflowName, Owned<WorkflowRecord>>>,
    /// Sinks into accumulators.
    pub feeds: Shared<BTreeSet<Feed>>,
    /// What holds versions.
    pub pins: Shared<BTreeSet<Pin>>,
    /// Packages that wait for reactors.
    pub parked: Shared<BTreeMap<PackageName, Vec<ReactorName>>>,
    /// Versions that are kept out.
    pub quarantined: Shared<BTreeMap<Version, Quarantine>>,
}

impl Actual {
    /// Who owns a trigger.
    pub fn trigger(&self, trigger: &TriggerName) -> Option<&PackageName> {
        self.crons.get(trigger).or_else(|| self.polls.get(trigger))
    }

    /// The graphs that are bound to `reactor`, with what is remembered of them.
    pub fn bound_to<'a>(
        &'a self,
        reactor: &'a ReactorName,
    ) -> impl Iterator<Item = (&'a GraphName, &'a Owned<GraphRecord>)> {
        let known = self.index.bound_to(reactor).filter_map(|name| self.graphs.get_key_value(name));
        // A name that is taken twice is refused, but planned with before.
        known.filter(move |(_, graph)| graph.value.reactor.as_ref() == Some(reactor))
    }

    /// What keeps the seat of `graph`.
    pub fn hold(&self, graph: &GraphName) -> Hold {
        self.holds.get(graph).copied().unwrap_or_default()
    }

    /// Carry `plan` out, on paper.
    pub fn apply(&mut self, plan: &Plan) {
        for upgrade in &plan.upgrades {
            self.packages.insert(upgrade.package.clone(), upgrade.to.clone());
        }
        match plan.direction {
            Direction::Up => {
                self.packages.extend(plan.packages.iter().cloned());
                for step in &plan.steps {
                    self.add(step);
                }
                self.feeds.extend(plan.feeds.iter().cloned());
            }
            Direction::Down => {
                for feed in &plan.feeds {
                    self.feeds.remove(feed);
                }
                for step in &plan.steps {
                    self.remove(step);
                }
                for (package, _) in &plan.packages {
                    self.packages.remove(package);
                }
            }
        }
    }

    fn add(&mut self, step: &Step) {
        self.index.add(step);
        let package = step.package.clone();
        match &step.record {
            Record::Cron(name) => drop(self.crons.insert(name.clone(), package)),
            Record::Poll(name) => drop(self.polls.insert(name.clone(), package)),
            Record::Reactor(name, contract) => {
                for offer in &contract.offers {
                    let owned = Owned { package: package.clone(), value: name.clone() };
                    self.accumulators.insert(offer.accumulator.clone(), owned);
                }
                self.reactors.insert(name.clone(), Owned { package, value: contract.clone() });
            }
            Record::Shared(name, share) => {
                let cell = Share::cell_name(name);
                let owned = Owned { package: package.clone(), value: cell.clone() };
                self.accumulators.insert(name.clone(), owned);
                self.shares.insert(cell, Owned { package, value: share.clone() });
            }
            Record::InvokedGraph(name, graph) | Record::BoundGraph(name, graph) => {
                self.graphs.insert(name.clone(), Owned { package, value: graph.clone() });
            }
            Record::Workflow(name, workflow) => {
                self.workflows.insert(name.clone(), Owned { package, value: workflow.clone() });
            }
        }
    }

    fn remove(&mut self, step: &Step) {
        self.index.remove(step);
        match &step.record {
            Record::Cron(name) => drop(self.crons.remove(name)),
            Record::Poll(name) => drop(self.polls.remove(name)),
            Record::Reactor(name, contract) => {
                for offer in &contract.offers {
                    self.accumulators.remove(&offer.accumulator);
                }
                self.reactors.remove(name);
            }
            Record::Shared(name, _) => {
                self.accumulators.remove(name);
                self.shares.remove(&Share::cell_name(name));
            }
            Record::InvokedGraph(name, _) | Record::BoundGraph(name, _) => {
                self.graphs.remove(name);
                self.holds.remove(name);
            }
            Record::Workflow(name, _) => drop(self.workflows.remove(name)),
        }
    }

    /// References that lead nowhere. There are none after any plan, but for graphs that were released.
    pub fn dangling(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, graph) in self.graphs.iter() {
            let lost = graph.value.reactor.as_ref().filter(|reactor| !self.reactors.contains_key(*reactor));
            if let Some(reactor) = lost.filter(|_| self.hold(name) != Hold::Released) {
                found.push(format!("graph {name} is bound to {reactor}"));
            }
        }
        for (name, workflow) in self.workflows.iter() {
            let subscribed = workflow.value.unresolved(self).into_iter();
            found.extend(subscribed.map(|what| format!("workflow {name} refers to {what}")));
        }
        for feed in self.feeds.iter() {
            if !self.graphs.contains_key(&feed.graph) || !self.accumulators.contains_key(&feed.accumulator) {
                found.push(format!("{}.{} feeds {}", feed.graph, feed.terminal, feed.accumulator));
            }
        }
        let owners = self.reactors.values().map(|owned| &owned.package);
        let owners = owners.chain(self.graphs.values().map(|owned| &owned.package));
        let owners = owners.chain(self.workflows.values().map(|owned| &owned.package));
        let owners = owners.chain(self.crons.values()).chain(self.polls.values());
        let lost: BTreeSet<_> = owners.filter(|owner| !self.packages.contains_key(*owner)).collect();
        found.extend(lost.into_iter().map(|owner| format!("names of {owner}, which is not loaded")));
        found
    }
}
