//! Futures that are not polled where they are made.
//!
//! In place, a future is polled once at once: most are ready. Whoever runs the futures of a package elsewhere, on a
//! runtime of its own, must have them before that.

use std::cell::Cell;

thread_local! {
    static UNPOLLED: Cell<bool> = const { Cell::new(false) };
}

/// Run `code`; the async graphs and accumulators that it calls hand their futures out as pending before the first poll.
///
/// ```
/// use acequia_core::accumulator::{Reply, async_function};
/// use acequia_core::unpolled::unpolled;
///
/// let mut double = async_function(|n: u64| async move { Ok(Some(n * 2)) });
/// assert!(matches!(double(&1), Ok(Reply::Ready(Some(2)))));
/// assert!(matches!(unpolled(|| double(&1)), Ok(Reply::Pending(_))));
/// ```
pub fn unpolled<R>(code: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            UNPOLLED.set(self.0);
        }
    }
    let _restore = Restore(UNPOLLED.replace(true));
    code()
}

/// Whether futures are handed out before their first poll.
#[inline]
pub(crate) fn is_unpolled() -> bool {
    UNPOLLED.get()
}
