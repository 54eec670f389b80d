//! A payload value as bytes, on its way to or from somebody who knows its type.

use super::{Payload, PayloadError, PayloadType, WireType};
use crate::codec::{CodecError, Form, Schema};
use bytes::Bytes;
use std::cell::RefCell;
use std::fmt;

/// Room that a thread keeps for encoding, between two values.
const SCRATCH_KEPT: usize = 64 * 1024;

/// A value as bytes, with its wire type. Cheap to clone: the bytes are shared.
///
/// It must never be `Serialize`: it is a [`Payload`] by its own implementation, beside the one for every
/// serialisable type.
#[derive(Clone)]
pub struct Encoded {
    bytes: Bytes,
    ty: &'static WireType,
}

impl Encoded {
    /// Bytes that are a value of `ty`; whoever decodes them finds out whether that is true.
    pub fn new(bytes: impl Into<Bytes>, ty: &'static WireType) -> Self {
        Self { bytes: bytes.into(), ty }
    }

    /// The encoded form of `value`.
    ///
    /// # Errors
    /// If the type's own serialisation refuses the value.
    pub fn from_value<T: Payload>(value: &T) -> Result<Self, CodecError> {
        let ty = value.payload_type().to_wire().ok_or(CodecError::Untyped)?;
        Self::of(value, ty)
    }

    /// The encoded form of `value`, which fits `ty`.
    ///
    /// # Errors
    /// If the type's own serialisation refuses the value.
    pub fn of<T: Payload>(value: &T, ty: &'static WireType) -> Result<Self, CodecError> {
        thread_local! {
            // The length is known at the end only; from here the bytes are allocated once, and exactly.
            static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut bytes) => {
                bytes.clear();
                value.encode(&mut bytes)?;
                let encoded = Self::new(Bytes::copy_from_slice(&bytes), ty);
                bytes.shrink_to(SCRATCH_KEPT);
                Ok(encoded)
            }
            // A `Serialize` that encodes values of its own on the way.
            Err(_) => {
                let mut bytes = Vec::new();
                value.encode(&mut bytes)?;
                Ok(Self::new(bytes, ty))
            }
        })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, to be shared.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Their type.
    pub fn wire_type(&self) -> &'static WireType {
        self.ty
    }
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.ty.hash() == other.ty.hash() && self.bytes == other.bytes
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {}", self.bytes.len(), self.ty.name())
    }
}

impl Payload for Encoded {
    fn to_json(&self) -> Result<serde_json::Value, PayloadError> {
        self.ty.to_json(&self.bytes)
    }

    fn from_json_as(bytes: &[u8], ty: PayloadType) -> Result<Self, PayloadError> {
        let wire = ty.wire().ok_or(PayloadError::NoJson { type_name: ty.name() })?;
        let mut encoded = Vec::new();
        wire.read_json(bytes, &mut encoded)?;
        Ok(Self::new(encoded, wire))
    }

    fn encode_in(&self, _form: Form, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(&self.bytes);
        Ok(())
    }

    fn decode_in(_form: Form, bytes: &[u8], ty: PayloadType) -> Result<Self, CodecError> {
        let wire = ty.wire().ok_or(CodecError::Untyped)?;
        Ok(Self::new(Bytes::copy_from_slice(bytes), wire))
    }

    fn schema() -> &'static Schema {
        Schema::untyped()
    }

    fn declared_type() -> PayloadType {
        PayloadType::untyped()
    }

    fn payload_type(&self) -> PayloadType {
        PayloadType::encoded(self.ty)
    }
}
