//! What can be wrong with stored bytes, and where.

use std::fmt;

/// A place whose bytes are not those that were synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Number of the segment, as it stands in the file's name.
    pub segment: u64,
    /// Offset in the segment, from which on it cannot be read.
    pub offset: u64,
    /// What is wrong there.
    pub flaw: Flaw,
}

/// What is wrong with the bytes at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The segment's own header is not whole.
    SegmentHeader,
    /// The segment's file is not there.
    Missing,
    /// The segment belongs to another journal.
    Foreign,
    /// What is there was written, but not here: a segment or a frame was exchanged, or one is left out.
    Sequence,
    /// Zeros where records were.
    Blank,
    /// A header that does not match its checksum.
    Header,
    /// Records that do not match their checksum.
    Body,
    /// Bytes that match their checksum and are not records.
    Records,
    /// The file ends before what was synced.
    Short,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {} at offset {}: {}", self.segment, self.offset, self.flaw)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SegmentHeader => "its header does not match its checksum",
            Self::Missing => "the file is missing",
            Self::Foreign => "it belongs to another journal",
            Self::Sequence => "what is there belongs elsewhere",
            Self::Blank => "zeros where records were",
            Self::Header => "a header does not match its checksum",
            Self::Body => "records do not match their checksum",
            Self::Records => "the bytes are whole and are not records",
            Self::Short => "the file is shorter than what was synced",
        })
    }
}
