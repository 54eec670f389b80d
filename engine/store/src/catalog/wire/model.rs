//! Between the first form and the model.

use super::v1;
use super::{DecodeError, EncodeError};
use acequia_core::Timestamp;
use acequia_core::catalog::{
    AuditEntry, Change, Drain, Origin, Outcome, PinChange, PinKind, Record, Route, Standing,
};
use acequia_core::package::Version;

fn texts(versions: &[Version]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

fn versions(texts: Vec<String>) -> Vec<Version> {
    texts.into_iter().map(Version::from).collect()
}

impl TryFrom<&Record> for v1::Record {
    type Error = EncodeError;

    fn try_from(record: &Record) -> Result<Self, EncodeError> {
        let changes = record.changes.iter().map(v1::Change::try_from).collect::<Result<_, _>>()?;
        Ok(Self { audit: record.audit.as_ref().map(v1::AuditEntry::from), changes })
    }
}

impl TryFrom<v1::Record> for Record {
    type Error = DecodeError;

    fn try_from(record: v1::Record) -> Result<Self, DecodeError> {
        let changes = record.changes.into_iter().map(Change::try_from).collect::<Result<_, _>>()?;
        Ok(Self { audit: record.audit.map(AuditEntry::from), changes })
    }
}

impl From<&AuditEntry> for v1::AuditEntry {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            at: entry.at.as_nanos(),
            by: entry.by.to_string(),
            what: entry.what.clone(),
            package: entry.package.to_string(),
            before: (&entry.before).into(),
            after: (&entry.after).into(),
            refused: match &entry.outcome {
                Outcome::Done => None,
                Outcome::Refused { reason } => Some(reason.clone()),
            },
        }
    }
}

impl From<v1::AuditEntry> for AuditEntry {
    fn from(entry: v1::AuditEntry) -> Self {
        Self {
            at: Timestamp::from_nanos(entry.at),
            by: entry.by.into(),
            what: entry.what,
            package: entry.package.into(),
            before: entry.before.into(),
            after: entry.after.into(),
            outcome: entry.refused.map_or(Outcome::Done, |reason| Outcome::Refused { reason }),
        }
    }
}

impl From<&Standing> for v1::Standing {
    fn from(standing: &Standing) -> Self {
        Self {
            route: standing.route.as_ref().map(ToString::to_string),
            versions: texts(&standing.versions),
            draining: texts(&standing.draining),
            quarantined: texts(&standing.quarantined),
        }
    }
}

impl From<v1::Standing> for Standing {
    fn from(standing: v1::Standing) -> Self {
        Self {
            route: standing.route.map(Version::from),
            versions: versions(standing.versions),
            draining: versions(standing.draining),
            quarantined: versions(standing.quarantined),
        }
    }
}

impl TryFrom<&Change> for v1::Change {
    type Error = EncodeError;

    fn try_from(change: &Change) -> Result<Self, EncodeError> {
        let package = change.package().to_string();
        Ok(match change {
            Change::Loaded { version, label, manifest, origin, at, order, .. } => Self::Loaded(v1::Loaded {
                package,
                version: version.to_string(),
                label: label.as_ref().map(ToString::to_string),
                manifest: manifest.as_ref().map(ToString::to_string),
                origin: match origin {
                    Origin::Deployed => v1::Origin::Deployed,
                    Origin::File => v1::Origin::File,
                },
                at: at.as_nanos(),
                order: *order,
            }),
            Change::Routed { route, .. } => {
                let route = v1::Route { to: route.to.to_string(), shares: Vec::new() };
                Self::Routed { package, route }
            }
            Change::Unloaded { versions, .. } => Self::Unloaded { package, versions: texts(versions) },
            Change::DrainBegun { version, drain, .. } => Self::DrainBegun {
                package,
                version: version.to_string(),
                since: drain.since.as_nanos(),
                whole: drain.whole,
            },
            Change::DrainEnded { version, .. } => Self::DrainEnded { package, version: version.to_string() },
            Change::Quarantined { version, reason, .. } => {
                Self::Quarantined { package, version: version.to_string(), reason: reason.to_string() }
            }
            Change::Cleared { version, .. } => Self::Cleared { package, version: version.to_string() },
            Change::Orphaned { version, left, .. } => {
                Self::Orphaned { package, version: version.to_string(), left: left.clone() }
            }
            Change::Reaped { version, .. } => Self::Reaped { package, version: version.to_string() },
            Change::Pin(change) => Self::Pin(change.try_into()?),
        })
    }
}

impl TryFrom<v1::Change> for Change {
    type Error = DecodeError;

