//! What each package owns, and who refers to what: so that a guard looks at what it is asked for, however much else is
//! loaded.

use super::actual::Actual;
use super::feed::Feed;
use super::plan::{Record, Step};
use super::shared::Shared;
use crate::id::{AccumulatorName, GraphName, PackageName, ReactorName, TriggerName, WorkflowName};
use crate::package::{Share, SubscriptionDecl};
use std::collections::{BTreeMap, BTreeSet};

/// The names that a package owns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Belongings {
    pub(super) crons: BTreeSet<TriggerName>,
    pub(super) polls: BTreeSet<TriggerName>,
    pub(super) reactors: BTreeSet<ReactorName>,
    /// The cells of shared accumulators.
    pub(super) shares: BTreeSet<ReactorName>,
    pub(super) accumulators: BTreeSet<AccumulatorName>,
    pub(super) graphs: BTreeSet<GraphName>,
    pub(super) workflows: BTreeSet<WorkflowName>,
}

/// Names by their owners, and names by what they refer to. It follows from the tables of [`Actual`], which changes both
/// in one go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    owned: Shared<BTreeMap<PackageName, Shared<Belongings>>>,
    bound: Shared<BTreeMap<ReactorName, BTreeSet<GraphName>>>,
    started: Shared<BTreeMap<SubscriptionDecl, BTreeSet<WorkflowName>>>,
    invoking: Shared<BTreeMap<GraphName, BTreeSet<WorkflowName>>>,
}

impl Index {
    /// What `package` owns; nothing, if it is not loaded.
    pub(super) fn owned_by(&self, package: &PackageName) -> Shared<Belongings> {
        self.owned.get(package).cloned().unwrap_or_default()
    }

    /// The graphs that name `reactor`.
    pub(super) fn bound_to(&self, reactor: &ReactorName) -> impl Iterator<Item = &GraphName> {
        self.bound.get(reactor).into_iter().flatten()
    }

    /// The workflows that `subscription` starts.
    pub(super) fn started_by(&self, subscription: &SubscriptionDecl) -> impl Iterator<Item = &WorkflowName> {
        self.started.get(subscription).into_iter().flatten()
    }

    /// The workflows that invoke `graph`.
    pub(super) fn invoking(&self, graph: &GraphName) -> impl Iterator<Item = &WorkflowName> {
        self.invoking.get(graph).into_iter().flatten()
    }

    pub(super) fn add(&mut self, step: &Step) {
        let owned = self.owned.entry(step.package.clone()).or_default();
        match &step.record {
            Record::Cron(name) => {
                owned.crons.insert(name.clone());
            }
            Record::Poll(name) => {
                owned.polls.insert(name.clone());
            }
            Record::Reactor(name, contract) => {
                owned.accumulators.extend(contract.offers.iter().map(|offer| offer.accumulator.clone()));
                owned.reactors.insert(name.clone());
            }
            Record::Shared(name, _) => {
                owned.accumulators.insert(name.clone());
                owned.shares.insert(Share::cell_name(name));
            }
            Record::InvokedGraph(name, graph) | Record::BoundGraph(name, graph) => {
                owned.graphs.insert(name.clone());
                if let Some(reactor) = &graph.reactor {
                    insert(&mut self.bound, reactor, name);
                }
            }
            Record::Workflow(name, workflow) => {
                owned.workflows.insert(name.clone());
                for subscription in &workflow.subscriptions {
                    insert(&mut self.started, subscription, name);
                }
                for graph in &workflow.invokes {
                    insert(&mut self.invoking, graph, name);
                }
            }
        }
    }

    pub(super) fn remove(&mut self, step: &Step) {
        self.disown(step);
        match &step.record {
            Record::InvokedGraph(name, graph) | Record::BoundGraph(name, graph) => {
                if let Some(reactor) = &graph.reactor {
                    remove(&mut self.bound, reactor, name);
                }
            }
            Record::Workflow(name, workflow) => {
                for subscription in &workflow.subscriptions {
                    remove(&mut self.started, subscription, name);
                }
                for graph in &workflow.invokes {
                    remove(&mut self.invoking, graph, name);
                }
            }
            Record::Cron(_) | Record::Poll(_) | Record::Reactor(..) | Record::Shared(..) => {}
        }
    }

    fn disown(&mut self, step: &Step) {
        let Some(owned) = self.owned.get_mut(&step.package) else { return };
        match &step.record {
            Record::Cron(name) => {
                owned.crons.remove(name);
            }
            Record::Poll(name) => {
                owned.polls.remove(name);
            }
            Record::Reactor(name, contract) => {
                for offer in &contract.offers {
                    owned.accumulators.remove(&offer.accumulator);
                }
                owned.reactors.remove(name);
            }
            Record::Shared(name, _) => {
                owned.accumulators.remove(name);
                owned.shares.remove(&Share::cell_name(name));
            }
            Record::InvokedGraph(name, _) | Record::BoundGraph(name, _) => {
                owned.graphs.remove(name);
            }
            Record::Workflow(name, _) => {
                owned.workflows.remove(name);
            }
        }
        // No key for nothing: what went leaves no trace.
        if **owned == Belongings::default() {
            self.owned.remove(&step.package);
        }
    }
}

fn insert<K: Ord + Clone, N: Ord + Clone>(table: &mut BTreeMap<K, BTreeSet<N>>, key: &K, name: &N) {
    table.entry(key.clone()).or_default().insert(name.clone());
}

fn remove<K: Ord, N: Ord>(table: &mut BTreeMap<K, BTreeSet<N>>, key: &K, name: &N) {
    let Some(names) = table.get_mut(key) else { return };
    names.remove(name);
    // No key for nothing: what went leaves no trace.
    if names.is_empty() {
        table.remove(key);
    }
}

impl Actual {
    /// The reactors that `package` owns, by name.
    pub fn reactors_of(&self, package: &PackageName) -> Vec<ReactorName> {
        self.index.owned_by(package).reactors.iter().cloned().collect()
    }

    /// The terminals that feed `accumulator`.
    pub(super) fn feeding(&self, accumulator: &AccumulatorName) -> impl Iterator<Item = &Feed> {
        let from = Feed::least_of(accumulator);
        self.feeds.range(from..).take_while(|feed| feed.accumulator == *accumulator)
    }
}
