//! What readers hold: the versions and routes of one moment, without a lock.

use super::audit::Standing;
use super::door::{Door, Shut, StartPin};
use super::pin::Holder;
use super::record::Change;
use super::refusal::Refusal;
use super::route::Route;
use super::version::{LoadedVersion, Selector, VersionState};
use crate::id::PackageName;
use crate::package::Version;
use crate::ring::Doorbell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The versions of one package, with its route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageVersions {
    route: Option<Route>,
    versions: BTreeMap<Version, LoadedVersion>,
    quarantined: BTreeMap<Version, Arc<str>>,
    orphans: BTreeMap<Version, Vec<String>>,
    was_loaded: bool,
}

impl PackageVersions {
    /// Where new work goes.
    pub fn route(&self) -> Option<&Route> {
        self.route.as_ref()
    }

    /// Whether new work goes to `version`.
    pub fn is_routed(&self, version: &Version) -> bool {
        self.route.as_ref().is_some_and(|route| route.to == *version)
    }

    /// A version, if it is loaded.
    pub fn get(&self, version: &Version) -> Option<&LoadedVersion> {
        self.versions.get(version)
    }

    /// The loaded versions, by hash.
    pub fn iter(&self) -> impl Iterator<Item = &LoadedVersion> {
        self.versions.values()
    }

    /// Whether no version is loaded.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Versions that are kept out, loaded or not, with the reason.
    pub fn quarantined(&self) -> impl Iterator<Item = (&Version, &Arc<str>)> {
        self.quarantined.iter()
    }

    /// Unloaded versions of which something is left, with what.
    pub fn orphans(&self) -> impl Iterator<Item = (&Version, &[String])> {
        self.orphans.iter().map(|(version, left)| (version, left.as_slice()))
    }

    /// Whether some version of it was ever loaded.
    pub fn was_loaded(&self) -> bool {
        self.was_loaded
    }

    /// What a loaded version is doing at this moment.
    pub fn state(&self, loaded: &LoadedVersion) -> VersionState {
        match self.quarantined.get(&loaded.version) {
            Some(reason) => VersionState::Quarantined { reason: Arc::clone(reason) },
            None if loaded.drain.is_some() || loaded.door.is_closed() => VersionState::Draining,
            None => VersionState::Serving,
        }
    }

    /// Whether new work may be sent to a version: not while it is kept out or on its way out.
    pub(super) fn admits(&self, package: &PackageName, loaded: &LoadedVersion) -> Result<(), Refusal> {
        let (package, version) = (package.clone(), loaded.version.clone());
        if let Some(reason) = self.quarantined.get(&version) {
            return Err(Refusal::Quarantined { package, version, reason: reason.to_string() });
        }
        if loaded.door.is_closed() { Err(Refusal::Draining { package, version }) } else { Ok(()) }
    }

    /// What a change makes of it; changes that are about pins are somebody else's.
    pub(super) fn apply(&mut self, change: &Change, bell: Option<&Arc<dyn Doorbell>>) {
        match change {
            Change::Loaded { version, label, manifest, origin, at, order, .. } => {
                self.was_loaded = true;
                // What is in use again is no orphan.
                self.orphans.remove(version);
                self.versions.entry(version.clone()).or_insert_with(|| LoadedVersion {
                    version: version.clone(),
                    label: label.clone(),
                    manifest: manifest.clone(),
                    origin: *origin,
                    loaded_at: *at,
                    order: *order,
                    drain: None,
                    door: Door::new(bell.cloned()),
                });
            }
            Change::Routed { route, .. } => self.route = Some(route.clone()),
            Change::Unloaded { versions, .. } => {
                self.was_loaded = true;
                for version in versions {
                    self.versions.remove(version);
                }
                self.route = self.route.take().filter(|route| self.versions.contains_key(&route.to));
            }
            Change::DrainBegun { version, drain, .. } => {
                if let Some(loaded) = self.versions.get_mut(version) {
                    loaded.drain = Some(drain.clone());
                }
            }
            Change::DrainEnded { version, .. } => {
                if let Some(loaded) = self.versions.get_mut(version) {
                    loaded.drain = None;
                }
            }
            Change::Quarantined { version, reason, .. } => {
                self.quarantined.insert(version.clone(), Arc::clone(reason));
            }
            Change::Cleared { version, .. } => {
                self.quarantined.remove(version);
            }
            Change::Orphaned { version, left, .. } => {
                self.orphans.insert(version.clone(), left.clone());
            }
            Change::Reaped { version, .. } => {
                self.orphans.remove(version);
            }
            Change::Pin(_) => {}
        }
    }
}

