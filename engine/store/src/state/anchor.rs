//! The anchor: what the state store must hold at least, in a file beside it.
//!
//! ```text
//!  0 magic "ACQANCH" and format 1 · 8 back end, 8 bytes · 16 phase, 8 bytes · 24 epoch
//!  32 generation · 40 LSN · 48 hash of the rows, 40 bytes · 88 the journal's id, 16 bytes
//!  104 BLAKE3 of bytes 0 to 104 · 136 end; numbers are little-endian
//! ```

use super::content::{self, ContentHash};
use crate::Lsn;
use crate::disk::Disk;
use std::io::{self, IoSlice};
use uuid::Uuid;

const FILE: &str = "state.anchor";
/// What is written before it takes the anchor's place.
const NEXT: &str = "state.anchor.next";
const MAGIC: [u8; 8] = *b"ACQANCH\x01";
const SEALED: usize = 104;
const BYTES: usize = 136;

/// What the store was doing when the anchor was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// It is being filled from the journal.
    Rebuilding = 0,
    /// Its files are being opened.
    Opening = 1,
    /// It is open; it may hold more than the anchor says.
    Open = 2,
    /// It was closed in order.
    Closed = 3,
}

/// What the state store must hold at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The journal from which it can be made anew.
    pub journal: Uuid,
    /// The back end, cut off after eight bytes.
    pub backend: String,
    /// How often the store has been made; a store of another epoch is another store.
    pub epoch: u64,
    /// How many batches it had taken.
    pub generation: u64,
    /// The LSN of its last checkpoint.
    pub lsn: Lsn,
    /// The hash of all rows at that LSN.
    pub content: ContentHash,
    pub(super) phase: Phase,
}

/// An anchor that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// It is not what was written.
    #[error("E0650: the anchor of the state store is damaged: {what}; the store is rebuilt from the journal")]
    Damaged {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The system refused.
    #[error("E0651: the anchor of the state store cannot be read; look at the disk and at permissions")]
    Io {
        /// What the system said.
        #[from]
        source: io::Error,
    },
}

impl Anchor {
    /// The name of its file.
    pub const FILE: &'static str = FILE;

    /// The anchor in a folder, if there is one.
    ///
    /// # Errors
    /// [`AnchorError`] if it cannot be read, or is not what was written.
    pub fn read(disk: &dyn Disk) -> Result<Option<Self>, AnchorError> {
        let file = match disk.open(FILE) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if file.n_bytes()? != BYTES as u64 {
            return Err(AnchorError::Damaged { what: "it has another length" });
        }
        let mut bytes = [0; BYTES];
        if file.read_at(&mut bytes, 0)? != BYTES {
            return Err(AnchorError::Damaged { what: "it ends early" });
        }
        Self::from_bytes(&bytes).map(Some)
    }

    /// Put this one in the place of the one before: after a crash there is the one or the other.
    pub(super) fn replace(&self, disk: &dyn Disk) -> io::Result<()> {
        match disk.remove(NEXT) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = disk.create(NEXT, 0)?;
        file.write_at(0, &[IoSlice::new(&self.to_bytes())])?;
        file.sync_data()?;
        disk.rename(NEXT, FILE)?;
        disk.sync_directory()
    }

    /// The form in which a back end's name is kept.
    pub(super) fn short(backend: &str) -> String {
        backend.chars().filter(char::is_ascii).take(8).collect()
    }

    fn to_bytes(&self) -> [u8; BYTES] {
        let mut backend = [0; 8];
        backend.iter_mut().zip(self.backend.bytes()).for_each(|(to, byte)| *to = byte);
        let phase = u64::from(self.phase as u8).to_le_bytes();
        let numbers = [self.epoch, self.generation, self.lsn.0].map(u64::to_le_bytes);
        let fields = [MAGIC, backend, phase].into_iter().chain(numbers);
        let bytes = fields.flatten().chain(self.content.to_bytes()).chain(self.journal.into_bytes());
        let mut all = [0; BYTES];
        all.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        let seal = blake3::hash(&all[..SEALED]);
        all[SEALED..].copy_from_slice(seal.as_bytes());
        all
    }

    fn from_bytes(bytes: &[u8; BYTES]) -> Result<Self, AnchorError> {
        let damaged = |what| AnchorError::Damaged { what };
        if blake3::hash(&bytes[..SEALED]).as_bytes()[..] != bytes[SEALED..] {
            return Err(damaged("its own hash differs"));
        }
        if bytes[..8] != MAGIC {
            return Err(damaged("it is of a form that this release does not know"));
        }
        let number = |at: usize| {
            let word = bytes[at..at + 8].iter().rev();
            word.fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte))
        };
        let backend = bytes[8..16].iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte));
        let phase = match number(16) {
            0 => Phase::Rebuilding,
            1 => Phase::Opening,
            2 => Phase::Open,
            3 => Phase::Closed,
            _ => return Err(damaged("its phase is none that this release knows")),
        };
        let mut hash = [0; content::BYTES];
        hash.copy_from_slice(&bytes[48..88]);
        let mut journal = [0; 16];
        journal.copy_from_slice(&bytes[88..SEALED]);
        Ok(Self {
            journal: Uuid::from_bytes(journal),
            backend: backend.collect(),
            epoch: number(24),
            generation: number(32),
            lsn: Lsn(number(40)),
            content: ContentHash::from_bytes(&hash),
            phase,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Anchor, BYTES, Phase};
    use crate::Lsn;
    use crate::state::ContentHash;
    use uuid::Uuid;

    fn anchor() -> Anchor {
        let mut content = ContentHash::default();
        content.add(1, b"key", b"value");
        let journal = Uuid::from_u128(0xac_e901a);
        Anchor {
            journal,
            backend: "sled".into(),
            epoch: 3,
            generation: 9,
            lsn: Lsn(17),
            content,
            phase: Phase::Closed,
        }
    }

    #[test]
    fn every_flipped_bit_of_an_anchor_is_seen() {
        let bytes = anchor().to_bytes();
        assert_eq!(Anchor::from_bytes(&bytes).unwrap(), anchor());
        for bit in 0..BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Anchor::from_bytes(&flipped).is_err(), "bit {bit}");
        }
    }

    /// What the first release wrote; what it reads must never change.
    #[test]
    fn the_anchor_of_the_first_release_is_read() {
        let fixture = include_bytes!("../../tests/fixtures/state-anchor-1");
        assert_eq!(Anchor::from_bytes(fixture).unwrap(), anchor());
    }
}
