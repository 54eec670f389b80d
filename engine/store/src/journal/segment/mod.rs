//! One file of the journal: a header, then frames, then zeros up to the length that was reserved.

pub(super) mod header;
mod list;

pub(super) use header::Header;
pub(super) use list::Segments;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::frame::Home;
use crate::Lsn;
use crate::disk::DiskFile;

/// How far apart the places are that a segment's index knows.
const STRIDE: u64 = 1024 * 1024;
const PREFIX: &str = "segment-";

/// The file's name.
pub(super) fn name(number: u64) -> String {
    format!("{PREFIX}{number:016}")
}

/// The number in a file's name, if it is a segment's.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    let number = digits.parse().ok()?;
    (self::name(number) == *name).then_some(number)
}

/// A segment that holds records, as the committer and readers share it.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) first: Lsn,
    pub(super) home: Home,
    /// CRC of its own header, with which the chain of its frames begins.
    pub(super) chain: u32,
    pub(super) capacity: u64,
    pub(super) file: Arc<dyn DiskFile>,
    /// What is synced ends here.
    end: AtomicU64,
    /// Behind its last record; [`Lsn::MAX`] as long as it is written to.
    last: AtomicU64,
    index: Mutex<Vec<Landmark>>,
}

/// A frame that a reader can begin at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Landmark {
    pub(super) lsn: Lsn,
    pub(super) offset: u64,
    /// CRC of the header before it.
    pub(super) chain: u32,
}

impl Segment {
    pub(super) fn new(header: &Header, home: Home, file: Arc<dyn DiskFile>) -> Self {
        Self {
            number: header.number,
            first: header.first,
            home,
            chain: header.crc,
            capacity: header.capacity,
            file,
            end: AtomicU64::new(header::BYTES),
            last: AtomicU64::new(Lsn::MAX.0),
            index: Mutex::new(Vec::new()),
        }
    }

    /// Where what is synced ends.
    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// What lies before `end` is synced.
    pub(super) fn synced_to(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// Nothing comes behind `next` any more.
    pub(super) fn close(&self, next: Lsn) {
        self.last.store(next.0, Ordering::Release);
    }

    /// Behind its last record, if nothing more comes.
    pub(super) fn closed_at(&self) -> Option<Lsn> {
        let last = Lsn(self.last.load(Ordering::Acquire));
        (last != Lsn::MAX).then_some(last)
    }

    /// Remembers a frame, if the last one remembered is far enough away.
    pub(super) fn note(&self, landmark: Landmark) {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if index.last().is_none_or(|last| landmark.offset >= last.offset + STRIDE) {
            index.push(landmark);
        }
    }

    /// The last place known that is not behind `lsn`.
    pub(super) fn landmark(&self, lsn: Lsn) -> Landmark {
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = index.partition_point(|landmark| landmark.lsn <= lsn);
        let start = Landmark { lsn: self.first, offset: header::BYTES, chain: self.chain };
        behind.checked_sub(1).map_or(start, |at| index[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_are_segments() {
        assert_eq!(number(&name(42)), Some(42));
        assert_eq!(number("segment-0000000000000042"), Some(42));
        for other in
            ["segment-42", "segment-", "segment-000000000000004x", "mark", "segment-00000000000000042"]
        {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
