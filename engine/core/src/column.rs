//! Boundaries of one source, in order, as one contiguous typed column.
//!
//! A graph borrows the column as a slice: the type is checked once a turn, not once a value.

use crate::codec::CodecError;
use crate::payload::{Encoded, Payload, PayloadError, PayloadType};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Values of one type in arrival order, with the sequence number of the first.
#[derive(Debug)]
pub struct Column<T> {
    items: Arc<Vec<T>>,
    first: u64,
    epoch: u64,
    ty: PayloadType,
}

/// No two columns share an epoch; it tells their sequence numbers apart.
fn next_epoch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<T: Payload> Default for Column<T> {
    fn default() -> Self {
        Self::of_type(T::declared_type())
    }
}

impl<T: Payload> Clone for Column<T> {
    fn clone(&self) -> Self {
        Self { items: Arc::clone(&self.items), first: self.first, epoch: next_epoch(), ty: self.ty }
    }
}

impl<T: Payload> Column<T> {
    /// An empty column for values of `ty`, which says more than `T` where `T` is encoded bytes.
    pub fn of_type(ty: PayloadType) -> Self {
        Self { items: Arc::new(Vec::new()), first: 0, epoch: next_epoch(), ty }
    }

    /// A column of one value.
    pub fn of(value: T) -> Self {
        let mut column = Self::of_type(value.payload_type());
        column.push(value);
        column
    }

    /// The values.
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }

    /// A shared handle on the values, for a future that outlives the turn.
    pub fn shared(&self) -> Arc<Vec<T>> {
        Arc::clone(&self.items)
    }

    /// The values for appending. Copies them first if a pending future still reads them.
    pub fn items_mut(&mut self) -> &mut Vec<T> {
        Arc::make_mut(&mut self.items)
    }

    /// Append one value.
    pub fn push(&mut self, value: T) {
        self.items_mut().push(value);
    }
}

/// A [`Column`] whose type is known to the reader only.
pub trait AnyColumn: Send + Any {
    /// The type of the values.
    fn payload_type(&self) -> PayloadType;
    /// How many values it holds.
    fn len(&self) -> usize;
    /// Whether it holds none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Sequence number of the value at index 0.
    fn first(&self) -> u64;
    /// Stays the same for as long as a sequence number means one value; unique to this column.
    fn epoch(&self) -> u64;
    /// Set the sequence number of the value at index 0.
    fn set_first(&mut self, first: u64);
    /// Drop the first `n` values.
    fn drop_front(&mut self, n: usize);
    /// Drop everything from `len` on.
    fn truncate(&mut self, len: usize);
    /// An empty column of the same type.
    fn fresh(&self) -> Box<dyn AnyColumn>;
    /// The same values once more, shared until either side appends.
    fn share(&self) -> Box<dyn AnyColumn>;
    /// Append a copy of `other`'s value at `index`; false if the types differ.
    fn push_from(&mut self, other: &dyn AnyColumn, index: usize) -> bool;
    /// The value at `index` as JSON; `null` where JSON has no form for it.
    fn json(&self, index: usize) -> serde_json::Value {
        self.try_json(index).and_then(Result::ok).unwrap_or_default()
    }
    /// The value at `index` as JSON, or why it has no such form; `None` if there is none.
    fn try_json(&self, index: usize) -> Option<Result<serde_json::Value, PayloadError>>;
    /// Append a value read from JSON.
    ///
    /// # Errors
    /// If the bytes are not the column's type.
    fn push_json(&mut self, bytes: &[u8]) -> Result<(), PayloadError>;
    /// Append a value from its encoded form.
    ///
    /// # Errors
    /// If the bytes are no value of the column's type.
    fn push_encoded(&mut self, bytes: &[u8]) -> Result<(), CodecError>;
    /// Drop the first `n` values, or leave them for [`AnyColumn::renew`] to write over, if nobody else reads
    /// them; returns how many it left.
    fn retire(&mut self, n: usize) -> usize;
    /// Append values from their encoded forms, in the room of the first `retired`, which are dropped. `done`
    /// counts those that were read; on an error, or after a panic of the type's own code, what lies behind
    /// those must be cut off with [`AnyColumn::truncate`].
    ///
    /// # Errors
    /// At the first that is no value of the column's type.
    fn renew(&mut self, retired: usize, encoded: &[&[u8]], done: &mut usize) -> Result<(), CodecError>;
    /// Append the encoded form of the value at `index` to `out`.
    ///
    /// # Errors
    /// If there is no such value, or its type's own serialisation refuses it; `out` is as it was.
    fn encode(&self, index: usize, out: &mut Vec<u8>) -> Result<(), CodecError>;
    /// Give memory back that a burst left behind.
    fn shrink(&mut self);
    /// For a checked downcast.
    fn as_any(&self) -> &dyn Any;
    /// For a checked downcast.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl dyn AnyColumn {
    /// Append `other`'s value at `index`, through its encoded form where the types of the process differ.
    ///
    /// # Errors
    /// If there is no such value, or its bytes are no value of this column's type.
    pub fn push_converted(&mut self, other: &dyn AnyColumn, index: usize) -> Result<(), CodecError> {
        if self.push_from(other, index) {
            return Ok(());
        }
        if let Some(encoded) = other.as_any().downcast_ref::<Column<Encoded>>() {
            let value = encoded.as_slice().get(index).ok_or(CodecError::Absent { index })?;
            return self.push_encoded(value.as_bytes());
        }
        let mut bytes = Vec::new();
        other.encode(index, &mut bytes)?;
        self.push_encoded(&bytes)
    }
}

