//! Values as bytes, for the edges of the process: one tag, then the value.
//!
//! The compact form is postcard's (<https://postcard.jamesmunns.com/wire-format>): no names, so both
//! sides must know the same [`Schema`], whose hash travels with the edge. The other form is CBOR, which
//! describes itself: it serves types that ask what is there (`flatten`, untagged enums), recursive
//! types, and single values that the compact form would corrupt. A reader takes both, always.

mod reader;
mod schema;
mod shape;
mod strict;
mod trace;

pub use schema::{Form, Schema, SchemaHash};

use reader::Reader;
use serde::Serialize;
use serde::de::DeserializeOwned;
use strict::Strict;

const COMPACT: u8 = 1;
const SELF_DESCRIBING: u8 = 2;

/// A value that could not become bytes, or bytes that are no value of the type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The type's own `Serialize` refused the value.
    #[error("E0130: a value of {type_name} cannot be encoded: {why}; check its Serialize implementation")]
    Encode {
        /// Rust's name of the type.
        type_name: &'static str,
        /// What the serialiser said.
        why: String,
    },
    /// The bytes are not a value of the type.
    #[error("E0131: the bytes are no {type_name}: {why}; send what was encoded from a type of equal schema")]
    Decode {
        /// Rust's name of the type.
        type_name: &'static str,
        /// What the deserialiser said.
        why: String,
    },
    /// More bytes than the value has.
    #[error("E0132: {left} bytes follow a {type_name}; send one value at a time")]
    Trailing {
        /// Rust's name of the type.
        type_name: &'static str,
        /// How many.
        left: usize,
    },
    /// The first byte names no form.
    #[error("E0133: the bytes of a {type_name} begin with no known form; both sides must be of one release")]
    UnknownForm {
        /// Rust's name of the type.
        type_name: &'static str,
    },
    /// Encoded bytes were asked for without their type.
    #[error("E0134: encoded bytes have no type of their own; name their wire type")]
    Untyped,
    /// There is no value at that place.
    #[error("E0135: there is no value at index {index}")]
    Absent {
        /// The place.
        index: usize,
    },
}

/// Append `value` to `out`. On an error `out` is as it was.
///
/// # Errors
/// [`CodecError::Encode`] if the type's own `Serialize` refuses the value.
pub fn encode<T>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    encode_as(Schema::of::<T>().form(), value, out)
}

/// The same for one who codes many values of `T`, and has looked up its `form` once.
///
/// # Errors
/// As [`encode`].
#[inline]
pub(crate) fn encode_as<T: Serialize>(form: Form, value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    if form == Form::Compact {
        out.push(COMPACT);
        if value.serialize(&mut Strict::new(out)).is_ok() {
            return Ok(());
        }
        // This one value leaves fields out; the compact form has no way to say which.
        out.truncate(start);
    }
    describe(value, out)
}

/// Append `value` in the form that describes itself.
#[cold]
fn describe<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    out.push(SELF_DESCRIBING);
    ciborium::into_writer(value, &mut *out).map_err(|error| {
        out.truncate(start);
        CodecError::Encode { type_name: std::any::type_name::<T>(), why: error.to_string() }
    })
}

/// Read a value that [`encode`] wrote, which must be all that `bytes` holds.
///
/// # Errors
/// [`CodecError`], saying what is wrong with the bytes.
pub fn decode<T>(bytes: &[u8]) -> Result<T, CodecError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    decode_as(Schema::of::<T>().form(), bytes)
}

/// The same for one who reads many values of `T`, and has looked up its `form` once.
///
/// # Errors
/// As [`decode`].
#[inline]
pub(crate) fn decode_as<T: DeserializeOwned>(form: Form, bytes: &[u8]) -> Result<T, CodecError> {
    let Some(mut reader) = compact(form, bytes) else { return described(bytes) };
    match T::deserialize(&mut reader) {
        Ok(value) if reader.rest().is_empty() => Ok(value),
        read => Err(unread::<T>(read.err(), reader.rest().len())),
    }
}

/// The same into `place`, whose room is used again where its type can. On an error `place` holds some value.
///
/// # Errors
/// As [`decode`].
#[inline]
pub(crate) fn decode_over<T: DeserializeOwned>(
    form: Form,
    bytes: &[u8],
    place: &mut T,
) -> Result<(), CodecError> {
    let Some(mut reader) = compact(form, bytes) else {
        *place = described(bytes)?;
        return Ok(());
    };
    match T::deserialize_in_place(&mut reader, place) {
        Ok(()) if reader.rest().is_empty() => Ok(()),
        read => Err(unread::<T>(read.err(), reader.rest().len())),
    }
}

/// A reader behind the tag, if the value is in the compact form, and its type is ever written so: that form
/// knows no limit of depth.
#[inline]
fn compact(form: Form, bytes: &[u8]) -> Option<Reader<'_>> {
    match bytes.split_first() {
        Some((&COMPACT, rest)) if form == Form::Compact => Some(Reader::new(rest)),
        _ => None,
    }
}

#[cold]
fn unread<T>(error: Option<reader::Unread>, left: usize) -> CodecError {
    let type_name = std::any::type_name::<T>();
    match error {
        Some(error) => CodecError::Decode { type_name, why: error.to_string() },
        None => CodecError::Trailing { type_name, left },
    }
}

/// Read a value in the form that describes itself.
#[cold]
fn described<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let type_name = std::any::type_name::<T>();
    let Some((&SELF_DESCRIBING, mut rest)) = bytes.split_first() else {
        return Err(CodecError::UnknownForm { type_name });
    };
    let value = ciborium::from_reader(&mut rest)
        .map_err(|error| CodecError::Decode { type_name, why: error.to_string() })?;
    if rest.is_empty() { Ok(value) } else { Err(CodecError::Trailing { type_name, left: rest.len() }) }
}

/// Whether the compact form brings `value` back as it was, as far as bytes can tell.
fn survives_compactly<T: Serialize + DeserializeOwned>(value: &T) -> bool {
    let mut first = Vec::new();
    if value.serialize(&mut Strict::new(&mut first)).is_err() {
        return false;
    }
    let mut reader = Reader::new(&first);
    let Ok(back) = T::deserialize(&mut reader) else { return false };
    if !reader.rest().is_empty() {
        return false;
    }
    let mut second = Vec::new();
    back.serialize(&mut Strict::new(&mut second)).is_ok() && first == second
}
