//! What is journaled of the catalog: the changes of one mutation, with its audit entry.

use super::audit::AuditEntry;
use super::pin::PinChange;
use super::route::Route;
use super::version::{Drain, Label, ManifestDigest, Origin};
use crate::id::PackageName;
use crate::package::Version;
use crate::time::Timestamp;
use std::sync::Arc;

/// One mutation, as one record of the journal: all of its changes count, or none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Who did what. Pins that change with the work of runs have none.
    pub audit: Option<AuditEntry>,
    /// What changed, in order. A refused command changed nothing and has its audit entry.
    pub changes: Vec<Change>,
}

impl Record {
    /// A record of changes that no operator asked for.
    pub fn unaudited(changes: Vec<Change>) -> Self {
        Self { audit: None, changes }
    }
}

/// One change of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A version is loaded.
    Loaded {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// What its manifest calls it.
        label: Option<Label>,
        /// The digest of its manifest.
        manifest: Option<ManifestDigest>,
        /// Who supplied it.
        origin: Origin,
        /// When.
        at: Timestamp,
        /// Its place among all deploys.
        order: u64,
    },
    /// New work goes there.
    Routed {
        /// The package.
        package: PackageName,
        /// Its route.
        route: Route,
    },
    /// Versions are unloaded; if the routed one is among them, the route goes with it.
    Unloaded {
        /// The package.
        package: PackageName,
        /// The versions.
        versions: Vec<Version>,
    },
    /// An unload waits for the pins of a version.
    DrainBegun {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// Since when, and of what.
        drain: Drain,
    },
    /// It does not wait any more.
    DrainEnded {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
    },
    /// A version is kept out, whether it is loaded or not.
    Quarantined {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// What failed.
        reason: Arc<str>,
    },
    /// A version is let in again.
    Cleared {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
    },
    /// Parts of an unloaded version could not be released yet.
    Orphaned {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// What is left.
        left: Vec<String>,
    },
    /// They are released now.
    Reaped {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
    },
    /// Somebody holds a version, or lets go.
    Pin(PinChange),
}

impl Change {
    /// The package that it is about.
    pub fn package(&self) -> &PackageName {
        match self {
            Self::Loaded { package, .. }
            | Self::Routed { package, .. }
            | Self::Unloaded { package, .. }
            | Self::DrainBegun { package, .. }
            | Self::DrainEnded { package, .. }
            | Self::Quarantined { package, .. }
            | Self::Cleared { package, .. }
            | Self::Orphaned { package, .. }
            | Self::Reaped { package, .. } => package,
            Self::Pin(change) => change.target().0,
        }
    }
}
