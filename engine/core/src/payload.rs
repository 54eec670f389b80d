//! What travels along an edge: any plain, serialisable value.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::TypeId;

/// A value that can travel along an edge. Implemented for every type that is `Clone`, `Send`,
/// `Sync`, `'static` and serialisable both ways; there is nothing to write.
///
/// Inside the process a payload is moved or borrowed, never serialised. The JSON forms serve the
/// human edges: `inspect`, dead letters, NDJSON files.
pub trait Payload: Clone + Send + Sync + 'static {
    /// The value as JSON.
    ///
    /// # Errors
    /// If the type's own serialisation refuses the value, or JSON has no form for it.
    fn to_json(&self) -> Result<serde_json::Value, PayloadError>;

    /// Read a value from JSON text.
    ///
    /// # Errors
    /// If the bytes are not JSON, or not this type's JSON.
    fn from_json(bytes: &[u8]) -> Result<Self, PayloadError>;
}

impl<T> Payload for T
where
    T: Clone + Send + Sync + 'static + Serialize + DeserializeOwned,
{
    fn to_json(&self) -> Result<serde_json::Value, PayloadError> {
        serde_json::to_value(self)
            .map_err(|source| PayloadError::Encode { type_name: std::any::type_name::<T>(), source })
    }

    fn from_json(bytes: &[u8]) -> Result<Self, PayloadError> {
        serde_json::from_slice(bytes)
            .map_err(|source| PayloadError::Decode { type_name: std::any::type_name::<T>(), source })
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
}

/// The identity of a payload type, compared when two ends of an edge are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PayloadType {
    id: TypeId,
    name: &'static str,
}

impl PayloadType {
    /// The identity of `T`.
    pub fn of<T: 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: std::any::type_name::<T>() }
    }

    /// Rust's name of the type, for messages only.
    pub fn name(self) -> &'static str {
        self.name
    }
}
