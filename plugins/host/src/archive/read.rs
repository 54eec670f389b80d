//! Reads an archive.

use super::limits::Meter;
use super::walk::Walk;
use super::{ArchiveError, Contents, Limits};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// How a `zstd` frame begins. Other formats, and frames to be skipped, begin otherwise.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The largest window that a frame may ask the decompressor to hold: 2^23 bytes.
const WINDOW_LOG: u32 = 23;

impl Contents {
    /// Read the bytes of an archive.
    ///
    /// # Errors
    /// At the first entry that has no place in a package.
    pub fn read(archive: &[u8], limits: Limits) -> Result<Self, ArchiveError> {
        let packed = archive.len() as u64;
        if packed > limits.packed {
            return Err(ArchiveError::TooLargePacked { limit: limits.packed });
        }
        if !archive.starts_with(&MAGIC) {
            return Err(ArchiveError::NotAnArchive);
        }
        let damaged = |source| ArchiveError::Damaged { entry: "its beginning".to_owned(), source };
        let mut decoder = zstd::Decoder::with_buffer(archive).map_err(damaged)?.single_frame();
        decoder.window_log_max(WINDOW_LOG).map_err(damaged)?;
        let (gather, decoder, last) = Walk::new(decoder, Meter::new(limits, Some(packed))).run()?;
        let behind = decoder.finish();
        if !behind.is_empty() {
            return Err(ArchiveError::Trailing { entry: last, n_bytes: behind.len() as u64 });
        }
        gather.finish()
    }

    /// Read an expanded archive, as it is inside the `zstd` frame. Its size counts as packed.
    ///
    /// # Errors
    /// At the first entry that has no place in a package.
    pub fn read_expanded(expanded: &[u8], limits: Limits) -> Result<Self, ArchiveError> {
        let (gather, ..) = Walk::new(expanded, Meter::new(limits, None)).run()?;
        gather.finish()
    }

    /// Read an archive from a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no package.
    pub fn read_file(path: &Path, limits: Limits) -> Result<Self, ArchiveError> {
        let failed = |source| ArchiveError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mut archive = Vec::new();
        // One byte more than allowed is enough to know; what grows meanwhile is not followed.
        file.take(limits.packed.saturating_add(1)).read_to_end(&mut archive).map_err(failed)?;
        Self::read(&archive, limits)
    }

    /// Read a package from an archive or a folder, whichever `path` is.
    ///
    /// # Errors
    /// If it cannot be read, or is no package.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, ArchiveError> {
        let about = path.metadata().map_err(|source| ArchiveError::Io { path: path.to_owned(), source })?;
        if about.is_dir() {
            return super::Folder::read(path, limits).map(|folder| folder.contents);
        }
        Self::read_file(path, limits)
    }
}
