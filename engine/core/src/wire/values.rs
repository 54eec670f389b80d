//! Encoded values one behind the other in one buffer.

use crate::codec::CodecError;
use crate::payload::{Encoded, Payload, WireType};
use bytes::Bytes;

/// Bytes in front of each value that say how long it is: so the buffer is what crosses, as it is.
const FRAME: usize = 4;

/// Encoded values in one buffer, so that a turn's values cost one allocation.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// The values, each behind its length.
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
        self.bytes.extend_from_slice(&frame(bytes.len()));
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }

    /// Append a value without bytes, in the place of one whose writer panicked in the middle of it.
    pub fn push_void(&mut self) {
        self.bytes.truncate(self.start(self.len()));
        self.push(&[]);
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
        let form = T::form();
        self.ends.reserve(values.len());
        for (index, value) in values.iter().enumerate() {
            self.push_with(|out| value.encode_in(form, out))?;
            if index == 0 {
                self.reserve_alike(values.len() - 1);
            }
        }
        Ok(())
    }

    /// Make room for `n` more values like the last.
    pub fn reserve_alike(&mut self, n: usize) {
        let last = self.len().saturating_sub(1);
        let length = self.bytes.len() - self.start(last);
        // An eighth more, for those that are a little longer.
        self.bytes.reserve((length + length / 8 + 1).saturating_mul(n));
        self.ends.reserve(n);
    }

    /// Append what `write` appends to the buffer.
    ///
    /// # Errors
    /// What `write` says; nothing is appended.
    #[inline]
    pub fn push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        self.make_room();
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; FRAME]);
        let written = write(&mut self.bytes);
        let length = self.bytes.len().saturating_sub(start + FRAME);
        match (written, self.bytes.get_mut(start..start + FRAME)) {
            (Ok(()), Some(room)) => {
                room.copy_from_slice(&frame(length));
                self.ends.push(self.bytes.len());
                Ok(())
            }
            (written, _) => {
                self.bytes.truncate(start);
                written
            }
        }
    }

    /// The value at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        self.bytes.get(self.start(index) + FRAME..end)
    }

    /// The values, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends
            .iter()
            .filter_map(move |end| self.bytes.get(std::mem::replace(&mut start, *end) + FRAME..*end))
    }

    /// All values as they cross: each behind its length, four bytes of it, the least first.
    pub fn framed(&self) -> &[u8] {
        &self.bytes
    }

    /// Append the first `n` values of `framed`, which are laid out so; returns how many bytes those are.
    /// `None`, and nothing appended, if it ends before.
    #[must_use]
    pub fn push_framed(&mut self, n: usize, framed: &[u8]) -> Option<usize> {
        let (before, sound) = (self.len(), self.bytes.len());
        self.ends.reserve(n.min(framed.len() / FRAME));
        let mut at = 0;
        for _ in 0..n {
            let end = framed
                .get(at..)
                .and_then(|rest| rest.first_chunk::<FRAME>())
                .and_then(|length| (at + FRAME).checked_add(u32::from_le_bytes(*length) as usize));
            let Some(end) = end.filter(|end| *end <= framed.len()) else {
                self.ends.truncate(before);
                return None;
            };
            self.ends.push(sound + end);
            at = end;
        }
        self.make_room();
        self.bytes.extend_from_slice(&framed[..at]);
        Some(at)
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
            .map(move |end| Encoded::new(bytes.slice(std::mem::replace(&mut start, end) + FRAME..end), ty))
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

/// The length of a value in front of it. One that is too long for it crosses as what no reader takes.
#[inline]
fn frame(length: usize) -> [u8; FRAME] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
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
    fn values_cross_as_they_lie_and_no_cut_or_garbled_buffer_is_read() {
        let mut sent = Values::default();
        for value in [&b"one"[..], b"", b"another"] {
            sent.push(value);
        }
        let mut got = Values::default();
        got.push(b"first");
        assert_eq!(got.push_framed(3, &[sent.framed(), b"behind"].concat()), Some(sent.framed().len()));
        assert_eq!(all(&got), [&b"first"[..], b"one", b"", b"another"]);
        let before = got.clone();
        for end in 0..sent.framed().len() {
            assert_eq!((got.push_framed(3, &sent.framed()[..end]), &got), (None, &before), "cut at {end}");
        }
        assert_eq!((got.push_framed(1, &[255; 40]), &got), (None, &before));
        assert_eq!((got.push_framed(usize::MAX, &[0; 40]), &got), (None, &before));
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
