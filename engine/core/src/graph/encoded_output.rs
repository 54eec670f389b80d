//! Outputs of a terminal whose values are bytes: one buffer, in which no value has anything of its own.

use super::AnyOutput;
use crate::codec::CodecError;
use crate::column::{AnyColumn, Column};
use crate::payload::{Encoded, PayloadError, PayloadType};
use crate::wire::Values;
use std::any::Any;

/// Encoded values of one terminal, oldest first.
pub struct EncodedOutput {
    values: Values,
    /// How many of the first were taken.
    taken: usize,
    wanted: bool,
    ty: PayloadType,
}

impl EncodedOutput {
    /// An empty output for encoded values of `ty`.
    pub fn new(ty: PayloadType) -> Self {
        Self { values: Values::default(), taken: 0, wanted: true, ty }
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().skip(self.taken)
    }

    /// Move all of `values` behind those here, if anybody takes them; `values` is empty then.
    pub fn append_values(&mut self, values: &mut Values) {
        if self.wanted && self.values.is_empty() {
            std::mem::swap(&mut self.values, values);
        } else if self.wanted {
            values.iter().for_each(|value| self.values.push(value));
        }
        values.clear();
    }

    /// Take the values as payloads, which share the buffer.
    pub fn take(&mut self) -> impl Iterator<Item = Encoded> + '_ {
        let taken = std::mem::take(&mut self.taken);
        self.ty.wire().map(|wire| self.values.take(wire).skip(taken)).into_iter().flatten()
    }

    /// The same, leaving them here.
    pub fn copies(&self) -> Vec<Encoded> {
        let mut values = self.values.clone();
        self.ty.wire().map(|wire| values.take(wire).skip(self.taken).collect()).unwrap_or_default()
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        self.values.get(self.taken + index)
    }
}

impl AnyOutput for EncodedOutput {
    fn payload_type(&self) -> PayloadType {
        self.ty
    }

    fn len(&self) -> usize {
        self.values.len() - self.taken
    }

    fn clear(&mut self) {
        self.values.clear();
        self.taken = 0;
    }

    fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    fn is_wanted(&self) -> bool {
        self.wanted
    }

    fn json(&self, index: usize) -> Option<Result<serde_json::Value, PayloadError>> {
        let bytes = self.get(index)?;
        let type_name = self.ty.name();
        Some(self.ty.wire().ok_or(PayloadError::NoJson { type_name }).and_then(|wire| wire.to_json(bytes)))
    }

    fn column_of(&self, index: usize) -> Option<Box<dyn AnyColumn>> {
        let value = Encoded::new(self.get(index)?.to_vec(), self.ty.wire()?);
        Some(Box::new(Column::of(value)))
    }

    fn encode(&self, index: usize, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(self.get(index).ok_or(CodecError::Absent { index })?);
        Ok(())
    }

    fn pop_encoded(&mut self, out: &mut Vec<u8>) -> Option<Result<(), CodecError>> {
        out.extend_from_slice(self.get(0)?);
        self.taken += 1;
        if self.is_empty() {
            self.clear();
        }
        Some(Ok(()))
    }

    fn drain_encoded(&mut self, out: &mut Values) -> Result<(), CodecError> {
        self.values().for_each(|value| out.push(value));
        self.clear();
        Ok(())
    }

    fn push_encoded(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        if self.wanted {
            self.values.push(bytes);
        }
        Ok(())
    }

    fn append(&mut self, from: &mut dyn AnyOutput) {
        if let Some(from) = from.as_any_mut().downcast_mut::<Self>() {
            if self.wanted {
                from.values().for_each(|value| self.values.push(value));
            }
            from.clear();
        }
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
