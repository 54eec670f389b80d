//! Work that blocks, moved to a thread that may.

use acequia_core::fault::{Failure, guarded};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Run `code` on a thread of the engine that may block, and wait for it. Works in process and in a library.
///
/// Dropping the future does not stop the code; nobody hears of its result then.
///
/// # Errors
/// A panic of `code`, or that the engine stopped before it ran.
///
/// ```
/// use acequia_sdk::{Failure, blocking};
///
/// async fn read(path: std::path::PathBuf) -> Result<String, Failure> {
///     blocking(move || std::fs::read_to_string(path)).await?.map_err(Failure::error)
/// }
/// # let _ = read("x".into());
/// ```
pub async fn blocking<R: Send + 'static>(code: impl FnOnce() -> R + Send + 'static) -> Result<R, Failure> {
    let reply = Arc::new(Reply::default());
    let promise = Promise(Arc::clone(&reply));
    let services = crate::services::current();
    let own = Arc::clone(&services);
    services.offload(Box::new(move || {
        let result = crate::services::scoped(&own, || guarded(|| Ok(code())));
        promise.0.fill(result);
    }));
    std::future::poll_fn(move |cx| {
        let mut state = reply.lock();
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    })
    .await
}

/// What the thread and the future share.
struct Reply<R> {
    state: Mutex<State<R>>,
}

struct State<R> {
    result: Option<Result<R, Failure>>,
    filled: bool,
    waker: Option<Waker>,
}

impl<R> Default for Reply<R> {
    fn default() -> Self {
        Self { state: Mutex::new(State { result: None, filled: false, waker: None }) }
    }
}

impl<R> Reply<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, result: Result<R, Failure>) {
        let waker = {
            let mut state = self.lock();
            if std::mem::replace(&mut state.filled, true) {
                return;
            }
            state.result = Some(result);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Answers even if the code never ran.
struct Promise<R>(Arc<Reply<R>>);

impl<R> Drop for Promise<R> {
    fn drop(&mut self) {
        self.0.fill(Err(Failure::error("the engine stopped before the blocking code ran")));
    }
}

#[cfg(test)]
mod tests;
