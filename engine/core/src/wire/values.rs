//! Encoded values one behind the other in one buffer.

use crate::codec::CodecError;
use crate::payload::{Encoded, Payload, WireType};
use bytes::Bytes;

/// Encoded values in one buffer, so that a turn's values cost one allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Values {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Append an encoded value.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }

    /// Append a value.
    ///
    /// # Errors
    /// If the type's own serialisation refuses it; nothing is appended.
    pub fn push_value<T: Payload>(&mut self, value: &T) -> Result<(), CodecError> {
        self.push_with(|out| value.encode(out))
    }

    /// Append what `write` appends to the buffer.
    ///
    /// # Errors
    /// What `write` says; nothing is appended.
    pub fn push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let start = self.bytes.len();
        match write(&mut self.bytes) {
            Ok(()) => {
                self.ends.push(self.bytes.len());
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(start);
                Err(error)
            }
        }
    }

    /// The value at `index`.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        self.bytes.get(self.start(index)..end)
    }

    /// The values, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Drop everything from `len` on.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.bytes.truncate(self.start(len));
            self.ends.truncate(len);
        }
    }

    /// Forget all values.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Take all values as payloads of type `ty`; they share the buffer.
    pub fn take(&mut self, ty: &'static WireType) -> impl Iterator<Item = Encoded> + use<> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let ends = std::mem::take(&mut self.ends);
        let mut start = 0;
        ends.into_iter()
            .map(move |end| Encoded::new(bytes.slice(std::mem::replace(&mut start, end)..end), ty))
    }

    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }
}
