//! A probe: a sink that records, and that a test waits on.

use super::engine::PATIENCE;
use crate::sink::Sink;
use acequia_core::payload::Payload;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Records every output of a terminal, in order. Cheap to clone; all clones read on at the same place.
///
/// Made by [`super::TestEngine::probe`], or by hand and attached before the first event with
/// [`super::TestEngineBuilder::probe`].
pub struct Probe<T> {
    seen: Arc<Seen<T>>,
}

struct Seen<T> {
    log: Mutex<Log<T>>,
    bell: Notify,
}

struct Log<T> {
    values: Vec<T>,
    /// How many of them were handed out by `expect`.
    read: usize,
}

impl<T> Clone for Probe<T> {
    fn clone(&self) -> Self {
        Self { seen: Arc::clone(&self.seen) }
    }
}

impl<T> Default for Probe<T> {
    fn default() -> Self {
        let log = Mutex::new(Log { values: Vec::new(), read: 0 });
        Self { seen: Arc::new(Seen { log, bell: Notify::new() }) }
    }
}

impl<T: Payload + Debug> Probe<T> {
    /// A probe that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A sink that records here. Several sinks of one probe are recorded in the order of arrival.
    pub fn sink(&self) -> Sink {
        let seen = Arc::clone(&self.seen);
        Sink::callback(move |value: &T| {
            seen.lock().values.push(value.clone());
            seen.bell.notify_waiters();
        })
    }

    /// Wait for the next `n` values after those that an earlier `expect` gave.
    ///
    /// # Panics
    /// If they have not come within [`PATIENCE`] of virtual time.
    pub async fn expect(&self, n: usize) -> Vec<T> {
        let came = tokio::time::timeout(PATIENCE, self.come(n)).await.is_ok();
        let mut log = self.seen.lock();
        let from = log.read;
        if !came {
            let there = &log.values[from..];
            panic!("expected {n} more values, {} came within {PATIENCE:?}: {there:?}", there.len());
        }
        log.read += n;
        log.values[from..from + n].to_vec()
    }

    /// Wait until the value `wanted` has come; those before it are passed over.
    ///
    /// # Panics
    /// If it has not come within [`PATIENCE`] of virtual time.
    pub async fn sees(&self, wanted: &T)
    where
        T: PartialEq,
    {
        let found =
            tokio::time::timeout(PATIENCE, async { while self.expect(1).await.first() != Some(wanted) {} });
        if found.await.is_err() {
            panic!("{wanted:?} did not come within {PATIENCE:?}; these came: {:?}", self.all());
        }
    }

    /// Let `duration` of virtual time pass.
    ///
    /// # Panics
    /// If a value comes meanwhile, or waits already.
    pub async fn none_within(&self, duration: Duration) {
        let came = tokio::time::timeout(duration, self.come(1)).await.is_ok();
        if came {
            let log = self.seen.lock();
            panic!("expected nothing within {duration:?}; these came: {:?}", &log.values[log.read..]);
        }
    }

    /// Everything recorded so far, in order, whether handed out or not.
    pub fn all(&self) -> Vec<T> {
        self.seen.lock().values.clone()
    }

    /// How many values were recorded so far.
    pub fn len(&self) -> usize {
        self.seen.lock().values.len()
    }

    /// Whether none was recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ready once `n` values wait to be handed out.
    async fn come(&self, n: usize) {
        loop {
            let rung = self.seen.bell.notified();
            let mut rung = std::pin::pin!(rung);
            // Registered before the look, so that no value falls between.
            rung.as_mut().enable();
            let there = {
                let log = self.seen.lock();
                log.values.len() - log.read
            };
            if there >= n {
                return;
            }
            rung.await;
        }
    }
}

impl<T> Seen<T> {
    fn lock(&self) -> MutexGuard<'_, Log<T>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
