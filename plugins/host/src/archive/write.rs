//! Writes an archive: the same contents give the same bytes.

use super::header::{self, BLOCK};
use super::limits::Meter;
use super::{ArchiveError, Contents, Limits};
use std::io::{self, Write};

/// A little more work than the default for noticeably less to transfer.
const LEVEL: i32 = 9;

impl Contents {
    /// The archive of these contents: entries by name, without owners and times, modes all alike.
    ///
    /// `progress` hears, after each entry, how many bytes of [`Contents::size`] are done.
    ///
    /// # Errors
    /// If the contents are outside `limits`: what is written can be read.
    pub fn pack(&self, limits: Limits, progress: &mut dyn FnMut(u64)) -> Result<Vec<u8>, ArchiveError> {
        let mut meter = Meter::new(limits, None);
        let mut last = "its end";
        let failed = |source| ArchiveError::Pack { source };
        let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL).map_err(failed)?;
        encoder.include_checksum(true).map_err(failed)?;
        let mut n_done = 0;
        for (path, bytes) in self.entries() {
            let size = bytes.len() as u64;
            meter.entry(path.as_str())?;
            meter.take(path.as_str(), BLOCK as u64 + size.next_multiple_of(BLOCK as u64))?;
            entry(&mut encoder, &header::of_file(path, size), bytes).map_err(failed)?;
            n_done += size;
            last = path.as_str();
            progress(n_done);
        }
        meter.take(last, 2 * BLOCK as u64)?;
        encoder.write_all(&[0; 2 * BLOCK]).map_err(failed)?;
        let packed = encoder.finish().map_err(failed)?;
        let size = packed.len() as u64;
        if size > limits.packed {
            return Err(ArchiveError::TooLargePacked { limit: limits.packed });
        }
        meter.against(last, size)?;
        Ok(packed)
    }
}

fn entry(out: &mut impl Write, header: &[u8; BLOCK], bytes: &[u8]) -> io::Result<()> {
    out.write_all(header)?;
    out.write_all(bytes)?;
    out.write_all(&[0; BLOCK][..bytes.len().next_multiple_of(BLOCK) - bytes.len()])
}
