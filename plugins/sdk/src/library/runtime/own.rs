//! A runtime of the package's own: a thread of the sdk's with a tokio on it, for as long as an instance is in use.
//!
//! The library has a tokio of its own, which knows nothing of its engine's. Futures of the package are spawned on it, and
//! the engine waits for their ends.

use crate::services::scoped;
use acequia_abi::{Fault, HostServices, LibraryFuture, contained};
use acequia_core::id::PackageName;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long code of the package that blocks a thread of its runtime is waited for. The library stays mapped, so that it
/// may go on.
const LEAVE: Duration = Duration::from_secs(1);

/// The thread of an instance. It ends when it is told to, or with this.
pub(super) struct OwnRuntime {
    handle: Handle,
    /// Nothing is ever sent: the thread waits for this to go.
    stop: Mutex<Option<oneshot::Sender<Infallible>>>,
}

impl OwnRuntime {
    /// Start it. The thread holds `services` to its end, and the engine counts who holds them.
    pub(super) fn start(package: &PackageName, services: Arc<dyn HostServices>) -> Result<Self, Fault> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Fault::error)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let thread = std::thread::Builder::new().name(format!("own {package}"));
        let started = thread.spawn(move || {
            let ran = contained(|| {
                scoped(&services, || {
                    // Tasks run while this waits.
                    let _ = runtime.block_on(stopped);
                    runtime.shutdown_timeout(LEAVE);
                });
                Ok(())
            });
            if let Err(fault) = ran {
                scoped(&services, || tracing::error!(%fault, "the package's own runtime ended with a panic"));
            }
        });
        started.map_err(Fault::error)?;
        Ok(Self { handle, stop: Mutex::new(Some(stop)) })
    }

    /// Run `code` here; it finds the runtime as if it ran there.
    pub(super) fn within<R>(&self, code: impl FnOnce() -> R) -> R {
        let _entered = self.handle.enter();
        code()
    }

    /// `future`, run on the thread: what is handed out only waits for its end, and cuts it off if it is dropped.
    pub(super) fn run(&self, future: LibraryFuture) -> LibraryFuture {
        Box::pin(There(self.handle.spawn(future)))
    }

    /// End the thread: what still runs on it is dropped there.
    pub(super) fn stop(&self) {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// A future that runs on the thread.
struct There(JoinHandle<Result<Vec<u8>, Fault>>);

impl Future for There {
    type Output = Result<Vec<u8>, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = ready!(Pin::new(&mut self.get_mut().0).poll(cx));
        Poll::Ready(ended.unwrap_or_else(|error| {
            Err(match error.try_into_panic() {
                Ok(payload) => Fault::panic(payload),
                Err(_) => Fault::error("the package was stopped before this ended"),
            })
        }))
    }
}

impl Drop for There {
    fn drop(&mut self) {
        self.0.abort();
    }
}
