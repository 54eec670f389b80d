//! A batch as it lies in a segment: a header, then its records, filled up to eight bytes.
//!
//! ```text
//! magic u32 · header CRC u32 · body bytes u32 · records u32 · first LSN u64 · group u32 · chain u32 · body CRC u32 · 0 u32
//! ```
//!
//! The header's CRC begins with the journal's id, the segment's number and the frame's offset, so a frame
//! counts nowhere but where it was written: not in another place of the file, and not inside a payload.
//! `chain` is the CRC of the header before it, so no frame can be left out or exchanged.
//!
//! `group` is the offset from which its group was written. A group is written after everything before it
//! was synced. So a header, even with a torn body, proves that all below its `group` had been synced, and
//! a flaw there is damage and not a torn tail.

use uuid::Uuid;

use crate::Lsn;

/// Bytes of a header.
pub(super) const HEADER: usize = 40;
/// Frames begin at multiples of it.
pub(super) const ALIGN: usize = 8;
const MAGIC: u32 = u32::from_le_bytes(*b"acqf");

/// What a frame's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) body_bytes: u32,
    pub(super) n_records: u32,
    pub(super) first: Lsn,
    /// From which offset its group was written.
    pub(super) group: u32,
    /// CRC of the header before.
    pub(super) chain: u32,
    pub(super) body_crc: u32,
    /// Its own CRC, which the next one names.
    pub(super) crc: u32,
}

impl Header {
    /// Bytes of the whole frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        padded(HEADER + self.body_bytes as usize) as u64
    }

    /// Behind its last record.
    pub(super) fn next(&self) -> Lsn {
        self.first.plus(u64::from(self.n_records))
    }
}

/// `bytes`, filled up.
pub(super) const fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGN)
}

/// Which segment of which journal: what CRCs of headers begin with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home(u32);

impl Home {
    pub(super) fn new(journal: Uuid, segment: u64) -> Self {
        Self(crc32c::crc32c_append(crc32c::crc32c(journal.as_bytes()), &segment.to_le_bytes()))
    }

    fn crc(self, header: &[u8], offset: u64) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c_append(self.0, &offset.to_le_bytes()), &header[8..HEADER])
    }
}

/// Begins a frame whose records stand in the buffer behind room for the header.
pub(super) fn start(buffer: &mut Vec<u8>, n_records: u32, body_crc: u32) {
    // A batch is limited to far below 32 bits.
    let body_bytes = u32::try_from(buffer.len() - HEADER).unwrap_or(u32::MAX);
    buffer[0..4].copy_from_slice(&MAGIC.to_le_bytes());
    buffer[8..12].copy_from_slice(&body_bytes.to_le_bytes());
    buffer[12..16].copy_from_slice(&n_records.to_le_bytes());
    buffer[32..36].copy_from_slice(&body_crc.to_le_bytes());
    buffer.resize(padded(buffer.len()), 0);
}

/// Where a frame comes to lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) home: Home,
    pub(super) offset: u64,
    pub(super) group: u32,
    pub(super) first: Lsn,
    pub(super) chain: u32,
}

/// Completes the header; the answer is its CRC.
pub(super) fn finish(frame: &mut [u8], place: Place) -> u32 {
    frame[16..24].copy_from_slice(&place.first.0.to_le_bytes());
    frame[24..28].copy_from_slice(&place.group.to_le_bytes());
    frame[28..32].copy_from_slice(&place.chain.to_le_bytes());
    let crc = place.home.crc(frame, place.offset);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
    crc
}

/// Length of a frame that was begun, without what fills it up.
pub(super) fn unpadded(frame: &[u8]) -> usize {
    HEADER + word(frame, 8) as usize
}

/// Number of records of a frame that was begun.
pub(super) fn n_records(frame: &[u8]) -> u32 {
    word(frame, 12)
}

/// The header at `offset` of a segment, if these bytes are one.
pub(super) fn read(bytes: &[u8], home: Home, offset: u64) -> Option<Header> {
    let bytes = bytes.get(..HEADER)?;
    let crc = word(bytes, 4);
    if word(bytes, 0) != MAGIC || crc != home.crc(bytes, offset) {
        return None;
    }
    let first = u64::from(word(bytes, 16)) | (u64::from(word(bytes, 20)) << 32);
    Some(Header {
        body_bytes: word(bytes, 8),
        n_records: word(bytes, 12),
        first: Lsn(first),
        group: word(bytes, 24),
        chain: word(bytes, 28),
        body_crc: word(bytes, 32),
        crc,
    })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(offset: u64) -> (Home, Vec<u8>) {
        let home = Home::new(Uuid::from_u128(7), 3);
        let mut frame = vec![0; HEADER];
        frame.extend_from_slice(b"records");
        start(&mut frame, 2, 99);
        finish(&mut frame, Place { home, offset, group: 64, first: Lsn(1 << 40), chain: 5 });
        (home, frame)
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let (home, frame) = sample(128);
        let header = read(&frame, home, 128).unwrap();
        assert_eq!((header.body_bytes, header.n_records, header.first), (7, 2, Lsn(1 << 40)));
        assert_eq!((header.group, header.chain, header.body_crc), (64, 5, 99));
        assert_eq!((header.frame_bytes(), header.next()), (48, Lsn((1 << 40) + 2)));
    }

    #[test]
    fn a_header_counts_nowhere_but_where_it_was_written() {
        let (home, frame) = sample(128);
        assert!(read(&frame, home, 136).is_none());
        assert!(read(&frame, Home::new(Uuid::from_u128(7), 4), 128).is_none());
        assert!(read(&frame, Home::new(Uuid::from_u128(8), 3), 128).is_none());
        assert!(read(&frame[..HEADER - 1], home, 128).is_none());
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let (home, frame) = sample(128);
        for bit in 0..HEADER * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped, home, 128).is_none(), "bit {bit}");
        }
    }
}
