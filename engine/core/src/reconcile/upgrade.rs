//! Planning an upgrade: what a new version must keep, and whom it would break.

use super::actual::{Actual, Loaded};
use super::contract::Contract;
use super::plan::{Plan, Record, Upgrade};
use super::problem::Problem;
use crate::id::PackageName;
use crate::package::{Package, Version};

/// The plan that lets `package` go on in `version`, beside everything else.
pub(super) fn plan_upgrade(
    actual: &Actual,
    package: &Package,
    version: &Version,
    from: &Loaded,
    problems: &mut Vec<Problem>,
) -> Plan {
    let name = package.name();
    broken(actual, package, problems);
    redelivered(actual, package, version, problems);
    let what = differences(actual, package);
    if !what.is_empty() {
        problems.push(Problem::Reshaped { package: name.clone(), wanted: version.clone(), what });
    }
    let to = Loaded::of(package, version);
    let upgrade = Upgrade { package: name.clone(), from: from.clone(), to };
    Plan { upgrades: vec![upgrade], ..Plan::nothing(Vec::new()) }
}

/// Bound graphs, of other packages as well, whose contract the new version does not keep.
fn broken(actual: &Actual, package: &Package, problems: &mut Vec<Problem>) {
    for decl in package.reactors() {
        let contract = Contract::of(decl);
        let others = actual.bound_to(&decl.name).filter(|(_, graph)| graph.package != *package.name());
        for (graph, owned) in others {
            let problem = contract.problems(&decl.name, graph, &owned.value.reads);
            problems.extend(problem.into_iter().map(Problem::from));
        }
    }
}

/// Accumulators whose events the new version guards otherwise: their rings go on, and are made for the disk, or
/// not, once.
fn redelivered(actual: &Actual, package: &Package, version: &Version, problems: &mut Vec<Problem>) {
    for decl in package.reactors() {
        let Some(known) = actual.reactors.get(&decl.name) else { continue };
        for new in Contract::of(decl).offers {
            let Some(old) = known.value.offer(&new.accumulator).filter(|old| old.delivery != new.delivery)
            else {
                continue;
            };
            problems.push(Problem::DeliveryChanged {
                package: package.name().clone(),
                wanted: version.clone(),
                accumulator: new.accumulator,
                loaded: old.delivery,
                found: new.delivery,
            });
        }
    }
}

/// What the two versions do not declare alike, besides what has a problem of its own.
fn differences(actual: &Actual, package: &Package) -> Vec<String> {
    let old = Plan::down(actual, std::slice::from_ref(package.name())).reversed();
    let new = Plan::up(&[(package, Version::from(""))]);
    let mut what = Vec::new();
    for step in &new.steps {
        match old.steps.iter().find(|known| known.record.to_string() == step.record.to_string()) {
            None => what.push(format!("{} (new)", step.record)),
            Some(known) if !alike(&known.record, &step.record) => what.push(step.record.to_string()),
            Some(_) => {}
        }
    }
    let gone = |record: &Record| !new.steps.iter().any(|step| step.record.to_string() == record.to_string());
    what.extend(old.steps.iter().filter(|s| gone(&s.record)).map(|s| format!("{} (gone)", s.record)));
    what
}

/// Terminals may come in another order.
fn alike(old: &Record, new: &Record) -> bool {
    match (old, new) {
        (Record::InvokedGraph(_, old), Record::InvokedGraph(_, new))
        | (Record::BoundGraph(_, old), Record::BoundGraph(_, new)) => {
            let same = old.terminals.iter().all(|terminal| new.terminals.contains(terminal));
            let reads = old.reads == new.reads && old.reactor == new.reactor;
            same && reads && old.terminals.len() == new.terminals.len()
        }
        (Record::Reactor(_, old), Record::Reactor(_, new)) => old.is_alike(new),
        _ => old == new,
    }
}

/// The package as it is loaded, if that is another version than `version`.
pub(super) fn other_version<'a>(
    actual: &'a Actual,
    package: &PackageName,
    version: &Version,
) -> Option<&'a Loaded> {
    actual.packages.get(package).filter(|loaded| loaded.version != *version)
}
