//! Why a command was not carried out. Nothing has changed then.

use super::pin::{Holder, HolderPage, PinCounts, PinKind};
use super::version::{ManifestDigest, Selector};
use crate::id::PackageName;
use crate::package::Version;
use crate::reconcile;
use std::fmt;

/// What holds one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The version.
    pub version: Version,
    /// How many pins of each kind.
    pub counts: PinCounts,
    /// The first holders of each kind that there is, with where to go on.
    pub holders: Vec<(PinKind, HolderPage)>,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The engine is shutting down.
    #[error("E0601: the engine is shutting down; deploy and start after its restart")]
    ShuttingDown,
    /// No loaded version is meant.
    #[error("E0602: package {package} has no loaded version {wanted}; loaded: {}", listed(loaded))]
    UnknownVersion {
        /// The package.
        package: PackageName,
        /// What was asked for.
        wanted: Selector,
        /// What is loaded.
        loaded: Vec<Version>,
    },
    /// Several are.
    #[error(
        "E0603: {wanted} may be any of these versions of package {package}: {}; say more of the hash",
        listed(candidates)
    )]
    AmbiguousVersion {
        /// The package.
        package: PackageName,
        /// What was asked for.
        wanted: Selector,
        /// What it may be.
        candidates: Vec<Version>,
    },
    /// New work goes elsewhere than was expected.
    #[error(
        "E0604: package {package} is routed to {}, not to {expected}; look again before you route it",
        or_none(found)
    )]
    RouteMoved {
        /// The package.
        package: PackageName,
        /// What was expected.
        expected: Version,
        /// What is.
        found: Option<Version>,
    },
    /// New work goes there.
    #[error(
        "E0605: version {version} of package {package} is routed; route another version first, or unload the package"
    )]
    RouteActive {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
    },
    /// Somebody holds it.
    #[error(
        "E0606: package {package} is held: {}; end or move these first, or unload it when drained",
        sentences(held)
    )]
    Held {
        /// The package.
        package: PackageName,
        /// The versions that are held.
        held: Vec<Held>,
    },
    /// Equal code, another manifest.
    #[error(
        "E0607: version {version} of package {package} is loaded with manifest {}, and {} was offered; change the code or take the manifest back",
        or_none(loaded),
        or_none(offered)
    )]
    ManifestMismatch {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// The digest of the manifest that is loaded.
        loaded: Option<ManifestDigest>,
        /// The digest of the one that was offered.
        offered: Option<ManifestDigest>,
    },
    /// It failed, and is kept out.
    #[error(
        "E0608: version {version} of package {package} is kept out: {reason}; use another version, or clear it"
    )]
    Quarantined {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// What failed.
        reason: String,
    },
    /// It is about to go.
    #[error(
        "E0609: version {version} of package {package} is draining and takes nothing new; cancel that, or use another version"
    )]
    Draining {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
    },
    /// It is not about to go.
    #[error(
        "E0610: nothing of package {package} that was named is draining; there is nothing to cancel or to finish"
    )]
    NotDraining {
        /// The package.
        package: PackageName,
    },
    /// It is not kept out.
    #[error("E0611: nothing of package {package} that was named is quarantined; there is nothing to clear")]
    NotQuarantined {
        /// The package.
        package: PackageName,
    },
    /// Somebody wants to hold a version and was never let in.
    #[error(
        "E0612: {holder} was not admitted to version {version} of package {package}; take a start pin first"
    )]
    NotAdmitted {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// Who.
        holder: Holder,
    },
    /// Names or contracts do not fit what is loaded.
    #[error(transparent)]
    Conflict(#[from] reconcile::Refusal),
    /// The archive, its interface, its declarations or its signature are wrong.
    #[error("E0613: package {package} was not accepted: {reason}")]
    Invalid {
        /// The package.
        package: PackageName,
        /// What is wrong.
        reason: String,
    },
    /// The state of one version is not what the other keeps.
    #[error(
        "E0614: version {to} of package {package} cannot take over the state of {from}: {reason}; give it a migration, or unload the package first"
    )]
    StateIncompatible {
        /// The package.
        package: PackageName,
        /// Whose state it is.
        from: Version,
        /// Who should take it over.
        to: Version,
        /// What does not fit.
        reason: String,
    },
    /// The record could not be journaled.
    #[error(
        "E0615: the journal did not take the record, and nothing has changed: {reason}; free space or look at the disk, then ask again"
    )]
    Store {
        /// What the store said.
        reason: String,
    },
    /// It is unloaded, and parts of it are still there.
    #[error("E0616: version {version} of package {package} is unloaded, but these are not released yet: {}; it is tried again by itself", orphans.join(", "))]
    ReleaseIncomplete {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// What is left.
        orphans: Vec<String>,
    },
}

/// `none`, or the versions.
fn listed(versions: &[Version]) -> String {
    let each: Vec<&str> = versions.iter().map(Version::as_str).collect();
    if each.is_empty() { "none".to_owned() } else { each.join(", ") }
}

fn or_none<T: fmt::Display>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)
}

/// How many holders of a kind a sentence names; the value has more.
const SPOKEN: usize = 3;

fn sentences(held: &[Held]) -> String {
    let each =
        held.iter().map(|held| format!("version {} by {} ({})", held.version, held.counts, spoken(held)));
    each.collect::<Vec<_>>().join("; ")
}

fn spoken(held: &Held) -> String {
    let kinds = held.holders.iter().map(|(kind, page)| {
        let named: Vec<&str> = page.holders.iter().take(SPOKEN).map(Holder::as_str).collect();
        let more = held.counts.of(*kind).saturating_sub(named.len() as u64);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}", named.join(", "))
    });
    kinds.collect::<Vec<_>>().join("; ")
}
