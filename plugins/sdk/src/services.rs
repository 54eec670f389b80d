//! What user code may ask of the engine that runs it, in process and in a library alike.
//!
//! A library is given its engine's services at `init`, and every call into it brings them along; in process
//! the engine installs them once. Code that runs under no engine, as in a unit test, gets plain threads.

pub use acequia_abi::{HostServices, LogLevel, LogLine};

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

type Services = Arc<dyn HostServices>;

static INSTALLED: RwLock<Option<Services>> = RwLock::new(None);

thread_local! {
    // Two engines in one process may run the same library: each call says for whom it is.
    static SCOPE: RefCell<Option<Services>> = const { RefCell::new(None) };
}

/// Let `services` serve this process from now on. Called by the engine as it starts.
pub fn install(services: Services) {
    *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = Some(services);
}

/// Those of the call in hand, else those installed, else threads.
pub(crate) fn current() -> Services {
    SCOPE
        .with_borrow(Clone::clone)
        .or_else(|| INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone())
        .unwrap_or_else(|| Arc::new(Threads))
}

/// Run `code` with `services` as those of the call in hand.
pub(crate) fn scoped<R>(services: &Services, code: impl FnOnce() -> R) -> R {
    struct Restore(Option<Services>);
    impl Drop for Restore {
        fn drop(&mut self) {
            SCOPE.set(self.0.take());
        }
    }
    let _restore = Restore(SCOPE.replace(Some(Arc::clone(services))));
    code()
}

/// Ask the services of the call in hand something; none if code runs outside of every call.
pub(crate) fn in_hand<R>(ask: impl FnOnce(&dyn HostServices) -> R) -> Option<R> {
    // Not under the borrow: whoever is asked may call back.
    SCOPE.with_borrow(Clone::clone).map(|services| ask(&*services))
}

/// A future whose polls run under services of its own.
pub(crate) struct Scoped<F: ?Sized> {
    services: Services,
    future: Pin<Box<F>>,
}

impl<F: Future + ?Sized> Scoped<F> {
    pub(crate) fn new(services: Services, future: Pin<Box<F>>) -> Self {
        Self { services, future }
    }
}

impl<F: Future + ?Sized> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        scoped(&this.services, || this.future.as_mut().poll(cx))
    }
}

/// Serves code that runs under no engine.
struct Threads;

impl HostServices for Threads {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let slept = crate::blocking(move || {
                // Nobody ever sends: the wait ends with the time.
                let (_sender, receiver) = mpsc::channel::<()>();
                let _ = receiver.recv_timeout(duration);
            });
            let _ = slept.await;
        })
    }

    fn offload(&self, code: Box<dyn FnOnce() + Send>) {
        std::thread::spawn(code);
    }
}
