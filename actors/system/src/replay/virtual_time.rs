//! Time for what is replayed: nobody waits for it.

use acequia_sdk::services::HostServices;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Timers end as they are set: what they were for has happened already. What may block has a thread.
pub(super) struct VirtualTime;

impl HostServices for VirtualTime {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }

    fn offload(&self, code: Box<dyn FnOnce() + Send>) {
        // A thread that cannot be had drops the code, and its caller learns that.
        drop(std::thread::Builder::new().name("acequia-replay-blocking".to_owned()).spawn(code));
    }
}
