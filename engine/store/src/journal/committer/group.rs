//! A group of batches on its way to the disk.

use std::io::{self, IoSlice};

use crate::disk::DiskFile;
use crate::journal::append::Submission;
use crate::journal::frame::{self, Place};
use crate::journal::segment::header;

/// Slices of one call: enough for a batch of each of many producers, and few enough for the stack.
const SLICES: usize = 128;

/// Completes the frames one behind the other from `place` on, which ends up behind the last.
pub(super) fn lay(submissions: &mut [Submission], place: &mut Place) {
    for submission in submissions.iter_mut().filter(|submission| !submission.batch.is_empty()) {
        let frame = submission.batch.frame_mut();
        let (n_bytes, n_records) = (frame.len() as u64, u64::from(frame::n_records(frame)));
        place.chain = frame::finish(frame, *place);
        place.offset += n_bytes;
        place.first = place.first.plus(n_records);
    }
}

/// Writes all frames, and before them the segment's header if it is still to be written.
pub(super) fn write(
    file: &dyn DiskFile,
    header: Option<&[u8; header::SIZE]>,
    mut offset: u64,
    submissions: &[Submission],
) -> io::Result<()> {
    let frames = submissions.iter().map(|submission| &submission.batch).filter(|batch| !batch.is_empty());
    let header = header.map(|bytes| &bytes[..]);
    if header.is_some() {
        offset = 0;
    }
    let mut slices = [IoSlice::new(&[]); SLICES];
    let mut n_slices = 0;
    let mut n_bytes = 0;
    for bytes in header.into_iter().chain(frames.map(|batch| batch.frame())) {
        if n_slices == SLICES {
            file.write_at(offset, &slices)?;
            offset += n_bytes as u64;
            (n_slices, n_bytes) = (0, 0);
        }
        slices[n_slices] = IoSlice::new(bytes);
        n_slices += 1;
        n_bytes += bytes.len();
    }
    file.write_at(offset, &slices[..n_slices])
}
