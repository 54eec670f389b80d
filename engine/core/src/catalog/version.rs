//! One version of a package, as the catalog knows it.

use super::door::Door;
use crate::id::name;
use crate::package::Version;
use crate::time::Timestamp;
use std::fmt;
use std::sync::Arc;

name!(
    /// What a manifest calls its version, as `1.4.0`. Two versions may carry the same label.
    Label
);
name!(
    /// The digest of a manifest: equal code with another manifest has the same version and another digest.
    ManifestDigest
);
name!(
    /// What a person wrote for a version: its hash, a prefix that is unique, or a label that is.
    Selector
);

impl From<&Version> for Selector {
    fn from(version: &Version) -> Self {
        Self::from(version.as_str())
    }
}

/// Who supplied a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Somebody deployed it.
    Deployed,
    /// It lay in the folder of packages at a start.
    File,
}

/// An unload that waits for pins to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Since when.
    pub since: Timestamp,
    /// Whether the package goes as a whole, with its route; else this version alone.
    pub whole: bool,
}

/// What a version is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionState {
    /// It takes work.
    Serving,
    /// It takes no new work; what holds it goes on.
    Draining,
    /// It failed, and is kept out.
    Quarantined {
        /// What failed.
        reason: Arc<str>,
    },
}

impl fmt::Display for VersionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serving => f.write_str("serving"),
            Self::Draining => f.write_str("draining"),
            Self::Quarantined { reason } => write!(f, "quarantined: {reason}"),
        }
    }
}

/// A version that is loaded.
#[derive(Debug, Clone)]
pub struct LoadedVersion {
    /// The version: the hash of its contents.
    pub version: Version,
    /// What its manifest calls it.
    pub label: Option<Label>,
    /// The digest of its manifest.
    pub manifest: Option<ManifestDigest>,
    /// Who supplied it.
    pub origin: Origin,
    /// When it was loaded.
    pub loaded_at: Timestamp,
    /// Its place among all deploys. Loading it again does not change it: who was deployed after it may
    /// need it to come first.
    pub order: u64,
    /// Set while an unload waits for its pins.
    pub drain: Option<Drain>,
    pub(super) door: Arc<Door>,
}

/// Doors are of the process, not of the catalog's contents.
impl PartialEq for LoadedVersion {
    fn eq(&self, other: &Self) -> bool {
        let of = |v: &Self| (v.version.clone(), v.label.clone(), v.manifest.clone(), v.drain.clone());
        let rest = |v: &Self| (v.origin, v.loaded_at, v.order);
        of(self) == of(other) && rest(self) == rest(other)
    }
}

impl Eq for LoadedVersion {}
