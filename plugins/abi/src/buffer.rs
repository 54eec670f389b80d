//! Owned bytes that cross: whoever made them frees them, and may write into them again.

/// Bytes with the function that frees them. Handed back to their maker, their room is used again, so that
/// a reply costs no allocation once it has grown.
#[repr(C)]
pub struct Buffer {
    start: *mut u8,
    len: usize,
    capacity: usize,
    free: Option<unsafe extern "C" fn(*mut u8, usize)>,
}

/// Frees the bytes of a vector of this side's allocator.
unsafe extern "C" fn free(start: *mut u8, capacity: usize) {
    // SAFETY: only `Buffer::from` sets this function, beside the parts of a vector that it took apart.
    drop(unsafe { Vec::from_raw_parts(start, 0, capacity) });
}

impl Default for Buffer {
    fn default() -> Self {
        Self { start: std::ptr::null_mut(), len: 0, capacity: 0, free: None }
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Self { start: bytes.as_mut_ptr(), len: bytes.len(), capacity: bytes.capacity(), free: Some(free) }
    }
}

impl Buffer {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: the maker filled `len` bytes from `start`, and they stay until this buffer is dropped or
        // written, both of which need it exclusively.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// Let `write` fill it from empty, in the room that it has if this side made it.
    pub fn write<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        // If `write` panics, the buffer is left empty.
        let mut bytes = std::mem::take(self).into_room();
        let result = write(&mut bytes);
        *self = Self::from(bytes);
        result
    }

    /// An empty vector in its room, if this side made it.
    fn into_room(self) -> Vec<u8> {
        let own = self
            .free
            .is_some_and(|function| std::ptr::fn_addr_eq(function, free as unsafe extern "C" fn(_, _)));
        if !own {
            return Vec::new();
        }
        let buffer = std::mem::ManuallyDrop::new(self);
        // SAFETY: this side's `free` stands beside the parts of a vector of this side's allocator only, and
        // the buffer that held them is forgotten.
        unsafe { Vec::from_raw_parts(buffer.start, 0, buffer.capacity) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(free) = self.free.take() {
            // SAFETY: the maker set `free` for exactly these parts, and they are given up here.
            unsafe { free(self.start, self.capacity) }
        }
    }
}

// SAFETY: a buffer owns plain bytes, and its `free` may be called on any thread.
unsafe impl Send for Buffer {}
// SAFETY: a shared buffer is only read.
unsafe impl Sync for Buffer {}

#[cfg(test)]
mod tests {
    use super::Buffer;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn room_is_used_again_by_its_maker() {
        let mut buffer = Buffer::default();
        buffer.write(|bytes| bytes.extend_from_slice(&[7; 1000]));
        assert_eq!(buffer.bytes(), [7; 1000]);
        let start = buffer.start;
        buffer.write(|bytes| bytes.extend_from_slice(b"short"));
        assert_eq!((buffer.bytes(), buffer.start), (&b"short"[..], start));
    }

    static FREED: AtomicUsize = AtomicUsize::new(0);

    /// A maker with an allocator of its own.
    unsafe extern "C" fn give_back(start: *mut u8, capacity: usize) {
        FREED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the test took these parts from a vector.
        drop(unsafe { Vec::from_raw_parts(start, 0, capacity) });
    }

    #[test]
    fn only_the_maker_frees_and_writes_again() {
        let mut foreign = std::mem::ManuallyDrop::new(b"theirs".to_vec());
        let mut buffer = Buffer {
            start: foreign.as_mut_ptr(),
            len: foreign.len(),
            capacity: foreign.capacity(),
            free: Some(give_back),
        };
        assert_eq!(buffer.bytes(), b"theirs");
        buffer.write(|bytes| bytes.extend_from_slice(b"ours"));
        assert_eq!(FREED.load(Ordering::Relaxed), 1);
        assert_eq!(buffer.bytes(), b"ours");
        drop(buffer);
        assert_eq!(FREED.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn writer_that_panics_leaves_an_empty_buffer() {
        let mut buffer = Buffer::from(b"old".to_vec());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            buffer.write(|bytes| {
                bytes.push(1);
                panic!("while writing");
            })
        }));
        assert!(panicked.is_err());
        assert!(buffer.bytes().is_empty());
    }
}
