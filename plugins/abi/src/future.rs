//! A future that crosses: its owner polls it with a waker, and gets bytes or a fault.

use crate::buffer::Buffer;
use crate::fault::{Fault, contained, drop_with_care};
use crate::frames::{Reader, Writer};
use crate::waker::RawWaker;
use std::ffi::c_void;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A future on its own side: it ends in the bytes of a reply.
pub type LibraryFuture = Pin<Box<dyn Future<Output = Result<Vec<u8>, Fault>> + Send>>;

/// What a poll says.
mod polled {
    pub(super) const PENDING: u32 = 0;
    pub(super) const READY: u32 = 1;
    pub(super) const FAULT: u32 = 2;
}

/// A future of the other side; without state where there is none.
#[repr(C)]
pub struct RawFuture {
    state: *mut c_void,
    poll: Option<unsafe extern "C" fn(*mut c_void, RawWaker, &mut Buffer) -> u32>,
    free: Option<unsafe extern "C" fn(*mut c_void)>,
}

// SAFETY: it stands for a `LibraryFuture`, which is `Send`.
unsafe impl Send for RawFuture {}

impl Default for RawFuture {
    fn default() -> Self {
        Self { state: std::ptr::null_mut(), poll: None, free: None }
    }
}

impl From<LibraryFuture> for RawFuture {
    fn from(future: LibraryFuture) -> Self {
        let state: Box<Option<LibraryFuture>> = Box::new(Some(future));
        Self { state: Box::into_raw(state).cast(), poll: Some(poll), free: Some(free) }
    }
}

impl RawFuture {
    /// Take it over, if there is one.
    pub fn take(&mut self) -> Option<ForeignFuture> {
        self.take_with(|| ())
    }

    /// The same, with something that is dropped after it.
    pub fn take_with<K>(&mut self, keep: impl FnOnce() -> K) -> Option<ForeignFuture<K>> {
        self.poll?;
        Some(ForeignFuture {
            raw: std::mem::take(self),
            reply: Buffer::default(),
            ended: false,
            _keep: keep(),
        })
    }
}

impl Drop for RawFuture {
    fn drop(&mut self) {
        if let Some(free) = self.free.take() {
            // SAFETY: its maker set `free` for `state`; it is given up here, once.
            unsafe { free(self.state) }
        }
    }
}

/// A future of the other side, as one of this side.
pub struct ForeignFuture<K = ()> {
    raw: RawFuture,
    reply: Buffer,
    ended: bool,
    _keep: K,
}

impl<K: Unpin> Future for ForeignFuture<K> {
    type Output = Result<Buffer, Fault>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(poll) = this.raw.poll.filter(|_| !this.ended) else {
            return Poll::Ready(Err(Fault::error("the future has ended already")));
        };
        // SAFETY: `state` is its maker's, not yet freed, and borrowed by one poll at a time.
        let polled = unsafe { poll(this.raw.state, RawWaker::of(context.waker()), &mut this.reply) };
        if polled == polled::PENDING {
            return Poll::Pending;
        }
        this.ended = true;
        let reply = std::mem::take(&mut this.reply);
        Poll::Ready(match polled {
            polled::READY => Ok(reply),
            _ => Err(Fault::read(&mut Reader::new(reply.bytes())).unwrap_or_else(Fault::from)),
        })
    }
}

unsafe extern "C" fn poll(state: *mut c_void, waker: RawWaker, reply: &mut Buffer) -> u32 {
    // SAFETY: `RawFuture::from` made `state` from this box, its owner has not freed it, and polls it from
    // one place at a time.
    let slot = unsafe { &mut *state.cast::<Option<LibraryFuture>>() };
    let ended = contained(|| {
        let Some(future) = slot else { return Err(Fault::error("the future has ended already")) };
        let waker: Waker = waker.into_waker();
        Ok(match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => None,
            Poll::Ready(result) => Some(result),
        })
    });
    let result = match ended {
        Ok(None) => return polled::PENDING,
        Ok(Some(result)) => result,
        Err(fault) => Err(fault),
    };
    // Nothing of it runs again: what it holds goes now, while its owner still keeps its code.
    drop_with_care(slot.take());
    match result {
        Ok(bytes) => {
            *reply = Buffer::from(bytes);
            polled::READY
        }
        Err(fault) => {
            reply.write(|bytes| fault.write(&mut Writer::new(bytes)));
            polled::FAULT
        }
    }
}

unsafe extern "C" fn free(state: *mut c_void) {
    // SAFETY: `RawFuture::from` made `state` from this box, and its owner gives it up.
    drop_with_care(unsafe { Box::from_raw(state.cast::<Option<LibraryFuture>>()) });
}

#[cfg(test)]
mod tests {
    use super::{LibraryFuture, RawFuture};
    use crate::fault::{Fault, FaultKind};
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    fn poll(
        future: &mut (impl Future<Output = Result<crate::Buffer, Fault>> + Unpin),
    ) -> Poll<Result<Vec<u8>, Fault>> {
        let polled = Pin::new(future).poll(&mut Context::from_waker(Waker::noop()));
        polled.map(|result| result.map(|buffer| buffer.bytes().to_vec()))
    }

    /// Pends once, waking at once, then ends.
    fn twice(end: Result<Vec<u8>, Fault>) -> LibraryFuture {
        let (mut polled, mut end) = (false, Some(end));
        Box::pin(std::future::poll_fn(move |context| {
            if !std::mem::replace(&mut polled, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(end.take().unwrap())
        }))
    }

    #[test]
    fn foreign_futures_pend_and_end_as_their_makers_do() {
        let mut future = RawFuture::from(twice(Ok(b"done".to_vec()))).take().unwrap();
        assert_eq!(poll(&mut future), Poll::Pending);
        assert_eq!(poll(&mut future), Poll::Ready(Ok(b"done".to_vec())));
        assert!(matches!(poll(&mut future), Poll::Ready(Err(_))), "an ended future is not polled again");
        let fault = Fault::error("no");
        let mut future = RawFuture::from(twice(Err(fault.clone()))).take().unwrap();
        assert_eq!(poll(&mut future), Poll::Pending);
        assert_eq!(poll(&mut future), Poll::Ready(Err(fault)));
        assert!(RawFuture::default().take().is_none());
    }

    #[test]
    fn panic_in_a_poll_is_a_fault_and_what_the_future_held_is_dropped_once() {
        let held = Arc::new(());
        let kept = Arc::clone(&held);
        let future: LibraryFuture = Box::pin(async move {
            let _kept = kept;
            panic!("in a poll")
        });
        let mut future = RawFuture::from(future).take().unwrap();
        let Poll::Ready(Err(fault)) = poll(&mut future) else { panic!("it ends") };
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Panic, "in a poll"));
        assert_eq!(Arc::strong_count(&held), 1);
        drop(future);
    }

    #[test]
    fn future_dropped_unended_drops_what_it_held_and_then_its_keeper() {
        let held = Arc::new(());
        let kept = Arc::clone(&held);
        let pending: LibraryFuture = Box::pin(async move {
            let _kept = kept;
            std::future::pending().await
        });
        let mut future = RawFuture::from(pending).take_with(|| Arc::clone(&held)).unwrap();
        assert_eq!(poll(&mut future), Poll::Pending);
        assert_eq!(Arc::strong_count(&held), 3);
        drop(future);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
