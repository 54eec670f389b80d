//! Encoded values one behind the other in one buffer.

use crate::codec::CodecError;
use crate::payload::{Encoded, Payload, WireType};
use bytes::Bytes;

/// Encoded values in one buffer, so that a turn's values cost one allocation.
#[derive(Debug, Clone, Default)]
pub struct Values {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// How many bytes were taken last: the next ones are likely to need as much, at once.
    room: usize,
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
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        self.make_room();
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }

    /// Append a value without bytes, in the place of one whose writer panicked in the middle of it.
    pub fn push_void(&mut self) {
        let sound = self.start(self.len());
        self.bytes.truncate(sound);
        self.ends.push(sound);
    }

    /// Append a value.
    ///
    /// # Errors
    /// If the type's own serialisation refuses it; nothing is appended.
    pub fn push_value<T: Payload>(&mut self, value: &T) -> Result<(), CodecError> {
        self.push_with(|out| value.encode(out))
    }

    /// Append values of one type; where one is as long as another, with one allocation.
    ///
    /// # Errors
    /// At the first that its type's own serialisation refuses; those before it are appended.
    pub fn push_all<T: Payload>(&mut self, values: &[T]) -> Result<(), CodecError> {
        self.ends.reserve(values.len());
        let Some((first, others)) = values.split_first() else { return Ok(()) };
        let before = self.bytes.len();
        self.push_value(first)?;
        let length = self.bytes.len() - before;
        // An eighth more, for those that are a little longer than the first.
        self.bytes.reserve((length + length / 8 + 1).saturating_mul(others.len()));
        others.iter().try_for_each(|value| self.push_value(value))
    }

    /// Append what `write` appends to the buffer.
    ///
    /// # Errors
    /// What `write` says; nothing is appended.
    pub fn push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        self.make_room();
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
    pub fn take(&mut self, ty: &'static WireType) -> impl ExactSizeIterator<Item = Encoded> + '_ {
        self.room = self.bytes.len();
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let mut start = 0;
        self.ends
            .drain(..)
            .map(move |end| Encoded::new(bytes.slice(std::mem::replace(&mut start, end)..end), ty))
    }

    /// The buffer of those that were taken went with them.
    #[inline]
    fn make_room(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(self.room);
        }
    }

    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        (&self.bytes, &self.ends) == (&other.bytes, &other.ends)
    }
}

impl Eq for Values {}

#[cfg(test)]
mod tests {
    use super::Values;
    use crate::fault::{Failure, guarded};
    use crate::payload::{Payload, WireType};

    fn all(values: &Values) -> Vec<&[u8]> {
        values.iter().collect()
    }

    #[test]
    fn a_value_whose_writer_panics_leaves_no_bytes_and_its_neighbours_are_whole() {
        let mut values = Values::default();
        values.push(b"one");
        let halfway = guarded(|| {
            values.push_with(|out| {
                out.push(7);
                if out.len() > 3 { panic!("halfway") } else { Ok::<_, Failure>(()) }
            })
        });
        assert!(halfway.is_err());
        values.push_void();
        values.push(b"two");
        assert_eq!(all(&values), [&b"one"[..], b"", b"two"]);
    }

    #[test]
    fn values_that_were_taken_are_whole_while_others_are_written() {
        let wire = WireType::of::<String>().unwrap();
        let texts = ["a", "", "a longer one than the first"].map(str::to_owned);
        let (mut values, mut one_by_one) = (Values::default(), Values::default());
        for _ in 0..3 {
            values.push_all(&texts).unwrap();
            texts.iter().for_each(|text| one_by_one.push_value(text).unwrap());
            assert_eq!(values, one_by_one);
            let taken: Vec<_> = values.take(wire).collect();
            one_by_one.clear();
            values.push(b"another");
            let read: Vec<String> =
                taken.iter().map(|value| String::decode(value.as_bytes()).unwrap()).collect();
            assert_eq!(read, texts);
            values.clear();
        }
        values.push_all::<String>(&[]).unwrap();
        assert!(values.is_empty());
    }
}
