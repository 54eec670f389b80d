//! The audit entry: who changed what, when, from what to what, and with what result.

use super::command::Author;
use super::snapshot::PackageVersions;
use crate::id::PackageName;
use crate::package::Version;
use crate::time::Timestamp;

/// What there is of a package, for the two sides of an audit entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The version to which new work goes.
    pub route: Option<Version>,
    /// The versions that are loaded.
    pub versions: Vec<Version>,
    /// Those of them that are to go once nobody holds them.
    pub draining: Vec<Version>,
    /// The versions that are kept out.
    pub quarantined: Vec<Version>,
}

impl Standing {
    pub(super) fn of(package: &PackageVersions) -> Self {
        let draining = package.iter().filter(|loaded| loaded.drain.is_some());
        Self {
            route: package.route().map(|route| route.to.clone()),
            versions: package.iter().map(|loaded| loaded.version.clone()).collect(),
            draining: draining.map(|loaded| loaded.version.clone()).collect(),
            quarantined: package.quarantined().map(|(version, _)| version.clone()).collect(),
        }
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused, and changed nothing.
    Refused {
        /// Why, with its code.
        reason: String,
    },
}

/// Who changed what, when, and with what result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked.
    pub by: Author,
    /// What for, as `route 1.0.0`.
    pub what: String,
    /// The package.
    pub package: PackageName,
    /// What there was before.
    pub before: Standing,
    /// What there is now.
    pub after: Standing,
    /// How it ended.
    pub outcome: Outcome,
}
