//! What is asked of the catalog.

use super::pin::PinChange;
use super::version::{Label, ManifestDigest, Origin, Selector};
use crate::id::{PackageName, name};
use crate::package::Version;
use crate::time::Timestamp;
use std::fmt;
use std::sync::Arc;

name!(
    /// Who asks: an operator's name, or the part of the engine that acts by itself.
    Author
);

/// Something asked of the catalog, by somebody, at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who asks.
    pub by: Author,
    /// When.
    pub at: Timestamp,
    /// What for.
    pub operation: Operation,
}

impl Command {
    /// Somebody asks for something.
    pub fn new(by: impl Into<Author>, at: Timestamp, operation: Operation) -> Self {
        Self { by: by.into(), at, operation }
    }
}

/// A version to load; whoever asks has verified it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The package.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// What its manifest calls it.
    pub label: Option<Label>,
    /// The digest of its manifest.
    pub manifest: Option<ManifestDigest>,
    /// Who supplied it.
    pub origin: Origin,
}

impl Load {
    /// A version that somebody deploys.
    pub fn new(package: impl Into<PackageName>, version: impl Into<Version>) -> Self {
        Self {
            package: package.into(),
            version: version.into(),
            label: None,
            manifest: None,
            origin: Origin::Deployed,
        }
    }

    /// The same, called `label` by its manifest.
    #[must_use]
    pub fn label(mut self, label: impl Into<Label>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same, with the digest of its manifest.
    #[must_use]
    pub fn manifest(mut self, digest: impl Into<ManifestDigest>) -> Self {
        self.manifest = Some(digest.into());
        self
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Load a version, and send new work there.
    Load(Load),
    /// Send new work to a loaded version.
    Route {
        /// The package.
        package: PackageName,
        /// The version.
        version: Selector,
        /// Only if new work goes there now.
        expected: Option<Version>,
    },
    /// Unload one version, or the package with its route.
    Unload {
        /// The package.
        package: PackageName,
        /// The version; all of them, if none is named.
        version: Option<Selector>,
    },
    /// The same, once nobody holds it any more.
    UnloadWhenDrained {
        /// The package.
        package: PackageName,
        /// The version; all of them, if none is named.
        version: Option<Selector>,
    },
    /// Do not unload it after all.
    CancelDrain {
        /// The package.
        package: PackageName,
        /// The version; all that drain, if none is named.
        version: Option<Selector>,
    },
    /// Unload what has drained by now. The engine asks for it, see [`Catalog::drained`](super::Catalog::drained).
    FinishDrain {
        /// The package.
        package: PackageName,
    },
    /// Keep a version out.
    Quarantine {
        /// The package.
        package: PackageName,
        /// The version, loaded or not.
        version: Version,
        /// What failed.
        reason: Arc<str>,
    },
    /// Let what was kept out in again.
    ClearQuarantine {
        /// The package.
        package: PackageName,
        /// The version; all of them, if none is named.
        version: Option<Version>,
    },
    /// Parts of an unloaded version could not be released: they are listed, and tried again.
    Orphan {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// What is left.
        left: Vec<String>,
    },
    /// They are released now.
    Reap {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
    },
    /// Change the pins of a package.
    Pin {
        /// The package; every change is about it.
        package: PackageName,
        /// The changes.
        changes: Vec<PinChange>,
    },
}

impl Operation {
    /// The package that it is about.
    pub fn package(&self) -> &PackageName {
        match self {
            Self::Load(load) => &load.package,
            Self::Route { package, .. }
            | Self::Unload { package, .. }
            | Self::UnloadWhenDrained { package, .. }
            | Self::CancelDrain { package, .. }
            | Self::FinishDrain { package }
            | Self::Quarantine { package, .. }
            | Self::ClearQuarantine { package, .. }
            | Self::Orphan { package, .. }
            | Self::Reap { package, .. }
            | Self::Pin { package, .. } => package,
        }
    }

    /// Whether it is refused once the engine is shutting down.
    pub(super) fn is_deploy(&self) -> bool {
        match self {
            Self::Load(_)
            | Self::Route { .. }
            | Self::Unload { .. }
            | Self::UnloadWhenDrained { .. }
            | Self::FinishDrain { .. } => true,
            Self::CancelDrain { .. }
            | Self::Quarantine { .. }
            | Self::ClearQuarantine { .. }
            | Self::Orphan { .. }
            | Self::Reap { .. }
            | Self::Pin { .. } => false,
        }
    }
}

/// Without the package, as an audit entry has it: `route 1.0.0`.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |verb: &str, version: &Option<Selector>, f: &mut fmt::Formatter<'_>| match version {
            Some(version) => write!(f, "{verb} {version}"),
            None => write!(f, "{verb} all versions"),
        };
        match self {
            Self::Load(load) => match &load.label {
                Some(label) => write!(f, "load {} ({label})", load.version),
                None => write!(f, "load {}", load.version),
            },
            Self::Route { version, expected: None, .. } => write!(f, "route {version}"),
            Self::Route { version, expected: Some(expected), .. } => {
                write!(f, "route {version} if {expected} is routed")
            }
            Self::Unload { version, .. } => named("unload", version, f),
            Self::UnloadWhenDrained { version, .. } => named("unload when drained", version, f),
            Self::CancelDrain { version, .. } => named("cancel the drain of", version, f),
            Self::FinishDrain { .. } => f.write_str("unload what has drained"),
            Self::Quarantine { version, reason, .. } => write!(f, "quarantine {version}: {reason}"),
            Self::ClearQuarantine { version: Some(version), .. } => write!(f, "clear {version}"),
            Self::ClearQuarantine { version: None, .. } => f.write_str("clear all versions"),
            Self::Orphan { version, left, .. } => write!(f, "{version} left {}", left.join(", ")),
            Self::Reap { version, .. } => write!(f, "release what {version} left"),
            Self::Pin { changes, .. } => write!(f, "change {} pins", changes.len()),
        }
    }
}
