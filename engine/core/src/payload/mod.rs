//! What travels along an edge: any plain, serialisable value.

mod encoded;
mod ty;
mod wire_type;

pub use encoded::Encoded;
pub use ty::PayloadType;
pub use wire_type::{WireJson, WireType};

use crate::codec::{self, CodecError, Form, Schema};
use crate::fault::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that can travel along an edge. Implemented for every type that is `Clone`, `Send`,
/// `Sync`, `'static` and serialisable both ways; there is nothing to write.
///
/// Inside the process a payload is moved or borrowed, never serialised. The JSON forms serve the
/// human edges: `inspect`, dead letters, NDJSON files. The encoded form serves libraries.
pub trait Payload: Clone + Send + Sync + 'static {
    /// The value as JSON.
    ///
    /// # Errors
    /// If the type's own serialisation refuses the value, or JSON has no form for it.
    fn to_json(&self) -> Result<serde_json::Value, PayloadError>;

    /// Read a value of type `ty` from JSON text.
    ///
    /// # Errors
    /// If the bytes are not JSON, or not this type's JSON.
    fn from_json_as(bytes: &[u8], ty: PayloadType) -> Result<Self, PayloadError>;

    /// Read a value from JSON text.
    ///
    /// # Errors
    /// If the bytes are not JSON, or not this type's JSON.
    fn from_json(bytes: &[u8]) -> Result<Self, PayloadError> {
        Self::from_json_as(bytes, Self::declared_type())
    }

    /// Append the encoded value to `out`.
    ///
    /// # Errors
    /// If the type's own serialisation refuses the value; `out` is as it was.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.encode_in(Self::form(), out)
    }

    /// Read an encoded value of type `ty`.
    ///
    /// # Errors
    /// If the bytes are no value of the type.
    fn decode_as(bytes: &[u8], ty: PayloadType) -> Result<Self, CodecError> {
        Self::decode_in(Self::form(), bytes, ty)
    }

    /// How values are coded: looked up once by one who codes many.
    fn form() -> Form {
        Self::schema().form()
    }

    /// As [`Payload::encode`], with what [`Payload::form`] says.
    ///
    /// # Errors
    /// As [`Payload::encode`].
    fn encode_in(&self, form: Form, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// As [`Payload::decode_as`], with what [`Payload::form`] says.
    ///
    /// # Errors
    /// As [`Payload::decode_as`].
    fn decode_in(form: Form, bytes: &[u8], ty: PayloadType) -> Result<Self, CodecError>;

    /// As [`Payload::decode_in`], over a value that is no longer needed: its room is used again where its
    /// type can. On an error it is some value of the type.
    ///
    /// # Errors
    /// As [`Payload::decode_as`].
    fn decode_over(&mut self, form: Form, bytes: &[u8], ty: PayloadType) -> Result<(), CodecError> {
        *self = Self::decode_in(form, bytes, ty)?;
        Ok(())
    }

    /// Read an encoded value.
    ///
    /// # Errors
    /// If the bytes are no value of the type.
    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        Self::decode_as(bytes, Self::declared_type())
    }

    /// Shape and form of the type.
    fn schema() -> &'static Schema;

    /// The identity of the type, as far as Rust's type tells it.
    fn declared_type() -> PayloadType;

    /// The identity of this value's type: it differs from the declared one for [`Encoded`] alone.
    fn payload_type(&self) -> PayloadType {
        Self::declared_type()
    }
}

impl<T> Payload for T
where
    T: Clone + Send + Sync + 'static + Serialize + DeserializeOwned,
{
    fn to_json(&self) -> Result<serde_json::Value, PayloadError> {
        serde_json::to_value(self)
            .map_err(|source| PayloadError::Encode { type_name: std::any::type_name::<T>(), source })
    }

    fn from_json_as(bytes: &[u8], _ty: PayloadType) -> Result<Self, PayloadError> {
        serde_json::from_slice(bytes)
            .map_err(|source| PayloadError::Decode { type_name: std::any::type_name::<T>(), source })
    }

    #[inline]
    fn encode_in(&self, form: Form, out: &mut Vec<u8>) -> Result<(), CodecError> {
        codec::encode_as(form, self, out)
    }

    #[inline]
    fn decode_in(form: Form, bytes: &[u8], _ty: PayloadType) -> Result<Self, CodecError> {
        codec::decode_as(form, bytes)
    }

    #[inline]
    fn decode_over(&mut self, form: Form, bytes: &[u8], _ty: PayloadType) -> Result<(), CodecError> {
        codec::decode_over(form, bytes, self)
    }

    fn schema() -> &'static Schema {
        Schema::of::<T>()
    }

    fn declared_type() -> PayloadType {
        PayloadType::in_process::<T>()
    }
}

/// A payload could not cross between its type and JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The value has no JSON form.
    #[error("E0101: a value of {type_name} has no JSON form; check its Serialize implementation")]
    Encode {
        /// Rust's name of the type.
        type_name: &'static str,
        /// What the serialiser said.
        source: serde_json::Error,
    },
    /// The bytes are not this type.
    #[error("E0102: the bytes are not a {type_name} in JSON; send what its Deserialize accepts")]
    Decode {
        /// Rust's name of the type.
        type_name: &'static str,
        /// What the deserialiser said, with line and column.
        source: serde_json::Error,
    },
    /// Nobody who knows the type has said how it reads as JSON.
    #[error("E0103: nobody here can turn a {type_name} into JSON or back; load a package that knows it")]
    NoJson {
        /// The type's name.
        type_name: &'static str,
    },
    /// Whoever knows the type refused the value.
    #[error("E0104: a {type_name} did not cross between its bytes and JSON; check the value")]
    Wire {
        /// The type's name.
        type_name: &'static str,
        /// What they said.
        source: Failure,
    },
}
