//! Planning a load: everything that can be refused is refused here, every reason at once.

use super::actual::{Actual, Loaded, Owned};
use super::contract::Contract;
use super::feed::{SinkDecl, SinkError, check_sink};
use super::plan::{Plan, Record, Step};
use super::problem::{Problem, Refusal};
use super::requirement::{check_owners, check_releases};
use super::share::check_shares;
use super::upgrade::{other_version, plan_upgrade};
use crate::durable::unfit;
use crate::graph::GraphDecl;
use crate::id::{AccumulatorName, PackageName, ReactorName};
use crate::package::{Package, Share, Version};
use std::collections::{BTreeMap, BTreeSet};

/// What somebody wants loaded, as one.
pub struct Desired<'a> {
    /// The packages, with their versions.
    pub packages: Vec<(&'a Package, Version)>,
    /// Sinks for their graphs.
    pub sinks: Vec<SinkDecl>,
}

/// The plan that brings `desired` up.
///
/// # Errors
/// [`Refusal`], with every reason; nothing changes.
pub fn plan_load(actual: &Actual, desired: &Desired<'_>) -> Result<Plan, Refusal> {
    if let [(package, version)] = &desired.packages[..]
        && let Some(from) = other_version(actual, package.name(), version)
    {
        return plan_takeover(actual, package, version, from);
    }
    let mut problems = Vec::new();
    let mut unchanged = Vec::new();
    let mut fresh: Vec<(&Package, Version)> = Vec::new();
    for (package, version) in &desired.packages {
        let name = package.name();
        if fresh.iter().any(|(known, _)| known.name() == name) || unchanged.contains(name) {
            problems.push(Problem::Twice { package: name.clone() });
            continue;
        }
        check_quarantine(actual, package, version, &mut problems);
        match actual.packages.get(name) {
            Some(loaded) if loaded.version == *version => {
                problems.extend(other_manifest(package, loaded));
                unchanged.push(name.clone());
            }
            Some(loaded) => problems.push(Problem::OtherVersion {
                package: name.clone(),
                loaded: loaded.version.clone(),
                wanted: version.clone(),
            }),
            None => fresh.push((package, version.clone())),
        }
    }
    for (package, _) in &fresh {
        check_declarations(package, &mut problems);
        problems.extend(unfit(package, !actual.lacks_journal).into_iter().map(Problem::from));
    }
    let fresh = in_order(fresh);
    let mut plan = Plan::up(&fresh);
    let mut wanted = actual.clone();
    check_names(actual, &plan, &mut problems);
    wanted.apply(&plan);
    for (package, _) in &fresh {
        check_references(&wanted, package, &mut problems);
    }
    let changed: Vec<_> = fresh.iter().map(|(package, _)| package.name()).collect();
    check_releases(&wanted, &changed, &mut problems);
    for sink in &desired.sinks {
        match check_sink(&wanted, sink) {
            Ok(None) => {}
            Ok(Some(feed)) => {
                wanted.feeds.insert(feed.clone());
                if !actual.feeds.contains(&feed) {
                    plan.feeds.push(feed);
                }
            }
            Err(error) => problems.push(error.into()),
        }
    }
    plan.unchanged = unchanged;
    if problems.is_empty() { Ok(plan) } else { Err(Refusal { problems }) }
}

/// The plan that lets a loaded package go on in `version`.
fn plan_takeover(
    actual: &Actual,
    package: &Package,
    version: &Version,
    from: &Loaded,
) -> Result<Plan, Refusal> {
    let mut problems = Vec::new();
    check_quarantine(actual, package, version, &mut problems);
    check_declarations(package, &mut problems);
    problems.extend(unfit(package, !actual.lacks_journal).into_iter().map(Problem::from));
    let plan = plan_upgrade(actual, package, version, from, &mut problems);
    let mut wanted = actual.clone();
    wanted.apply(&plan);
    check_owners(&wanted, package, &mut problems);
    check_releases(&wanted, &[package.name()], &mut problems);
    if problems.is_empty() { Ok(plan) } else { Err(Refusal { problems }) }
}

fn check_quarantine(actual: &Actual, package: &Package, version: &Version, problems: &mut Vec<Problem>) {
    if let Some(quarantine) = actual.quarantined.get(version).filter(|q| q.package == *package.name()) {
        let (package, reason) = (package.name().clone(), quarantine.reason.clone());
        problems.push(Problem::Quarantined { package, version: version.clone(), reason });
    }
}

/// The same code under another manifest would be other releases, requirements and limits.
fn other_manifest(package: &Package, loaded: &Loaded) -> Option<Problem> {
    let (known, found) = (loaded.manifest.clone()?, package.manifest_digest()?.clone());
    (known != found).then(|| Problem::ManifestMismatch {
        package: package.name().clone(),
        version: loaded.version.clone(),
        known,
        found,
    })
}

