use crate::services::{HostServices, scoped};
use crate::{FailureKind, blocking, time};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

#[derive(Default)]
struct Signal(Mutex<bool>, Condvar);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() = true;
        self.1.notify_one();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let mut woken = signal.1.wait_while(signal.0.lock().unwrap(), |woken| !*woken).unwrap();
        *woken = false;
    }
}

#[test]
fn code_without_an_engine_runs_on_threads() {
    let here = std::thread::current().id();
    let there = block_on(blocking(|| std::thread::current().id())).unwrap();
    assert_ne!(here, there);
    let failure = block_on(blocking(|| panic!("in the thread"))).unwrap_err();
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Panic, "in the thread"));
    block_on(time::sleep(Duration::from_millis(1)));
}

/// An engine that stops: it drops what it is given.
struct Stopping;

impl HostServices for Stopping {
    fn sleep(&self, _duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }

    fn offload(&self, code: Box<dyn FnOnce() + Send>) {
        drop(code);
    }
}

#[test]
fn blocking_code_that_never_runs_is_an_error_and_not_a_hang() {
    let services: Arc<dyn HostServices> = Arc::new(Stopping);
    let failure = scoped(&services, || block_on(blocking(|| 1))).unwrap_err();
    assert_eq!(failure.message, "the engine stopped before the blocking code ran");
}