impl<T: Payload> AnyColumn for Column<T> {
    fn payload_type(&self) -> PayloadType {
        self.ty
    }

    fn len(&self) -> usize {
        self.items.len()
    }

    fn first(&self) -> u64 {
        self.first
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn set_first(&mut self, first: u64) {
        if first != self.first {
            self.first = first;
            self.epoch = next_epoch();
        }
    }

    fn drop_front(&mut self, n: usize) {
        if n > 0 {
            self.items_mut().drain(..n);
            self.first += n as u64;
        }
    }

    fn truncate(&mut self, len: usize) {
        if len < self.items.len() {
            self.items_mut().truncate(len);
            // Their numbers will be given again, to other values.
            self.epoch = next_epoch();
        }
    }

    fn fresh(&self) -> Box<dyn AnyColumn> {
        Box::new(Self::of_type(self.ty))
    }

    fn share(&self) -> Box<dyn AnyColumn> {
        Box::new(self.clone())
    }

    fn push_from(&mut self, other: &dyn AnyColumn, index: usize) -> bool {
        match other.as_any().downcast_ref::<Self>().and_then(|column| column.items.get(index)) {
            Some(value) => {
                let value = value.clone();
                self.push(value);
                true
            }
            None => false,
        }
    }

    fn try_json(&self, index: usize) -> Option<Result<serde_json::Value, PayloadError>> {
        self.items.get(index).map(Payload::to_json)
    }

    fn push_json(&mut self, bytes: &[u8]) -> Result<(), PayloadError> {
        let value = T::from_json_as(bytes, self.ty)?;
        self.push(value);
        Ok(())
    }

    fn push_encoded(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let value = T::decode_as(bytes, self.ty)?;
        self.push(value);
        Ok(())
    }

    fn retire(&mut self, n: usize) -> usize {
        if Arc::get_mut(&mut self.items).is_some() {
            return n;
        }
        self.drop_front(n);
        0
    }

    fn renew(&mut self, retired: usize, encoded: &[&[u8]], done: &mut usize) -> Result<(), CodecError> {
        let (form, ty) = (T::form(), self.ty);
        self.first += retired as u64;
        let items = self.items_mut();
        // Old values are let go of one by one as new ones come, so that what the ones held serves the others.
        items.rotate_left(retired);
        let mut at = items.len() - retired;
        for bytes in encoded {
            match items.get_mut(at) {
                Some(place) => place.decode_over(form, bytes, ty)?,
                None => items.push(T::decode_in(form, bytes, ty)?),
            }
            at += 1;
            *done += 1;
        }
        items.truncate(at);
        Ok(())
    }

    fn encode(&self, index: usize, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.items.get(index).ok_or(CodecError::Absent { index })?.encode(out)
    }

    fn shrink(&mut self) {
        if self.items.capacity() > 2 * self.items.len() + 8 {
            self.items_mut().shrink_to_fit();
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
