//! Borrowed memory that crosses: a pointer and a length, with the borrow kept as a lifetime.

use std::marker::PhantomData;

/// Bytes borrowed from the other side, for the length of one call.
pub type Slice<'a> = List<'a, u8>;

/// Values borrowed from the other side, for the length of one call.
#[repr(C)]
pub struct List<'a, T> {
    start: *const T,
    len: usize,
    borrow: PhantomData<&'a [T]>,
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(values: &'a [T]) -> Self {
        Self { start: values.as_ptr(), len: values.len(), borrow: PhantomData }
    }
}

impl<'a, T> List<'a, T> {
    /// The values.
    pub fn get(&self) -> &'a [T] {
        if self.len == 0 {
            // A foreign maker may write an empty list as a null pointer.
            return &[];
        }
        // SAFETY: a list is made from a slice that lives for 'a, on this side or on the other, and the
        // other side's ABI number promises the same layout of `T`.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

// SAFETY: a list is a shared borrow of values.
unsafe impl<T: Sync> Send for List<'_, T> {}
// SAFETY: a list is a shared borrow of values.
unsafe impl<T: Sync> Sync for List<'_, T> {}

#[cfg(test)]
mod tests {
    use super::{List, Slice};

    #[test]
    fn lists_give_back_what_they_borrow() {
        let words = [Slice::from(&b"one"[..]), Slice::from(&b""[..])];
        let list = List::from(&words[..]);
        assert_eq!(list.get().iter().map(|word| word.get()).collect::<Vec<_>>(), [&b"one"[..], b""]);
        assert!(List::<u64>::from(&[][..]).get().is_empty());
    }
}
