//! Removing what nobody needs any more.

use std::io;
use std::sync::Arc;

use super::crash_point::CrashPoint;
use super::mark::Mark;
use super::segment::{self, Segment};
use super::shared::Shared;
use crate::Lsn;

/// What a trim did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimmed {
    /// Segments that were removed.
    pub n_segments: usize,
    /// The oldest record that is kept.
    pub first: Lsn,
    /// The consumer that kept more from being removed.
    pub held_by: Option<Arc<str>>,
}

/// Why a trim failed. What it should have removed may be gone or not; what is above is untouched.
#[derive(Debug, thiserror::Error)]
#[error(
    "E0545: trimming the journal failed while {doing}; look at the disk. Nothing above the limit was touched"
)]
pub struct TrimError {
    /// What was being done.
    pub doing: &'static str,
    /// What the system said.
    pub source: io::Error,
}

/// Removes whole segments below `below`, and below the slowest consumer.
pub(super) fn trim(shared: &Shared, below: Lsn) -> Result<Trimmed, TrimError> {
    // One at a time: who has the mark, trims.
    let mut file = shared.mark();
    let (gone, held_by) = shared.consumers.with_slowest(|slowest| {
        let floor = slowest.map_or(below, |position| position.from.min(below));
        let held_by =
            slowest.filter(|position| position.from < below).map(|position| Arc::clone(&position.name));
        (shared.segments.below(floor), held_by)
    });
    let Some(last) = gone.last() else {
        return Ok(Trimmed { n_segments: 0, first: file.mark().first, held_by });
    };
    // Readers are told before anything goes, and the mark says so before any file does.
    let first = last.closed_at().unwrap_or(last.first);
    let mark = Mark { floor: last.number + 1, first, ..file.mark() };
    file.write_both(mark).map_err(|source| TrimError { doing: "marking what is kept", source })?;
    shared.segments.forget(gone.len());
    shared.settings.reach(CrashPoint::Trim);
    remove(shared, &gone).map_err(|source| TrimError { doing: "removing segments", source })?;
    // If a kick waits already, that is enough.
    let _ = shared.kick.try_send(());
    Ok(Trimmed { n_segments: gone.len(), first, held_by })
}

fn remove(shared: &Shared, gone: &[Arc<Segment>]) -> io::Result<()> {
    for segment in gone {
        shared.disk.remove(&segment::name(segment.number))?;
    }
    shared.disk.sync_directory()
}
