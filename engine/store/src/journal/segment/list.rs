//! The segments that hold records, in their order.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Segment;
use crate::Lsn;

/// Shared by the committer, which adds, `trim`, which removes, and readers.
#[derive(Debug, Default)]
pub(in crate::journal) struct Segments(RwLock<Vec<Arc<Segment>>>);

impl Segments {
    pub(in crate::journal) fn new(segments: Vec<Arc<Segment>>) -> Self {
        Self(RwLock::new(segments))
    }

    pub(in crate::journal) fn push(&self, segment: Arc<Segment>) {
        self.write().push(segment);
    }

    /// All of them at this moment.
    pub(in crate::journal) fn all(&self) -> Vec<Arc<Segment>> {
        self.read().clone()
    }

    /// The one in which `lsn` lies, or will lie.
    pub(in crate::journal) fn holding(&self, lsn: Lsn) -> Option<Arc<Segment>> {
        let segments = self.read();
        let behind = segments.partition_point(|segment| segment.first <= lsn);
        behind.checked_sub(1).map(|at| Arc::clone(&segments[at]))
    }

    /// Those whose records all lie below `floor`, without the last of all.
    pub(in crate::journal) fn below(&self, floor: Lsn) -> Vec<Arc<Segment>> {
        let segments = self.read();
        let whole = |segment: &&Arc<Segment>| segment.closed_at().is_some_and(|end| end <= floor);
        let n_kept = segments.len().saturating_sub(1);
        segments[..n_kept].iter().take_while(whole).cloned().collect()
    }

    /// Takes the first `n` out.
    pub(in crate::journal) fn forget(&self, n: usize) {
        self.write().drain(..n);
    }

    /// The oldest record that is kept, or will be.
    pub(in crate::journal) fn first(&self) -> Option<Arc<Segment>> {
        self.read().first().cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Arc<Segment>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Arc<Segment>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
