//! The catalog: each refusal by itself, and random commands against a naive model.

mod boot;
mod doors;
mod folding;
mod naive;
mod refusals;
mod unloading;

use acequia_core::Timestamp;
use acequia_core::catalog::{
    Answer, Catalog, Command, Decision, Holder, Load, Operation, PinChange, PinKind, Refusal, Selector,
};
use acequia_core::package::Version;

pub fn command(operation: Operation) -> Command {
    Command::new("alice", Timestamp::from_millis(7), operation)
}

pub fn decide(catalog: &Catalog, operation: Operation) -> Result<Decision, Refusal> {
    catalog.decide(&command(operation))
}

/// Decide, and carry it out as an actor would whose journal works.
pub fn carry_out(catalog: &mut Catalog, operation: Operation) -> Result<Answer, Refusal> {
    let decision = decide(catalog, operation)?;
    catalog.apply(&decision.record).unwrap();
    Ok(decision.answer)
}

pub fn load(package: &str, version: &str) -> Operation {
    Operation::Load(Load::new(package, version))
}

pub fn route(package: &str, version: &str) -> Operation {
    Operation::Route { package: package.into(), version: version.into(), expected: None }
}

pub fn route_if(package: &str, version: &str, expected: &str) -> Operation {
    let expected = Some(Version::from(expected));
    Operation::Route { package: package.into(), version: version.into(), expected }
}

pub fn unload(package: &str, version: Option<&str>) -> Operation {
    Operation::Unload { package: package.into(), version: version.map(Selector::from) }
}

pub fn drain(package: &str, version: Option<&str>) -> Operation {
    Operation::UnloadWhenDrained { package: package.into(), version: version.map(Selector::from) }
}

pub fn cancel(package: &str, version: Option<&str>) -> Operation {
    Operation::CancelDrain { package: package.into(), version: version.map(Selector::from) }
}

pub fn quarantine(package: &str, version: &str) -> Operation {
    Operation::Quarantine { package: package.into(), version: version.into(), reason: "it panics".into() }
}

pub fn pin(changes: Vec<PinChange>) -> Operation {
    let package = changes[0].target().0.clone();
    Operation::Pin { package, changes }
}

pub fn hold(package: &str, version: &str, kind: PinKind, holder: &str) -> PinChange {
    let (package, version) = (package.into(), version.into());
    PinChange::Hold { package, version, kind, holder: holder.into() }
}

pub fn release(package: &str, version: &str, kind: PinKind, holder: &str) -> PinChange {
    let (package, version) = (package.into(), version.into());
    PinChange::Release { package, version, kind, holder: holder.into() }
}

/// Let a run in by the door, and record it.
pub fn run(catalog: &mut Catalog, package: &str, version: &str, kind: PinKind, holder: &str) {
    let start = catalog.snapshot().start_at(&package.into(), &version.into(), holder).unwrap();
    carry_out(catalog, pin(vec![hold(package, version, kind, holder)])).unwrap();
    drop(start);
}

/// A catalog in which these versions of `p` were loaded, the last of which is routed.
pub fn loaded(versions: &[&str]) -> Catalog {
    let mut catalog = Catalog::default();
    for version in versions {
        carry_out(&mut catalog, load("p", version)).unwrap();
    }
    catalog
}

pub fn routed(catalog: &Catalog) -> Option<String> {
    catalog.snapshot().routed(&"p".into()).map(ToString::to_string)
}

/// The loaded versions of `p` in the order of deploys, with their states.
pub fn listed(catalog: &Catalog) -> Vec<(String, String)> {
    let rows = catalog.versions().into_iter().filter(|row| row.package.as_str() == "p");
    rows.map(|row| (row.version.to_string(), row.state.to_string())).collect()
}

pub fn names(holders: &[Holder]) -> Vec<&str> {
    holders.iter().map(Holder::as_str).collect()
}
