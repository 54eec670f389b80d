//! The form in which catalog records are journaled: one byte for the form, then postcard.
//!
//! Forms are never changed: a field more is another form, with another byte. `tests/fixtures` keeps one of
//! each. Reading validates, so that what is folded is a record that this release could have written.

mod model;
mod v1;

use crate::Lsn;
use acequia_core::catalog::Record;
use std::fmt;

/// The form that is written.
const FORM: u8 = 1;

/// A record that cannot be journaled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// It has a pin that lives in memory only.
    #[error("E0660: a start in flight of {holder} is not journaled; record its run, then let the start go")]
    StartPin {
        /// Who.
        holder: String,
    },
    /// The encoder refused.
    #[error("E0661: a catalog record could not be encoded: {why}; report this as a bug")]
    Encode {
        /// What it said.
        why: String,
    },
}

/// Bytes that are no catalog record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Nothing at all.
    #[error("E0662: a catalog record is empty; restore the journal from a backup")]
    Empty,
    /// It is of a form that this release does not know.
    #[error("E0663: a catalog record is of form {form}, which this release does not know; start a newer one")]
    UnknownForm {
        /// The form.
        form: u8,
    },
    /// It uses what this release does not know.
    #[error("E0664: a catalog record has {what}, which this release cannot keep; start a newer one")]
    Newer {
        /// What.
        what: &'static str,
    },
    /// It is not what was written.
    #[error("E0665: a catalog record cannot be read: {why}; restore the journal from a backup")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
}

impl DecodeError {
    fn malformed(why: impl fmt::Display) -> Self {
        Self::Malformed { why: why.to_string() }
    }
}

/// The bytes of a record, as its payload in the journal.
///
/// # Errors
/// [`EncodeError`].
pub fn encode(record: &Record) -> Result<Vec<u8>, EncodeError> {
    seal(&v1::Record::try_from(record)?)
}

/// The record that [`encode`] wrote, in this release or an earlier one.
///
/// # Errors
/// [`DecodeError`].
pub fn decode(bytes: &[u8]) -> Result<Record, DecodeError> {
    open::<v1::Record>(bytes)?.try_into()
}

/// A form byte and the value.
fn seal<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let encoded = postcard::to_extend(value, vec![FORM]);
    encoded.map_err(|error| EncodeError::Encode { why: error.to_string() })
}

fn open<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    match bytes.split_first() {
        None => Err(DecodeError::Empty),
        Some((&FORM, rest)) => match postcard::take_from_bytes::<T>(rest) {
            Ok((value, [])) => Ok(value),
            Ok((_, left)) => Err(DecodeError::malformed(format!("{} bytes follow it", left.len()))),
            Err(error) => Err(DecodeError::malformed(error)),
        },
        Some((&form, _)) => Err(DecodeError::UnknownForm { form }),
    }
}

/// The bytes of one change, as the value of a row.
pub(super) fn encode_change(change: &acequia_core::catalog::Change) -> Result<Vec<u8>, EncodeError> {
    seal(&v1::Change::try_from(change)?)
}

/// The change that a row has.
pub(super) fn decode_change(bytes: &[u8]) -> Result<acequia_core::catalog::Change, DecodeError> {
    open::<v1::Change>(bytes)?.try_into()
}

/// One piece of a checkpoint.
pub(super) struct Piece {
    /// Up to where the checkpoint has taken the journal in.
    pub(super) at: Lsn,
    pub(super) index: u32,
    /// How many pieces there are.
    pub(super) n: u32,
    pub(super) record: Record,
}

pub(super) fn encode_piece(at: Lsn, index: u32, n: u32, record: &Record) -> Result<Vec<u8>, EncodeError> {
    seal(&v1::Piece { at: at.0, index, n, record: record.try_into()? })
}

pub(super) fn decode_piece(bytes: &[u8]) -> Result<Piece, DecodeError> {
    let v1::Piece { at, index, n, record } = open::<v1::Piece>(bytes)?;
    if index >= n {
        return Err(DecodeError::malformed("a piece beyond the last"));
    }
    Ok(Piece { at: Lsn(at), index, n, record: record.try_into()? })
}
