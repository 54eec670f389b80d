//! Sinks to attach to a graph's terminal.

mod lent;
mod ndjson;

pub(crate) use lent::Lender;

use acequia_core::accumulator::AnyRing;
use acequia_core::fault::{Failure, FaultBudget};
use acequia_core::graph::TerminalDecl;
use acequia_core::id::AccumulatorName;
use acequia_core::payload::Payload;
pub use acequia_core::reconcile::SinkError;
use acequia_core::ring::{Doorbell, Ring};
use acequia_core::sink::{AnySink, CallbackSink, JsonSink, RingSink};
use acequia_core::{Overflow, PayloadType};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Where the outputs of a terminal go.
pub struct Sink {
    kind: SinkKind,
}

enum SinkKind {
    Ready(Box<dyn AnySink>),
    Accumulator(AccumulatorName),
}

impl Sink {
    /// Call `function` once a value, on the thread that runs the graph. A value that it panics on is
    /// tried again, then dead-lettered.
    pub fn callback<T: Payload>(mut function: impl FnMut(&T) + Send + 'static) -> Self {
        Self::try_callback(move |value| {
            function(value);
            Ok(())
        })
    }

    /// The same with a function that may fail.
    pub fn try_callback<T: Payload>(
        function: impl FnMut(&T) -> Result<(), Failure> + Send + 'static,
    ) -> Self {
        Self::ready(CallbackSink::<T, _>::new(FaultBudget::unlimited(3), function))
    }

    /// Call `function` with each value as JSON, whatever the terminal's type.
    pub fn json(function: impl FnMut(&serde_json::Value) + Send + 'static) -> Self {
        Self::ready(JsonSink::new(function))
    }

    /// A channel for `capacity` values. When it is full the graph waits, or `overflow` says otherwise.
    pub fn channel<T: Payload>(capacity: usize, overflow: Overflow) -> (Self, Receiver<T>) {
        let ring = Arc::new(Ring::new(capacity, overflow, None));
        let bell = Arc::new(ReceiverBell::default());
        ring.set_doorbell(Arc::clone(&bell) as Arc<dyn Doorbell>);
        let receiver = Receiver { ring: Arc::clone(&ring), bell };
        (Self::ready(RingSink::channel(ring)), receiver)
    }

    /// Append each value to a file, one JSON text a line. The file is created, and written by a thread of
    /// its own; values count as unsettled until they are written.
    ///
    /// # Errors
    /// If the file cannot be opened for appending.
    pub fn ndjson(path: impl Into<PathBuf>) -> std::io::Result<Self> {
        Ok(Self::ready(ndjson::NdjsonSink::open(&path.into())?))
    }

    /// Feed the accumulator `name`. When its ring is full the graph waits.
    pub fn accumulator(name: impl Into<AccumulatorName>) -> Self {
        Self { kind: SinkKind::Accumulator(name.into()) }
    }

    /// A sink of your own.
    pub fn custom(sink: impl AnySink + 'static) -> Self {
        Self::ready(sink)
    }

    fn ready(sink: impl AnySink + 'static) -> Self {
        Self { kind: SinkKind::Ready(Box::new(sink)) }
    }

    /// The accumulator that it feeds, if it does.
    pub(crate) fn target(&self) -> Option<&AccumulatorName> {
        match &self.kind {
            SinkKind::Accumulator(name) => Some(name),
            SinkKind::Ready(_) => None,
        }
    }

    /// The type that it takes; `None` if that follows from the terminal.
    pub(crate) fn payload_type(&self) -> Option<PayloadType> {
        match &self.kind {
            SinkKind::Ready(sink) => sink.payload_type(),
            SinkKind::Accumulator(_) => None,
        }
    }

    /// Make it ready for `terminal`; `ring` is that of the accumulator that it feeds.
    pub(crate) fn resolve(
        self,
        terminal: &TerminalDecl,
        ring: Option<Arc<dyn AnyRing>>,
    ) -> Option<Box<dyn AnySink>> {
        match self.kind {
            SinkKind::Ready(sink) => Some(sink),
            SinkKind::Accumulator(_) => terminal.ring_sink(ring?),
        }
    }
}

/// The receiving end of [`Sink::channel`].
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    bell: Arc<ReceiverBell>,
}

#[derive(Default)]
struct ReceiverBell {
    waker: Mutex<Option<Waker>>,
}

impl Doorbell for ReceiverBell {
    fn ring(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: Payload> Receiver<T> {
    /// The next value; `None` once the graph is gone and everything was received.
    pub async fn recv(&mut self) -> Option<T> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The next value, if one waits.
    pub fn try_recv(&mut self) -> Option<T> {
        self.ring.try_pop()
    }

    /// How many values wait.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(value) = self.ring.try_pop() {
            return Poll::Ready(Some(value));
        }
        *self.bell.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        // A value may have come between the look and the registration.
        match self.ring.try_pop() {
            Some(value) => Poll::Ready(Some(value)),
            None if self.ring.is_closed() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // What comes later is dropped(unbound), instead of waiting for nobody.
        self.ring.close();
    }
}
