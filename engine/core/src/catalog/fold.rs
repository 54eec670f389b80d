//! The catalog as a value: what its records add up to.

use super::command::{Command, Operation};
use super::decision::Decision;
use super::pin::{PinChange, Pins};
use super::record::{Change, Record};
use super::refusal::Refusal;
use super::snapshot::{PackageVersions, Snapshot};
use super::{AuditEntry, Outcome};
use crate::id::PackageName;
use crate::package::Version;
use crate::ring::Doorbell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A record that cannot follow the ones before it. Nothing of it was folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FoldError {
    /// It is about a version that is not loaded.
    #[error(
        "E0620: a record {what}s version {version} of package {package}, which is not loaded; a record is missing before it, so restore the journal"
    )]
    NotLoaded {
        /// What the record does.
        what: &'static str,
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
    },
    /// It unloads what somebody holds.
    #[error(
        "E0621: a record unloads version {version} of package {package}, which is held by {held}; a record is missing before it, so restore the journal"
    )]
    Held {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// What holds it.
        held: super::PinCounts,
    },
    /// It takes the route away and leaves versions behind.
    #[error(
        "E0622: a record unloads the routed version of package {package} and leaves others; a record is missing before it, so restore the journal"
    )]
    RouteLost {
        /// The package.
        package: PackageName,
    },
    /// It has a pin that lives in memory only.
    #[error(
        "E0623: a record pins version {version} of package {package} for a start in flight, which no record can; this release is older than the journal"
    )]
    Unrecorded {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
    },
}

/// Versions, routes and pins of all packages. One owner decides and applies; readers have snapshots.
#[derive(Default)]
pub struct Catalog {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) pins: BTreeMap<PackageName, BTreeMap<Version, Pins>>,
    bell: Option<Arc<dyn Doorbell>>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("packages", &self.snapshot.packages)
            .field("pins", &self.pins)
            .finish()
    }
}

/// What is journaled is compared; starts in flight and a shutdown are of the process.
impl PartialEq for Catalog {
    fn eq(&self, other: &Self) -> bool {
        self.snapshot == other.snapshot && self.pins == other.pins
    }
}

impl Eq for Catalog {}

impl Catalog {
    /// An empty catalog that rings `bell` when the last start in flight leaves a draining version, so that
    /// its owner looks at [`drained`](Self::drained).
    pub fn with_doorbell(bell: Arc<dyn Doorbell>) -> Self {
        Self { bell: Some(bell), ..Self::default() }
    }

    /// What records add up to, in their order.
    ///
    /// # Errors
    /// [`FoldError`] for the first record that cannot follow those before it.
    pub fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Self, FoldError> {
        let mut catalog = Self::default();
        records.into_iter().try_for_each(|record| catalog.apply(record))?;
        Ok(catalog)
    }

    /// The versions and routes of this moment. A clone of a pointer.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }

    /// From here on load, route, unload and starts are refused. Listing goes on.
    pub fn shut_down(&self) {
        self.snapshot.shutting_down.store(true, Ordering::SeqCst);
    }

    /// Decide what a command comes to. Nothing has changed before [`apply`](Self::apply).
    ///
    /// # Errors
    /// [`Refusal`]; nothing changes.
    pub fn decide(&self, command: &Command) -> Result<Decision, Refusal> {
        if command.operation.is_deploy() && self.snapshot.shutting_down.load(Ordering::SeqCst) {
            return Err(Refusal::ShuttingDown);
        }
        match &command.operation {
            Operation::Load(load) => self.decide_load(command, load),
            Operation::Route { package, version, expected } => {
                self.decide_route(command, package, version, expected.as_ref())
            }
            Operation::Unload { package, version } => self.decide_unload(command, package, version.as_ref()),
            Operation::UnloadWhenDrained { package, version } => {
                self.decide_drain(command, package, version.as_ref())
            }
            Operation::CancelDrain { package, version } => {
                self.decide_cancel(command, package, version.as_ref())
            }
            Operation::FinishDrain { package } => self.decide_finish(command, package),
            Operation::Quarantine { package, version, reason } => {
                self.decide_quarantine(command, package, version, reason)
            }
            Operation::ClearQuarantine { package, version } => {
                self.decide_clear(command, package, version.as_ref())
            }
            Operation::Orphan { package, version, left } => {
                self.decide_release(command, package, version, Some(left))
            }
            Operation::Reap { package, version } => self.decide_release(command, package, version, None),
            Operation::Pin { package, changes } => self.decide_pins(command, package, changes),
        }
    }

    /// The record of a command that was refused: its audit entry, and no change.
    pub fn refused(&self, command: &Command, refusal: &Refusal) -> Record {
        let package = command.operation.package().clone();
        let before = self.snapshot.standing(&package);
        let audit = AuditEntry {
            at: command.at,
            by: command.by.clone(),
            what: command.operation.to_string(),
            package,
            after: before.clone(),
            before,
            outcome: Outcome::Refused { reason: refusal.to_string() },
        };
        Record { audit: Some(audit), changes: Vec::new() }
    }

