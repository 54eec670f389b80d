//! What stands first in a segment.
//!
//! ```text
//! magic 8 · CRC u32 · version u32 · journal id 16 · number u64 · first LSN u64 · capacity u64 · end before u32 · chain u32
//! ```
//!
//! It is written together with the segment's first frames; until then the file is all zeros. `end before`
//! and `chain` are where and with which header the segment before it ended.

use uuid::Uuid;

use crate::Lsn;

/// Bytes of a segment's header.
pub(in crate::journal) const BYTES: u64 = SIZE as u64;
pub(in crate::journal) const SIZE: usize = 64;
/// The format that this version writes, and the only one there has been.
pub(in crate::journal) const VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"acequia\x01";

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Header {
    pub(in crate::journal) journal: Uuid,
    pub(in crate::journal) number: u64,
    pub(in crate::journal) first: Lsn,
    pub(in crate::journal) capacity: u64,
    /// Where the segment before it ended; 0 for the first of all.
    pub(in crate::journal) end_before: u32,
    /// CRC of the last header of the segment before.
    pub(in crate::journal) chain: u32,
    /// Its own CRC, which the first frame names.
    pub(in crate::journal) crc: u32,
}

/// What the first bytes of a segment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Read {
    /// A header.
    Header(Header),
    /// Zeros: nothing was written yet.
    Blank,
    /// A whole header, of a format that this version does not know.
    Version(u32),
    /// Something else.
    Flawed,
}

impl Header {
    /// The bytes, with the CRC, which `self` is given as well.
    pub(in crate::journal) fn write(&mut self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[12..16].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(self.journal.as_bytes());
        bytes[32..40].copy_from_slice(&self.number.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.capacity.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.end_before.to_le_bytes());
        bytes[60..64].copy_from_slice(&self.chain.to_le_bytes());
        self.crc = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&self.crc.to_le_bytes());
        bytes
    }

    /// Reads what [`Header::write`] wrote.
    pub(in crate::journal) fn read(bytes: &[u8; SIZE]) -> Read {
        if bytes.iter().all(|byte| *byte == 0) {
            return Read::Blank;
        }
        let crc = u32::from_le_bytes(field(bytes, 8));
        if bytes[0..8] != MAGIC || crc != crc32c::crc32c(&bytes[12..]) {
            return Read::Flawed;
        }
        let version = u32::from_le_bytes(field(bytes, 12));
        if version != VERSION {
            return Read::Version(version);
        }
        Read::Header(Self {
            journal: Uuid::from_bytes(field(bytes, 16)),
            number: u64::from_le_bytes(field(bytes, 32)),
            first: Lsn(u64::from_le_bytes(field(bytes, 40))),
            capacity: u64::from_le_bytes(field(bytes, 48)),
            end_before: u32::from_le_bytes(field(bytes, 56)),
            chain: u32::from_le_bytes(field(bytes, 60)),
            crc,
        })
    }
}

/// `N` bytes from `at` on.
fn field<const N: usize>(bytes: &[u8; SIZE], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Header {
        let journal = Uuid::from_u128(1 << 100);
        Header { journal, number: 9, first: Lsn(77), capacity: 4096, end_before: 640, chain: 3, crc: 0 }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let mut header = sample();
        let bytes = header.write();
        assert_eq!(Header::read(&bytes), Read::Header(header));
        assert_eq!(Header::read(&[0; SIZE]), Read::Blank);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = sample().write();
        for bit in 0..SIZE * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::read(&flipped), Read::Flawed, "bit {bit}");
        }
    }

    #[test]
    fn another_format_is_told_by_its_number() {
        let mut bytes = sample().write();
        bytes[12] = 200;
        let crc = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Header::read(&bytes), Read::Version(200));
    }
}
