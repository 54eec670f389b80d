//! A waker that crosses: each poll hands one over, and the side that polls owns what it wakes.

use std::ffi::c_void;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// A waker of the other side, owned.
#[repr(C)]
pub struct RawWaker {
    data: *mut c_void,
    wake: unsafe extern "C" fn(*const c_void),
    free: unsafe extern "C" fn(*mut c_void),
}

// SAFETY: its functions are those of a `Waker`, which is `Send`.
unsafe impl Send for RawWaker {}
// SAFETY: its functions are those of a `Waker`, which is `Sync`.
unsafe impl Sync for RawWaker {}

impl RawWaker {
    /// Hand `waker` over.
    pub(crate) fn of(waker: &Waker) -> Self {
        Self { data: Box::into_raw(Box::new(waker.clone())).cast(), wake, free }
    }

    /// Take it over as this side's waker.
    pub(crate) fn into_waker(self) -> Waker {
        Waker::from(Arc::new(Foreign(self)))
    }
}

impl Drop for RawWaker {
    fn drop(&mut self) {
        // SAFETY: whoever made it set `free` for `data`; it is given up here, once.
        unsafe { (self.free)(self.data) }
    }
}

struct Foreign(RawWaker);

impl Wake for Foreign {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // SAFETY: `data` lives until the waker is dropped, and `wake` only borrows it.
        unsafe { (self.0.wake)(self.0.data) }
    }
}

unsafe extern "C" fn wake(data: *const c_void) {
    // SAFETY: `RawWaker::of` made `data` from a boxed waker, and it is not yet freed.
    let waker = unsafe { &*data.cast::<Waker>() };
    let _ = crate::fault::contained(|| Ok(waker.wake_by_ref()));
}

unsafe extern "C" fn free(data: *mut c_void) {
    // SAFETY: `RawWaker::of` made `data` from a boxed waker, and its owner gives it up.
    let waker = unsafe { Box::from_raw(data.cast::<Waker>()) };
    crate::fault::drop_with_care(waker);
}

#[cfg(test)]
mod tests {
    use super::RawWaker;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn wakes_reach_the_waker_that_was_handed_over_and_it_is_freed() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let crossed = RawWaker::of(&waker).into_waker();
        drop(waker);
        let other = crossed.clone();
        crossed.wake_by_ref();
        crossed.wake();
        other.wake_by_ref();
        assert_eq!(count.0.load(Ordering::Relaxed), 3);
        drop(other);
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
