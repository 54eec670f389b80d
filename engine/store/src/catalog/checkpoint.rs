//! The catalog as a checkpoint in the journal, so that the records before it can be trimmed.
//!
//! A checkpoint is several records, its pieces, and says up to which LSN it has taken the journal in. So it does
//! not matter what else is journaled before and between them: runs journal their own pins at any moment.
//! Whoever trims keeps what comes after that LSN.

use super::wire::{DecodeError, EncodeError, decode_piece, encode_piece};
use crate::Lsn;
use acequia_core::catalog::{Catalog, FoldError, Record};

/// A journal from which no catalog follows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// Its beginning was trimmed, and no checkpoint of the catalog is whole.
    #[error(
        "E0666: the journal was trimmed and has no whole checkpoint of the catalog; restore it from a backup"
    )]
    NoCheckpoint,
    /// A piece cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The records do not add up.
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// The payloads of a checkpoint of `catalog`, which has folded all of its records up to `at`; to be journaled
/// in this order, each as a record of the catalog's stream.
///
/// # Errors
/// [`EncodeError`].
pub fn checkpoint(catalog: &Catalog, at: Lsn) -> Result<Vec<Vec<u8>>, EncodeError> {
    let mut records = catalog.condensed();
    if records.is_empty() {
        // That there is nothing is worth saying, too.
        records.push(Record::default());
    }
    let n = u32::try_from(records.len()).unwrap_or(u32::MAX);
    (0..n).zip(&records).map(|(index, record)| encode_piece(at, index, n, record)).collect()
}

/// Reads the catalog from a journal, from its first record on or from a checkpoint.
///
/// Give it everything of the catalog in the order of the journal: records, and those that runs have, to [`record`](Self::record), and
/// pieces of checkpoints to [`piece`](Self::piece).
#[derive(Debug)]
pub struct Recovery {
    known: Known,
}

#[derive(Debug)]
enum Known {
    Catalog(Catalog),
    /// The first LSN that is kept, the pieces of one checkpoint, and the records that it may not have.
    Pieces {
        first: Lsn,
        at: Lsn,
        pieces: Vec<Record>,
        records: Vec<(Lsn, Record)>,
    },
}

impl Recovery {
    /// Of a journal whose first record is at `first`.
    pub fn new(first: Lsn) -> Self {
        if first <= Lsn::FIRST {
            return Self { known: Known::Catalog(Catalog::default()) };
        }
        Self { known: Known::Pieces { first, at: Lsn::ZERO, pieces: Vec::new(), records: Vec::new() } }
    }

    /// The next record of the catalog.
    ///
    /// # Errors
    /// [`RecoverError::Fold`] if it cannot follow what is known.
    pub fn record(&mut self, lsn: Lsn, record: Record) -> Result<(), RecoverError> {
        match &mut self.known {
            Known::Catalog(catalog) => catalog.apply(&record)?,
            Known::Pieces { records, .. } => records.push((lsn, record)),
        }
        Ok(())
    }

    /// The next piece of a checkpoint. One that was begun and not finished does not count, nor one that lacks
    /// records which are trimmed.
    ///
    /// # Errors
    /// [`RecoverError`] if it cannot be read, or the pieces do not add up.
    pub fn piece(&mut self, payload: &[u8]) -> Result<(), RecoverError> {
        let piece = decode_piece(payload)?;
        let Known::Pieces { first, at, pieces, records } = &mut self.known else { return Ok(()) };
        if piece.index == 0 {
            pieces.clear();
            *at = piece.at;
        }
        if pieces.len() != piece.index as usize || *at != piece.at || piece.at.next() < *first {
            // Its beginning was trimmed, or what came after it.
            pieces.clear();
            return Ok(());
        }
        pieces.push(piece.record);
        if piece.index + 1 == piece.n {
            let mut catalog = Catalog::fold(&*pieces)?;
            let later = records.iter().filter(|(lsn, _)| *lsn > piece.at);
            later.map(|(_, record)| record).try_for_each(|record| catalog.apply(record))?;
            self.known = Known::Catalog(catalog);
        }
        Ok(())
    }

    /// The catalog, once the journal is at its end.
    ///
    /// # Errors
    /// [`RecoverError::NoCheckpoint`].
    pub fn finish(self) -> Result<Catalog, RecoverError> {
        match self.known {
            Known::Catalog(catalog) => Ok(catalog),
            Known::Pieces { .. } => Err(RecoverError::NoCheckpoint),
        }
    }
}
