//! The mark: a file beside the segments that says how far the journal is known to reach.
//!
//! The last group of a journal has nothing behind it that would prove that it was synced. If it is damaged
//! after a crash, it looks like a torn tail. So a second file says so: written when nothing waits, at
//! closing, and before segments are removed. What it says is a lower bound; a journal that ends before it
//! has lost something.
//!
//! It has two slots, written in turn and each synced, so that one of them is whole whatever happens.

use std::io::{self, IoSlice};
use std::sync::Arc;

use uuid::Uuid;

use crate::Lsn;
use crate::disk::{Disk, DiskFile};

/// The file's name.
pub(super) const NAME: &str = "mark";
/// Its name until it is whole.
const DRAFT: &str = "mark.new";
/// Bytes of a slot: no two share a page.
const SLOT: u64 = 4096;
const SIZE: usize = 96;
const MAGIC: [u8; 8] = *b"acqmark\x01";
pub(super) const VERSION: u32 = 1;

/// A place between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The segment; 0 if there is none yet.
    pub(super) segment: u64,
    /// The offset in it.
    pub(super) offset: u64,
    /// The record that comes next.
    pub(super) next: Lsn,
    /// CRC of the header before.
    pub(super) chain: u32,
}

/// What a slot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) journal: Uuid,
    /// The first segment that is kept.
    pub(super) floor: u64,
    /// The first record of it.
    pub(super) first: Lsn,
    /// Where the journal ends, or went on from.
    pub(super) end: Place,
    /// Nothing was written since.
    pub(super) is_closed: bool,
}

impl Mark {
    /// Of a journal without a record.
    pub(super) fn new(journal: Uuid) -> Self {
        let end = Place { segment: 0, offset: 0, next: Lsn::FIRST, chain: 0 };
        Self { journal, floor: 1, first: Lsn::FIRST, end, is_closed: true }
    }

    fn write(&self, generation: u64) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[12..16].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(self.journal.as_bytes());
        let words = [
            generation,
            self.floor,
            self.first.0,
            self.end.segment,
            self.end.offset,
            self.end.next.0,
            u64::from(self.end.chain) | (u64::from(self.is_closed) << 32),
        ];
        for (at, word) in words.iter().enumerate() {
            bytes[32 + at * 8..40 + at * 8].copy_from_slice(&word.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Generation and mark, or why there is none.
    fn read(bytes: &[u8; SIZE]) -> Result<(u64, Self), Unread> {
        let crc = u32::from_le_bytes(field(bytes, 8));
        if bytes[0..8] != MAGIC || crc != crc32c::crc32c(&bytes[12..]) {
            return Err(Unread::Flawed);
        }
        let version = u32::from_le_bytes(field(bytes, 12));
        if version != VERSION {
            return Err(Unread::Version(version));
        }
        let word = |at: usize| u64::from_le_bytes(field(bytes, 32 + at * 8));
        let end = Place {
            segment: word(3),
            offset: word(4),
            next: Lsn(word(5)),
            // The lower half is the chain.
            chain: word(6) as u32,
        };
        let is_closed = word(6) >> 32 != 0;
        let journal = Uuid::from_bytes(field(bytes, 16));
        Ok((word(0), Self { journal, floor: word(1), first: Lsn(word(2)), end, is_closed }))
    }
}

/// Why a slot says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unread {
    Flawed,
    Version(u32),
}

/// The file, and what was last written to it.
#[derive(Debug)]
pub(super) struct MarkFile {
    file: Arc<dyn DiskFile>,
    generation: u64,
    mark: Mark,
}

/// What a mark file was found to be.
#[derive(Debug)]
pub(super) enum Found {
    /// At least one slot is whole.
    Whole {
        /// To go on with.
        file: MarkFile,
        /// The other slot is not whole: a write of it was cut off, or it was damaged.
        is_half: bool,
    },
    /// No slot is whole.
    Flawed,
    /// A format that this version does not know.
    Version(u32),
    /// There is no such file.
    Missing,
}

impl MarkFile {
    /// Makes the file, durably: it is there whole, or not at all.
    pub(super) fn create(disk: &dyn Disk, mark: Mark) -> io::Result<Self> {
        if disk.list()?.iter().any(|name| name == DRAFT) {
            disk.remove(DRAFT)?;
        }
        let file = disk.create(DRAFT, 2 * SLOT)?;
        let mut made = Self { file, generation: 0, mark };
        made.write_both(mark)?;
        disk.rename(DRAFT, NAME)?;
        disk.sync_directory()?;
        Ok(made)
    }

    /// Reads the file.
    pub(super) fn open(disk: &dyn Disk) -> io::Result<Found> {
        let file = match disk.open(NAME) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            file => file?,
        };
        let mut slots = [Err(Unread::Flawed); 2];
        for (at, slot) in slots.iter_mut().enumerate() {
            let mut bytes = [0; SIZE];
            file.read_at(&mut bytes, at as u64 * SLOT)?;
            *slot = Mark::read(&bytes);
        }
        let newest = slots.iter().flatten().max_by_key(|(generation, _)| *generation);
        Ok(match (newest, slots) {
            (Some((generation, mark)), slots) => Found::Whole {
                file: Self { file, generation: *generation, mark: *mark },
                is_half: slots.iter().any(Result::is_err),
            },
            (None, [Err(Unread::Version(version)), _] | [_, Err(Unread::Version(version))]) => {
                Found::Version(version)
            }
            (None, _) => Found::Flawed,
        })
    }

    /// What it says.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// Says something else, durably.
    pub(super) fn write(&mut self, mark: Mark) -> io::Result<()> {
        let generation = self.generation + 1;
        let bytes = mark.write(generation);
        self.file.write_at((generation % 2) * SLOT, &[IoSlice::new(&bytes)])?;
        self.file.sync_data()?;
        (self.generation, self.mark) = (generation, mark);
        Ok(())
    }

    /// Says it in both slots, so that damage to one of them takes nothing back.
    pub(super) fn write_both(&mut self, mark: Mark) -> io::Result<()> {
        self.write(mark)?;
        self.write(mark)
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

    fn sample() -> Mark {
        let end = Place { segment: 5, offset: 640, next: Lsn(1 << 33), chain: u32::MAX };
        Mark { journal: Uuid::from_u128(3), floor: 2, first: Lsn(17), end, is_closed: false }
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for is_closed in [false, true] {
            let mark = Mark { is_closed, ..sample() };
            assert_eq!(Mark::read(&mark.write(8)), Ok((8, mark)));
        }
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = sample().write(8);
        for bit in 0..SIZE * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Mark::read(&flipped), Err(Unread::Flawed), "bit {bit}");
        }
    }
}
