//! The catalog as few records: what a checkpoint writes, so that the journal before it can be trimmed.

use super::fold::Catalog;
use super::pin::PinChange;
use super::record::{Change, Record};
use super::snapshot::PackageVersions;
use crate::id::PackageName;

/// How many pins one record of a checkpoint has at most.
const PINS: usize = 1000;

impl Catalog {
    /// Changes that make one package what it is, its pins aside.
    pub fn condensed_package(&self, package: &PackageName) -> Vec<Change> {
        self.snapshot.package(package).map(|versions| changes(package, versions)).unwrap_or_default()
    }

    /// Records that add up to this catalog, and to nothing else.
    pub fn condensed(&self) -> Vec<Record> {
        let packages = self.snapshot.packages();
        let mut records: Vec<Record> =
            packages.map(|(name, versions)| Record::unaudited(changes(name, versions))).collect();
        let mut pins = Vec::new();
        for (package, by_version) in &self.pins {
            for (version, held) in by_version {
                pins.extend(held.iter().map(|(kind, holder)| {
                    let (package, version) = (package.clone(), version.clone());
                    Change::Pin(PinChange::Hold { package, version, kind, holder: holder.clone() })
                }));
            }
        }
        while !pins.is_empty() {
            let rest = pins.split_off(pins.len().min(PINS));
            records.push(Record::unaudited(std::mem::replace(&mut pins, rest)));
        }
        records
    }
}

/// The changes that make a package what it is.
fn changes(package: &PackageName, versions: &PackageVersions) -> Vec<Change> {
    let mut changes = Vec::new();
    if versions.was_loaded() && versions.is_empty() {
        // Says that there was a version, so that a file does not bring it back.
        changes.push(Change::Unloaded { package: package.clone(), versions: Vec::new() });
    }
    for loaded in versions.iter() {
        let version = loaded.version.clone();
        changes.push(Change::Loaded {
            package: package.clone(),
            version: version.clone(),
            label: loaded.label.clone(),
            manifest: loaded.manifest.clone(),
            origin: loaded.origin,
            at: loaded.loaded_at,
            order: loaded.order,
        });
        if let Some(drain) = loaded.drain.clone() {
            changes.push(Change::DrainBegun { package: package.clone(), version, drain });
        }
    }
    if let Some(route) = versions.route() {
        changes.push(Change::Routed { package: package.clone(), route: route.clone() });
    }
    for (version, reason) in versions.quarantined() {
        let (package, version) = (package.clone(), version.clone());
        changes.push(Change::Quarantined { package, version, reason: reason.clone() });
    }
    for (version, left) in versions.orphans() {
        let (package, version) = (package.clone(), version.clone());
        changes.push(Change::Orphaned { package, version, left: left.to_vec() });
    }
    changes
}
