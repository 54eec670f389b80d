//! How large a package may be.

use super::ArchiveError;

/// Bounds, enforced while an archive streams and before memory is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files and folders.
    pub entries: usize,
    /// Bytes of the archive.
    pub packed: u64,
    /// Bytes that it expands to, headers included.
    pub expanded: u64,
    /// Expanded bytes for each packed one.
    pub ratio: u64,
}

impl Default for Limits {
    /// 1,000 entries, 64 MiB packed, 256 MiB expanded, a ratio of 100.
    fn default() -> Self {
        Self { entries: 1_000, packed: 64 << 20, expanded: 256 << 20, ratio: 100 }
    }
}

/// Counts what an archive expands to.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    /// Bytes of the archive; none for a folder, which has no ratio.
    packed: Option<u64>,
    expanded: u64,
    n_entries: usize,
}

impl Meter {
    pub(super) fn new(limits: Limits, packed: Option<u64>) -> Self {
        Self { limits, packed, expanded: 0, n_entries: 0 }
    }

    /// One more entry.
    pub(super) fn entry(&mut self, name: &str) -> Result<(), ArchiveError> {
        self.n_entries += 1;
        if self.n_entries > self.limits.entries {
            let entry = name.to_owned();
            return Err(ArchiveError::TooManyEntries { entry, limit: self.limits.entries });
        }
        Ok(())
    }

    /// Whether a folder of `n_names` may be listed.
    pub(super) fn listed(&self, folder: &str, n_names: usize) -> Result<(), ArchiveError> {
        if n_names > self.limits.entries {
            let entry = folder.to_owned();
            return Err(ArchiveError::TooManyEntries { entry, limit: self.limits.entries });
        }
        Ok(())
    }

    /// Whether `size` more bytes would fit; takes nothing.
    pub(super) fn room(&self, name: &str, size: u64) -> Result<(), ArchiveError> {
        let entry = || name.to_owned();
        let expanded = self.expanded.saturating_add(size);
        if expanded > self.limits.expanded {
            return Err(ArchiveError::TooLarge {
                entry: entry(),
                size: expanded,
                limit: self.limits.expanded,
            });
        }
        match self.packed {
            Some(packed) if expanded > packed.saturating_mul(self.limits.ratio) => {
                Err(ArchiveError::Ratio { entry: entry(), expanded, packed, limit: self.limits.ratio })
            }
            _ => Ok(()),
        }
    }

    /// `size` more bytes, if they fit.
    pub(super) fn take(&mut self, name: &str, size: u64) -> Result<(), ArchiveError> {
        self.room(name, size)?;
        self.expanded += size;
        Ok(())
    }

    /// Whether what was taken fits a packed size that is known only now.
    pub(super) fn against(&mut self, name: &str, packed: u64) -> Result<(), ArchiveError> {
        self.packed = Some(packed);
        self.room(name, 0)
    }
}