/// All packages at one moment. Cheap to keep: a deploy makes another one and leaves this as it is.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub(super) packages: BTreeMap<PackageName, Arc<PackageVersions>>,
    pub(super) shutting_down: Arc<AtomicBool>,
}

/// That the engine is shutting down is of the process, not of the catalog's contents.
impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.packages == other.packages
    }
}

impl Eq for Snapshot {}

impl Snapshot {
    /// The packages that the catalog knows, by name; some may have no version loaded.
    pub fn packages(&self) -> impl Iterator<Item = (&PackageName, &PackageVersions)> {
        self.packages.iter().map(|(name, versions)| (name, &**versions))
    }

    /// What there is of a package.
    pub fn package(&self, package: &PackageName) -> Option<&PackageVersions> {
        self.packages.get(package).map(|versions| &**versions)
    }

    /// The version to which new work of a package goes.
    pub fn routed(&self, package: &PackageName) -> Option<&Version> {
        self.package(package)?.route().map(|route| &route.to)
    }

    /// What there is of a package, for an audit entry.
    pub fn standing(&self, package: &PackageName) -> Standing {
        self.package(package).map(Standing::of).unwrap_or_default()
    }

    /// The version that a child run takes: its parent's, if that is loaded in the child's package, else the
    /// routed one. Record it before the child is spawned; it is not asked for again.
    ///
    /// # Errors
    /// [`Refusal::UnknownVersion`].
    pub fn child_version(&self, package: &PackageName, parent: &Version) -> Result<Version, Refusal> {
        let own = self.package(package).and_then(|versions| versions.get(parent));
        let version = own.map(|loaded| &loaded.version).or_else(|| self.routed(package));
        version.cloned().ok_or_else(|| self.unknown(package, &Selector::from("(routed)")))
    }

    /// Begin a start at the routed version: resolved and pinned in one step.
    ///
    /// # Errors
    /// [`Refusal`]: shutting down, nothing routed, draining or quarantined.
    pub fn start(
        &self,
        package: &PackageName,
        holder: impl Into<Holder>,
    ) -> Result<(Version, StartPin), Refusal> {
        let routed = self.routed(package).cloned();
        let version = routed.ok_or_else(|| self.unknown(package, &Selector::from("(routed)")))?;
        let pin = self.start_at(package, &version, holder)?;
        Ok((version, pin))
    }

    /// Begin a start at a version.
    ///
    /// # Errors
    /// [`Refusal`]: shutting down, not loaded, draining or quarantined.
    pub fn start_at(
        &self,
        package: &PackageName,
        version: &Version,
        holder: impl Into<Holder>,
    ) -> Result<StartPin, Refusal> {
        self.enter(package, version, holder.into(), false)
    }

    pub(super) fn enter(
        &self,
        package: &PackageName,
        version: &Version,
        holder: Holder,
        holds_already: bool,
    ) -> Result<StartPin, Refusal> {
        let known = self.package(package).and_then(|versions| Some((versions, versions.get(version)?)));
        let (versions, loaded) = known.ok_or_else(|| self.unknown(package, &version.into()))?;
        if let VersionState::Quarantined { reason } = versions.state(loaded) {
            let (package, version) = (package.clone(), version.clone());
            return Err(Refusal::Quarantined { package, version, reason: reason.to_string() });
        }
        let pin = loaded.door.enter(holder, holds_already).map_err(|shut| match shut {
            Shut::Draining => Refusal::Draining { package: package.clone(), version: version.clone() },
            Shut::Gone => self.unknown(package, &version.into()),
        })?;
        // Looked at after the pin is in: a shutdown that begins later sees the pin.
        if self.shutting_down.load(Ordering::SeqCst) { Err(Refusal::ShuttingDown) } else { Ok(pin) }
    }

    pub(super) fn unknown(&self, package: &PackageName, wanted: &Selector) -> Refusal {
        let versions = self.package(package).into_iter().flat_map(PackageVersions::iter);
        // A snapshot may be older than an unload.
        let loaded =
            versions.map(|loaded| &loaded.version).filter(|version| version.as_str() != wanted.as_str());
        let loaded = loaded.cloned().collect();
        Refusal::UnknownVersion { package: package.clone(), wanted: wanted.clone(), loaded }
    }
}