/// Publishers before their subscribers, as far as there is such an order; else as given.
fn in_order(packages: Vec<(&Package, Version)>) -> Vec<(&Package, Version)> {
    let owners: BTreeMap<&ReactorName, &PackageName> = packages
        .iter()
        .flat_map(|(package, _)| package.reactors().iter().map(|decl| (&decl.name, package.name())))
        .collect();
    let mut waiting = packages.clone();
    let mut ordered: Vec<(&Package, Version)> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|(package, _)| {
            package.requirements().iter().all(|requirement| {
                let owner = owners.get(&requirement.reactor);
                let waits = |owner: &&PackageName| waiting.iter().any(|(other, _)| other.name() == *owner);
                !owner.is_some_and(|owner| *owner != package.name() && waits(owner))
            })
        });
        // Two packages that need each other come up together, in the order given.
        ordered.push(waiting.remove(ready.unwrap_or(0)));
    }
    ordered
}

/// What is wrong with a package by itself.
fn check_declarations(package: &Package, problems: &mut Vec<Problem>) {
    problems.extend(package.crons().iter().filter_map(|cron| cron.check().err()).map(Problem::from));
    problems.extend(package.polls().iter().filter_map(|poll| poll.check().err()).map(Problem::from));
    problems.extend(package.reactors().iter().filter_map(|decl| decl.resolve().err()).map(Problem::from));
    check_shares(package, problems);
}

/// Every name is free, and taken once.
fn check_names(actual: &Actual, plan: &Plan, problems: &mut Vec<Problem>) {
    let mut own: BTreeMap<(&'static str, String), PackageName> = BTreeMap::new();
    let shared: BTreeSet<_> = plan.steps.iter().filter_map(shared_name).collect();
    for step in &plan.steps {
        let package = &step.package;
        let mut claim = |what: &'static str, name: String, owner: Option<&PackageName>| {
            let owner = owner.cloned().or_else(|| own.get(&(what, name.clone())).cloned());
            match owner {
                Some(owner) => {
                    problems.push(Problem::NameTaken { package: package.clone(), what, name, owner });
                }
                None => drop(own.insert((what, name), package.clone())),
            }
        };
        match &step.record {
            Record::Cron(name) | Record::Poll(name) => {
                claim("trigger", name.to_string(), actual.trigger(name));
            }
            Record::Reactor(name, contract) => {
                claim("reactor", name.to_string(), owner(actual.reactors.get(name)));
                // A name that one reactor lists twice is said by its own check.
                let names: BTreeSet<_> = contract.offers.iter().map(|offer| &offer.accumulator).collect();
                for name in names.into_iter().filter(|name| !shared.contains(&(package, *name))) {
                    claim("accumulator", name.to_string(), owner(actual.accumulators.get(name)));
                }
            }
            Record::Shared(name, _) => {
                let cell = Share::cell_name(name);
                claim("reactor", cell.to_string(), owner(actual.reactors.get(&cell)));
                claim("accumulator", name.to_string(), owner(actual.accumulators.get(name)));
            }
            Record::InvokedGraph(name, _) | Record::BoundGraph(name, _) => {
                claim("graph", name.to_string(), owner(actual.graphs.get(name)));
            }
            Record::Workflow(name, _) => {
                claim("workflow", name.to_string(), owner(actual.workflows.get(name)));
            }
        }
    }
}

/// The accumulator that a step is about, if its package's own reactors share it.
fn shared_name(step: &Step) -> Option<(&PackageName, &AccumulatorName)> {
    match &step.record {
        Record::Shared(name, _) => Some((&step.package, name)),
        _ => None,
    }
}

fn owner<T>(owned: Option<&Owned<T>>) -> Option<&PackageName> {
    owned.map(|owned| &owned.package)
}

/// Every reference resolves, and every contract matches.
fn check_references(wanted: &Actual, package: &Package, problems: &mut Vec<Problem>) {
    for graph in package.graphs() {
        check_graph(wanted, package, graph, problems);
    }
    check_owners(wanted, package, problems);
    for workflow in package.workflows() {
        let record = super::plan::WorkflowRecord::of(workflow);
        problems.extend(record.unresolved(wanted).into_iter().map(|what| Problem::Unresolved {
            package: package.name().clone(),
            workflow: workflow.name.clone(),
            what,
        }));
    }
}

fn check_graph(wanted: &Actual, package: &Package, graph: &GraphDecl, problems: &mut Vec<Problem>) {
    let Some(reactor) = &graph.reactor else { return };
    // Its own declaration counts, even where its name is taken.
    let own = package.reactors().iter().find(|decl| decl.name == *reactor).map(Contract::of);
    let contract = own.or_else(|| wanted.reactors.get(reactor).map(|owned| owned.value.clone()));
    match contract {
        Some(contract) => {
            let reads = super::contract::Read::all_of(graph);
            problems.extend(contract.problems(reactor, &graph.name, &reads).into_iter().map(Problem::from));
        }
        None => problems.push(Problem::ReactorNotLoaded {
            package: package.name().clone(),
            graph: graph.name.clone(),
            reactor: reactor.clone(),
        }),
    }
}

impl Refusal {
    /// The sink that does not fit, if that is all that is wrong.
    pub fn sink(&self) -> Option<&SinkError> {
        match &self.problems[..] {
            [Problem::Sink(error)] => Some(error),
            _ => None,
        }
    }
}