    fn try_from(change: v1::Change) -> Result<Self, DecodeError> {
        let change = match change {
            v1::Change::Loaded(loaded) => Self::Loaded {
                package: loaded.package.into(),
                version: loaded.version.into(),
                label: loaded.label.map(Into::into),
                manifest: loaded.manifest.map(Into::into),
                origin: match loaded.origin {
                    v1::Origin::Deployed => Origin::Deployed,
                    v1::Origin::File => Origin::File,
                },
                at: Timestamp::from_nanos(loaded.at),
                order: loaded.order,
            },
            v1::Change::Routed { package, route } => {
                if !route.shares.is_empty() {
                    return Err(DecodeError::Newer { what: "a route that is split" });
                }
                Self::Routed { package: package.into(), route: Route { to: route.to.into() } }
            }
            v1::Change::Unloaded { package, versions: leaving } => {
                Self::Unloaded { package: package.into(), versions: versions(leaving) }
            }
            v1::Change::DrainBegun { package, version, since, whole } => {
                let drain = Drain { since: Timestamp::from_nanos(since), whole };
                Self::DrainBegun { package: package.into(), version: version.into(), drain }
            }
            v1::Change::DrainEnded { package, version } => {
                Self::DrainEnded { package: package.into(), version: version.into() }
            }
            v1::Change::Quarantined { package, version, reason } => {
                Self::Quarantined { package: package.into(), version: version.into(), reason: reason.into() }
            }
            v1::Change::Cleared { package, version } => {
                Self::Cleared { package: package.into(), version: version.into() }
            }
            v1::Change::Orphaned { package, version, left } => {
                Self::Orphaned { package: package.into(), version: version.into(), left }
            }
            v1::Change::Reaped { package, version } => {
                Self::Reaped { package: package.into(), version: version.into() }
            }
            v1::Change::Pin(change) => Self::Pin(change.into()),
        };
        if change.package().as_str().is_empty() {
            return Err(DecodeError::malformed("a package without a name"));
        }
        Ok(change)
    }
}

impl TryFrom<&PinChange> for v1::PinChange {
    type Error = EncodeError;

    fn try_from(change: &PinChange) -> Result<Self, EncodeError> {
        let (package, version) = change.target();
        let (package, version) = (package.to_string(), version.to_string());
        let kind = |kind: PinKind, holder: &str| match kind {
            PinKind::Start => Err(EncodeError::StartPin { holder: holder.to_owned() }),
            PinKind::LiveRun => Ok(v1::PinKind::LiveRun),
            PinKind::ResumableRun => Ok(v1::PinKind::ResumableRun),
            PinKind::RecordedChild => Ok(v1::PinKind::RecordedChild),
            PinKind::Handoff => Ok(v1::PinKind::Handoff),
            PinKind::Reservation => Ok(v1::PinKind::Reservation),
        };
        Ok(match change {
            PinChange::Hold { kind: why, holder, .. } => Self::Hold {
                package,
                version,
                kind: kind(*why, holder.as_str())?,
                holder: holder.to_string(),
            },
            PinChange::Become { from, to, holder, .. } => {
                let (from, to) = (kind(*from, holder.as_str())?, kind(*to, holder.as_str())?);
                Self::Become { package, version, from, to, holder: holder.to_string() }
            }
            PinChange::Release { kind: why, holder, .. } => Self::Release {
                package,
                version,
                kind: kind(*why, holder.as_str())?,
                holder: holder.to_string(),
            },
        })
    }
}

impl From<v1::PinChange> for PinChange {
    fn from(change: v1::PinChange) -> Self {
        match change {
            v1::PinChange::Hold { package, version, kind, holder } => Self::Hold {
                package: package.into(),
                version: version.into(),
                kind: kind.into(),
                holder: holder.into(),
            },
            v1::PinChange::Become { package, version, from, to, holder } => Self::Become {
                package: package.into(),
                version: version.into(),
                from: from.into(),
                to: to.into(),
                holder: holder.into(),
            },
            v1::PinChange::Release { package, version, kind, holder } => Self::Release {
                package: package.into(),
                version: version.into(),
                kind: kind.into(),
                holder: holder.into(),
            },
        }
    }
}

impl From<v1::PinKind> for PinKind {
    fn from(kind: v1::PinKind) -> Self {
        match kind {
            v1::PinKind::LiveRun => Self::LiveRun,
            v1::PinKind::ResumableRun => Self::ResumableRun,
            v1::PinKind::RecordedChild => Self::RecordedChild,
            v1::PinKind::Handoff => Self::Handoff,
            v1::PinKind::Reservation => Self::Reservation,
        }
    }
}
