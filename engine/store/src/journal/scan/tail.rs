//! What lies behind the last frame: a torn tail, or damage?

use std::io;

use crate::disk::DiskFile;
use crate::journal::frame::{self, ALIGN, HEADER, Header, Home};

/// What is read at once.
const CHUNK: usize = 256 * 1024;
static ZEROS: [u8; 4096] = [0; 4096];

/// What was found from a place to the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// Where a header lies that proves the place to have been synced.
    pub(super) proof: Option<u64>,
    /// Behind the last byte that is not zero; the place itself if there is none.
    pub(super) end: u64,
}

/// Looks through all bytes from `from` on for headers that `proves` accepts.
pub(super) fn look(
    file: &dyn DiskFile,
    home: Home,
    from: u64,
    proves: impl Fn(&Header) -> bool,
) -> io::Result<Tail> {
    let mut tail = Tail { proof: None, end: from };
    let mut buffer = vec![0; CHUNK + HEADER];
    let mut at = from.next_multiple_of(ALIGN as u64);
    loop {
        // Headers that begin in this chunk may end in the next.
        let n_read = file.read_at(&mut buffer, at)?;
        let bytes = &buffer[..n_read];
        if !is_blank(bytes) {
            let last = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            tail.end = at + last as u64 + 1;
            let found = headers(bytes, home, at).find(|(_, header)| proves(header));
            if let Some((offset, _)) = found {
                tail.proof = tail.proof.or(Some(offset));
            }
        }
        if n_read < buffer.len() {
            return Ok(tail);
        }
        at += CHUNK as u64;
    }
}

/// Whether all bytes are zero, at the speed at which memory is compared.
fn is_blank(bytes: &[u8]) -> bool {
    bytes.chunks(ZEROS.len()).all(|chunk| *chunk == ZEROS[..chunk.len()])
}

fn headers(bytes: &[u8], home: Home, at: u64) -> impl Iterator<Item = (u64, Header)> + '_ {
    let places = (0..bytes.len().min(CHUNK)).step_by(ALIGN);
    places.filter_map(move |place| {
        let offset = at + place as u64;
        Some((offset, frame::read(&bytes[place..], home, offset)?))
    })
}