    /// Fold one record in: all of its changes, or none.
    ///
    /// # Errors
    /// [`FoldError`] if it cannot follow what was folded before; nothing has changed.
    pub fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        let mut touched: BTreeMap<&PackageName, PackageVersions> = BTreeMap::new();
        let mut pins: Vec<&PinChange> = Vec::new();
        for change in &record.changes {
            if let Change::Pin(change) = change {
                pins.push(change);
                continue;
            }
            let package = change.package();
            let versions = touched.entry(package).or_insert_with(|| self.versions_of(package));
            follows(change, versions)?;
            if let Change::Unloaded { versions, .. } = change {
                versions.iter().try_for_each(|version| self.unheld(package, version))?;
            }
            versions.apply(change, self.bell.as_ref());
        }
        for change in &pins {
            let (package, version) = change.target();
            let known = touched.get(package).or_else(|| self.snapshot.package(package));
            pin_follows(change, known.is_some_and(|versions| versions.get(version).is_some()))?;
        }

        let touched: Vec<_> = touched.into_iter().map(|(name, versions)| (name.clone(), versions)).collect();
        touched.into_iter().for_each(|(name, versions)| self.publish(name, versions));
        pins.into_iter().for_each(|change| self.apply_pin(change));
        Ok(())
    }

    /// What there is of a package, as a copy to decide upon.
    pub(super) fn versions_of(&self, package: &PackageName) -> PackageVersions {
        self.snapshot.package(package).cloned().unwrap_or_default()
    }

    /// The place of the next deploy.
    pub(super) fn next_order(&self) -> u64 {
        let all = self.snapshot.packages.values().flat_map(|versions| versions.iter());
        all.map(|loaded| loaded.order).max().map_or(0, |last| last + 1)
    }

    pub(super) fn pins_of(&self, package: &PackageName, version: &Version) -> Option<&Pins> {
        self.pins.get(package)?.get(version)
    }

    fn unheld(&self, package: &PackageName, version: &Version) -> Result<(), FoldError> {
        match self.pins_of(package, version).map(Pins::counts) {
            Some(held) => Err(FoldError::Held { package: package.clone(), version: version.clone(), held }),
            None => Ok(()),
        }
    }

    /// Let readers see a package as it is now, and its doors know.
    fn publish(&mut self, package: PackageName, versions: PackageVersions) {
        for loaded in self.snapshot.package(&package).into_iter().flat_map(PackageVersions::iter) {
            if versions.get(&loaded.version).is_none() {
                loaded.door.wall_up();
            }
        }
        for loaded in versions.iter() {
            loaded.door.drain(loaded.drain.is_some());
        }
        let packages = &mut Arc::make_mut(&mut self.snapshot).packages;
        if versions == PackageVersions::default() {
            // Nothing is known of it any more, as before it was first heard of.
            packages.remove(&package);
        } else {
            packages.insert(package, Arc::new(versions));
        }
    }

    fn apply_pin(&mut self, change: &PinChange) {
        let (package, version) = change.target();
        let of_package = self.pins.entry(package.clone()).or_default();
        let pins = of_package.entry(version.clone()).or_default();
        pins.apply(change);
        if pins.is_empty() {
            of_package.remove(version);
        }
        if of_package.is_empty() {
            self.pins.remove(package);
        }
    }
}

fn follows(change: &Change, versions: &PackageVersions) -> Result<(), FoldError> {
    let loaded = |what, package: &PackageName, version: &Version| match versions.get(version) {
        Some(_) => Ok(()),
        None => Err(FoldError::NotLoaded { what, package: package.clone(), version: version.clone() }),
    };
    match change {
        Change::Routed { package, route } => loaded("route", package, &route.to),
        Change::DrainBegun { package, version, .. } => loaded("drain", package, version),
        Change::Unloaded { package, versions: leaving } => {
            let loses = versions.route().is_some_and(|route| leaving.contains(&route.to));
            let leaves = versions.iter().any(|loaded| !leaving.contains(&loaded.version));
            if loses && leaves { Err(FoldError::RouteLost { package: package.clone() }) } else { Ok(()) }
        }
        Change::Loaded { .. }
        | Change::DrainEnded { .. }
        | Change::Quarantined { .. }
        | Change::Cleared { .. }
        | Change::Orphaned { .. }
        | Change::Reaped { .. }
        | Change::Pin(_) => Ok(()),
    }
}

fn pin_follows(change: &PinChange, is_loaded: bool) -> Result<(), FoldError> {
    let (package, version) = change.target();
    let (package, version) = (package.clone(), version.clone());
    let is_release = matches!(change, PinChange::Release { .. });
    if !change.is_recorded() {
        return Err(FoldError::Unrecorded { package, version });
    }
    if is_release || is_loaded { Ok(()) } else { Err(FoldError::NotLoaded { what: "pin", package, version }) }
}
