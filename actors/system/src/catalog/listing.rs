//! What operators see: versions at one moment, and who did what.

use super::register::Register;
use super::write::records;
use crate::reconciler::Supplied;
use acequia_core::Timestamp;
use acequia_core::catalog::{AuditEntry, Label, Origin, PinCounts, VersionState};
use acequia_core::id::PackageName;
use acequia_core::package::Version;
use acequia_store::Lsn;
use acequia_store::catalog::{decode, is_of_catalog};
use acequia_store::journal::{CursorError, Filter};
use std::sync::Arc;

/// A version in the list of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionStatus {
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// What its manifest calls it.
    pub label: Option<Label>,
    /// Who supplied it; none if it is the program itself, which supplies it again at each start.
    pub origin: Option<Origin>,
    /// When it was loaded; not known of what the program supplies.
    pub loaded_at: Option<Timestamp>,
    /// Whether new work goes there.
    pub is_routed: bool,
    /// What it is doing.
    pub state: VersionState,
    /// What holds it.
    pub pins: PinCounts,
}

/// The journal could not be read for its audit entries.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A record could not be read.
    #[error(transparent)]
    Journal(#[from] CursorError),
    /// The engine's runtime is going down.
    #[error(
        "E0669: audit entries were not read, because the engine's runtime is going down; read them after its next start"
    )]
    Stopping,
}

impl Register {
    /// Every loaded version at one moment: by package, then in the order of deploys; then those of the program.
    pub(super) fn versions(&self) -> Vec<VersionStatus> {
        let rows = self.lock().catalog.versions();
        let mut all: Vec<_> = rows
            .into_iter()
            .map(|row| VersionStatus {
                package: row.package,
                version: row.version,
                label: row.label,
                origin: Some(row.origin),
                loaded_at: Some(row.loaded_at),
                is_routed: row.is_routed,
                state: row.state,
                pins: row.pins,
            })
            .collect();
        let members = self.desk.all_members();
        let own = members.iter().filter(|members| members.supplied() == Supplied::Program);
        all.extend(own.map(|members| VersionStatus {
            package: members.name().clone(),
            version: members.version(),
            label: members.package().stated_release().map(|release| release.to_string().into()),
            origin: None,
            loaded_at: None,
            is_routed: true,
            state: VersionState::Serving,
            pins: PinCounts::default(),
        }));
        // Stable: within a package the order stays.
        all.sort_by(|a, b| a.package.cmp(&b.package));
        all
    }

    /// Up to `limit` audit entries from `from` on, with where to go on.
    pub(super) async fn audit(
        self: &Arc<Self>,
        from: Lsn,
        limit: usize,
    ) -> Result<(Vec<AuditEntry>, Lsn), AuditError> {
        let Some(journal) = self.env.journal().map(|journal| journal.journal().clone()) else {
            let inner = self.lock();
            let skipped = usize::try_from(from.0.saturating_sub(1)).unwrap_or(usize::MAX);
            let entries: Vec<_> = inner.entries.iter().skip(skipped).take(limit).cloned().collect();
            let next = Lsn(from.0.max(1) + entries.len() as u64);
            return Ok((entries, next));
        };
        let read = self.env.spawn_blocking(move || {
            let filter = Filter { streams: vec![records()], ..Filter::default() };
            let mut cursor = journal.cursor_with(from.max(journal.first()), filter);
            let mut entries = Vec::new();
            while entries.len() < limit {
                let Some(found) = cursor.next_record()? else { break };
                // One that cannot be read stopped the engine's start already.
                let record = decode(&found.payload).ok().filter(|_| is_of_catalog(found.kind));
                entries.extend(record.and_then(|record| record.audit));
            }
            Ok((entries, cursor.position()))
        });
        read.await.unwrap_or(Err(AuditError::Stopping))
    }
}
