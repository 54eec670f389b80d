//! The row in which a store says what it is: it changes with each batch, in the batch itself.

use super::content::{self, ContentHash};
use crate::Lsn;
use bytes::Bytes;

/// The key of the only row of its table.
pub(super) const KEY: &[u8] = b"seal";
const SEALED: usize = 24 + content::BYTES;
const BYTES: usize = SEALED + 32;

/// What a store says of itself: which one it is, where it is, and the hash of its other rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) epoch: u64,
    /// How many batches it has taken.
    pub(super) generation: u64,
    pub(super) lsn: Lsn,
    pub(super) content: ContentHash,
}

impl Seal {
    pub(super) fn to_bytes(self) -> Bytes {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(self.epoch.to_le_bytes());
        bytes.extend(self.generation.to_le_bytes());
        bytes.extend(self.lsn.0.to_le_bytes());
        bytes.extend(self.content.to_bytes());
        let own = blake3::hash(&bytes);
        bytes.extend(own.as_bytes());
        bytes.into()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sealed, own) = bytes.split_at_checked(SEALED)?;
        if blake3::hash(sealed).as_bytes()[..] != *own {
            return None;
        }
        let (epoch, rest) = sealed.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (lsn, content) = rest.split_first_chunk()?;
        Some(Self {
            epoch: u64::from_le_bytes(*epoch),
            generation: u64::from_le_bytes(*generation),
            lsn: Lsn(u64::from_le_bytes(*lsn)),
            content: ContentHash::from_bytes(content.first_chunk()?),
        })
    }
}
