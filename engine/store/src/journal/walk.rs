//! Reading a segment frame by frame, each checked.

use std::io;
use std::sync::Arc;

use super::body;
use super::damage::Flaw;
use super::frame::{self, HEADER, Header, Home};
use super::record::RecordRef;
use super::segment::{Landmark, Segment};
use crate::Lsn;
use crate::disk::DiskFile;

/// What is read at once; more only for a frame that is larger.
const CHUNK: usize = 512 * 1024;

/// Goes through the frames of one segment. Nothing is handed out that does not match its checksum.
#[derive(Debug)]
pub(super) struct Walk {
    file: Arc<dyn DiskFile>,
    home: Home,
    /// What lies behind it is not read.
    limit: u64,
    /// Where the next frame begins, and what it must say.
    next: Landmark,
    /// Bytes of the file from `start` on.
    buffer: Vec<u8>,
    start: u64,
    n_filled: usize,
}

/// What lies at the place where the next frame begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A frame, of which the walk is now behind.
    Frame(Frame),
    /// Nothing: the limit.
    End,
    /// Zeros.
    Blank,
    /// What is no frame, or not this one.
    Flaw(Flaw),
}

/// A frame that the walk holds until its next step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) offset: u64,
    pub(super) header: Header,
}

/// How far the records of a frame were read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    n_bytes: usize,
    n_records: u32,
}

impl Walk {
    /// Begins at a landmark and goes no further than `limit`.
    pub(super) fn new(segment: &Segment, from: Landmark, limit: u64) -> Self {
        Self {
            file: Arc::clone(&segment.file),
            home: segment.home,
            limit,
            next: from,
            buffer: Vec::new(),
            start: from.offset,
            n_filled: 0,
        }
    }

    /// Goes on in another segment, with the same buffer.
    pub(super) fn turn_to(&mut self, segment: &Segment, from: Landmark, limit: u64) {
        self.file = Arc::clone(&segment.file);
        (self.home, self.limit, self.next) = (segment.home, limit, from);
        (self.start, self.n_filled) = (from.offset, 0);
    }

    /// What lies before `limit` may be read from now on.
    pub(super) fn extend(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Where the next frame begins, and what it must say.
    pub(super) fn place(&self) -> Landmark {
        self.next
    }

    /// Reads the next frame, and checks it.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        let offset = self.next.offset;
        if !self.fill(HEADER)? {
            return Ok(Step::End);
        }
        let bytes = self.bytes(offset, HEADER);
        let Some(header) = frame::read(bytes, self.home, offset) else {
            let is_blank = bytes.iter().all(|byte| *byte == 0);
            return Ok(if is_blank { Step::Blank } else { Step::Flaw(Flaw::Header) });
        };
        let is_next = header.first == self.next.lsn && header.chain == self.next.chain;
        if !is_next || u64::from(header.group) > offset || header.n_records == 0 {
            return Ok(Step::Flaw(Flaw::Sequence));
        }
        // Before any memory is taken for it.
        if header.frame_bytes() > self.limit.saturating_sub(offset) {
            return Ok(Step::Flaw(Flaw::Sequence));
        }
        let frame = Frame { offset, header };
        self.fill(HEADER + header.body_bytes as usize)?;
        if crc32c::crc32c(self.body(frame)) != header.body_crc {
            return Ok(Step::Flaw(Flaw::Body));
        }
        self.next = Landmark { lsn: header.next(), offset: offset + header.frame_bytes(), chain: header.crc };
        Ok(Step::Frame(frame))
    }

    /// The next record of a frame, as long as the walk has not gone on.
    pub(super) fn record(
        &self,
        frame: Frame,
        progress: &mut Progress,
    ) -> Result<Option<RecordRef<'_>>, Flaw> {
        let rest = &self.body(frame)[progress.n_bytes..];
        if progress.n_records == frame.header.n_records {
            return if rest.is_empty() { Ok(None) } else { Err(Flaw::Records) };
        }
        let lsn = frame.header.first.plus(u64::from(progress.n_records));
        let (record, n_bytes) = body::read(rest, lsn).ok_or(Flaw::Records)?;
        progress.n_bytes += n_bytes;
        progress.n_records += 1;
        Ok(Some(record))
    }

    fn body(&self, frame: Frame) -> &[u8] {
        self.bytes(frame.offset + HEADER as u64, frame.header.body_bytes as usize)
    }

    /// Bytes that were filled in.
    fn bytes(&self, offset: u64, n: usize) -> &[u8] {
        // The buffer is indexed by usize, and what it holds lies within it.
        let at = (offset - self.start) as usize;
        &self.buffer[at..at + n]
    }

    /// Brings `n` bytes from the next frame's place on into the buffer; `false` if the limit comes before.
    fn fill(&mut self, n: usize) -> io::Result<bool> {
        let from = self.next.offset;
        let room = usize::try_from(self.limit.saturating_sub(from)).unwrap_or(usize::MAX);
        if n > room {
            return Ok(false);
        }
        let passed = usize::try_from(from - self.start).unwrap_or(usize::MAX).min(self.n_filled);
        let n_left = self.n_filled - passed;
        if n_left >= n {
            return Ok(true);
        }
        self.buffer.copy_within(passed..self.n_filled, 0);
        let wanted = room.min(CHUNK.max(n));
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        (self.start, self.n_filled) = (from, n_left);
        let n_read = self.file.read_at(&mut self.buffer[n_left..wanted], from + n_left as u64)?;
        // A file that ends early has lost what was synced; as zeros it is found out like any other loss.
        self.buffer[n_left + n_read..wanted].fill(0);
        self.n_filled = wanted;
        Ok(true)
    }
}

/// Whether the frame ends behind `lsn`, so that it holds that record or a later one.
pub(super) fn reaches(frame: Frame, lsn: Lsn) -> bool {
    frame.header.next() > lsn
}
