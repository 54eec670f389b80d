//! What operators see: versions with their pins, and who holds what.

use super::fold::Catalog;
use super::pin::{Holder, HolderPage, PinCounts, PinKind, Pins};
use super::version::{Label, LoadedVersion, Origin, VersionState};
use crate::id::PackageName;
use crate::package::Version;
use crate::time::Timestamp;

/// One loaded version in the list of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// What its manifest calls it.
    pub label: Option<Label>,
    /// Who supplied it.
    pub origin: Origin,
    /// When it was loaded.
    pub loaded_at: Timestamp,
    /// Whether new work goes there.
    pub is_routed: bool,
    /// What it is doing.
    pub state: VersionState,
    /// What holds it.
    pub pins: PinCounts,
}

impl Catalog {
    /// Every loaded version at one moment: by package, then in the order of deploys.
    pub fn versions(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (package, versions) in self.snapshot.packages() {
            let mut loaded: Vec<&LoadedVersion> = versions.iter().collect();
            loaded.sort_by_key(|loaded| loaded.order);
            rows.extend(loaded.into_iter().map(|loaded| Row {
                package: package.clone(),
                version: loaded.version.clone(),
                label: loaded.label.clone(),
                origin: loaded.origin,
                loaded_at: loaded.loaded_at,
                is_routed: versions.is_routed(&loaded.version),
                state: versions.state(loaded),
                pins: self.counts(package, loaded),
            }));
        }
        rows
    }

    /// Up to `limit` holders of one kind, those that come after `after`.
    pub fn holders(
        &self,
        package: &PackageName,
        version: &Version,
        kind: PinKind,
        after: Option<&Holder>,
        limit: usize,
    ) -> HolderPage {
        if kind == PinKind::Start {
            let loaded = self.snapshot.package(package).and_then(|versions| versions.get(version));
            return loaded.map(|loaded| loaded.door.page(after, limit)).unwrap_or_default();
        }
        self.pins_of(package, version).map(|pins| pins.page(kind, after, limit)).unwrap_or_default()
    }

    /// Runs and other work whose version failed: they wait for it, and can be seen.
    pub fn stranded(&self) -> Vec<(PackageName, Version, PinKind, Holder)> {
        let mut found = Vec::new();
        for (package, by_version) in &self.pins {
            let Some(versions) = self.snapshot.package(package) else { continue };
            let kept_out = by_version.iter().filter(|(version, _)| {
                versions
                    .get(version)
                    .is_some_and(|loaded| matches!(versions.state(loaded), VersionState::Quarantined { .. }))
            });
            for (version, pins) in kept_out {
                let each = pins
                    .iter()
                    .map(|(kind, holder)| (package.clone(), version.clone(), kind, holder.clone()));
                found.extend(each);
            }
        }
        found
    }

    /// How many pins of each kind a version has: recorded ones, and starts in flight.
    pub(super) fn counts(&self, package: &PackageName, loaded: &LoadedVersion) -> PinCounts {
        let mut counts = self.pins_of(package, &loaded.version).map(Pins::counts).unwrap_or_default();
        counts.set(PinKind::Start, loaded.door.n_starts());
        counts
    }
}
