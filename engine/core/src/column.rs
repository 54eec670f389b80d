//! Boundaries of one source, in order, as one contiguous typed column.
//!
//! A graph borrows the column as a slice: the type is checked once a turn, not once a value.

use crate::payload::{Payload, PayloadType};
use std::any::Any;
use std::sync::Arc;

/// Values of one type in arrival order, with the sequence number of the first.
#[derive(Debug, Clone)]
pub struct Column<T> {
    items: Arc<Vec<T>>,
    first: u64,
}

impl<T: Payload> Default for Column<T> {
    fn default() -> Self {
        Self { items: Arc::new(Vec::new()), first: 0 }
    }
}

impl<T: Payload> Column<T> {
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
    /// Set the sequence number of the value at index 0.
    fn set_first(&mut self, first: u64);
    /// Drop the first `n` values.
    fn drop_front(&mut self, n: usize);
    /// Drop everything from `len` on.
    fn truncate(&mut self, len: usize);
    /// An empty column of the same type.
    fn fresh(&self) -> Box<dyn AnyColumn>;
    /// Append a copy of `other`'s value at `index`; false if the types differ.
    fn push_from(&mut self, other: &dyn AnyColumn, index: usize) -> bool;
    /// The value at `index` as JSON; `null` where JSON has no form for it.
    fn json(&self, index: usize) -> serde_json::Value;
    /// Append a value read from JSON.
    ///
    /// # Errors
    /// If the bytes are not the column's type.
    fn push_json(&mut self, bytes: &[u8]) -> Result<(), crate::PayloadError>;
    /// Give memory back that a burst left behind.
    fn shrink(&mut self);
    /// For a checked downcast.
    fn as_any(&self) -> &dyn Any;
    /// For a checked downcast.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Payload> AnyColumn for Column<T> {
    fn payload_type(&self) -> PayloadType {
        PayloadType::of::<T>()
    }

    fn len(&self) -> usize {
        self.items.len()
    }

    fn first(&self) -> u64 {
        self.first
    }

    fn set_first(&mut self, first: u64) {
        self.first = first;
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
        }
    }

    fn fresh(&self) -> Box<dyn AnyColumn> {
        Box::new(Self::default())
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

    fn json(&self, index: usize) -> serde_json::Value {
        self.items.get(index).and_then(|value| value.to_json().ok()).unwrap_or_default()
    }

    fn push_json(&mut self, bytes: &[u8]) -> Result<(), crate::PayloadError> {
        let value = T::from_json(bytes)?;
        self.push(value);
        Ok(())
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
