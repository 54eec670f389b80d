//! What was decided: one record to journal, and the answer once it is synced.

use super::audit::{AuditEntry, Outcome, Standing};
use super::command::{Command, Operation};
use super::door::Closed;
use super::pin::PinCounts;
use super::record::{Change, Record};
use super::snapshot::PackageVersions;
use crate::id::PackageName;
use crate::package::Version;

/// What the caller is told once the record is synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The version is loaded, and new work goes there.
    Loaded {
        /// The version.
        version: Version,
        /// Whether it was not loaded before.
        freshly_loaded: bool,
        /// Whether new work went elsewhere before.
        route_changed: bool,
    },
    /// New work goes there.
    Routed {
        /// The version.
        version: Version,
        /// Where it went before.
        from: Option<Version>,
        /// Whether that was another one.
        changed: bool,
    },
    /// These are unloaded.
    Unloaded {
        /// The versions.
        versions: Vec<Version>,
    },
    /// These are unloaded once nobody holds them.
    Draining {
        /// The versions.
        versions: Vec<Version>,
        /// What holds them now.
        held: PinCounts,
    },
    /// These go on serving.
    Kept {
        /// The versions.
        versions: Vec<Version>,
    },
    /// It was noted.
    Noted,
}

/// A decision. Journal and sync [`record`](Self::record), [`apply`](super::Catalog::apply) it, publish the
/// snapshot, then give the [`answer`](Self::answer).
///
/// Dropping it without having applied the record leaves everything as it was. Keep it until then: an
/// unload's decision holds the doors of the leaving versions shut.
#[derive(Debug)]
#[must_use = "nothing has changed before its record is applied"]
pub struct Decision {
    /// What is journaled, as one record.
    pub record: Record,
    /// What the caller is told.
    pub answer: Answer,
    /// The doors that are shut meanwhile.
    pub closed: Vec<Closed>,
}

impl Decision {
    pub(super) fn new(
        command: &Command,
        package: &PackageName,
        before: Standing,
        mut versions: PackageVersions,
        changes: Vec<Change>,
        answer: Answer,
    ) -> Self {
        changes.iter().for_each(|change| versions.apply(change, None));
        let after = Standing::of(&versions);
        let is_audited = !matches!(command.operation, Operation::Pin { .. });
        let audit = is_audited.then(|| AuditEntry {
            at: command.at,
            by: command.by.clone(),
            what: command.operation.to_string(),
            package: package.clone(),
            before,
            after,
            outcome: Outcome::Done,
        });
        Self { record: Record { audit, changes }, answer, closed: Vec::new() }
    }

    pub(super) fn holding(mut self, closed: Vec<Closed>) -> Self {
        self.closed = closed;
        self
    }
}
