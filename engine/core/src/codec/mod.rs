//! Values as bytes, for the edges of the process: one tag, then the value.
//!
//! The compact form is postcard's (<https://postcard.jamesmunns.com/wire-format>): no names, so both
//! sides must know the same [`Schema`], whose hash travels with the edge. The other form is CBOR, which
//! describes itself: it serves types that ask what is there (`flatten`, untagged enums), recursive
//! types, and single values that the compact form would corrupt. A reader takes both, always.

mod schema;
mod shape;
mod strict;
mod trace;

pub use schema::{Form, Schema, SchemaHash};

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
    let start = out.len();
    if Schema::of::<T>().form() == Form::Compact {
        out.push(COMPACT);
        if value.serialize(&mut Strict::new(out)).is_ok() {
            return Ok(());
        }
        // This one value leaves fields out; the compact form has no way to say which.
        out.truncate(start);
    }
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
    let type_name = std::any::type_name::<T>();
    let Some((form, mut rest)) = bytes.split_first() else {
        return Err(CodecError::UnknownForm { type_name });
    };
    let value = match *form {
        // A type that is never written so is not read so either: postcard knows no limit of depth.
        COMPACT if Schema::of::<T>().form() == Form::Compact => {
            let (value, left) = postcard::take_from_bytes(rest)
                .map_err(|error| CodecError::Decode { type_name, why: error.to_string() })?;
            rest = left;
            value
        }
        SELF_DESCRIBING => ciborium::from_reader(&mut rest)
            .map_err(|error| CodecError::Decode { type_name, why: error.to_string() })?,
        _ => return Err(CodecError::UnknownForm { type_name }),
    };
    if rest.is_empty() { Ok(value) } else { Err(CodecError::Trailing { type_name, left: rest.len() }) }
}

/// Whether the compact form brings `value` back as it was, as far as bytes can tell.
fn survives_compactly<T: Serialize + DeserializeOwned>(value: &T) -> bool {
    let mut first = Vec::new();
    if value.serialize(&mut Strict::new(&mut first)).is_err() {
        return false;
    }
    let Ok((back, [])) = postcard::take_from_bytes::<T>(&first) else { return false };
    let mut second = Vec::new();
    back.serialize(&mut Strict::new(&mut second)).is_ok() && first == second
}
