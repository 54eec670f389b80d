//! Sinks that come back if the load that they were given to fails.

use super::{Sink, SinkKind};
use acequia_core::PayloadType;
use acequia_core::column::AnyColumn;
use acequia_core::graph::AnyOutput;
use acequia_core::id::AccumulatorName;
use acequia_core::ledger::{Dropped, Entry};
use acequia_core::sink::{AnySink, SinkContext};
use std::sync::{Arc, Mutex, PoisonError, Weak};

type Place = Mutex<Option<Box<dyn AnySink>>>;

/// Where a lent sink comes back to, as long as somebody waits for it.
pub(crate) enum Lender {
    Ready(Arc<Place>),
    Accumulator(AccumulatorName),
}

impl Lender {
    /// The sink, if whoever had it has let go of it.
    pub(crate) fn back(self) -> Option<Sink> {
        match self {
            Self::Ready(place) => {
                let sink = place.lock().unwrap_or_else(PoisonError::into_inner).take()?;
                Some(Sink { kind: SinkKind::Ready(sink) })
            }
            Self::Accumulator(name) => Some(Sink::accumulator(name)),
        }
    }
}

impl Sink {
    /// The same sink, which comes back when it is dropped.
    pub(crate) fn lend(self) -> (Self, Lender) {
        match self.kind {
            SinkKind::Accumulator(name) => (Self::accumulator(name.clone()), Lender::Accumulator(name)),
            SinkKind::Ready(sink) => {
                let place = Arc::<Place>::default();
                let lent = Lent { sink: Some(sink), place: Arc::downgrade(&place) };
                (Self::custom(lent), Lender::Ready(place))
            }
        }
    }
}

struct Lent {
    /// There until it is dropped.
    sink: Option<Box<dyn AnySink>>,
    place: Weak<Place>,
}

impl Lent {
    fn sink(&self) -> &dyn AnySink {
        match &self.sink {
            Some(sink) => &**sink,
            None => unreachable!("it goes back as this is dropped"),
        }
    }

    fn sink_mut(&mut self) -> &mut dyn AnySink {
        match &mut self.sink {
            Some(sink) => &mut **sink,
            None => unreachable!("it goes back as this is dropped"),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(place) = self.place.upgrade() {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = self.sink.take();
        }
    }
}

impl AnySink for Lent {
    fn payload_type(&self) -> Option<PayloadType> {
        self.sink().payload_type()
    }

    fn offer(&mut self, output: &mut dyn AnyOutput, last: bool) {
        self.sink_mut().offer(output, last);
    }

    fn flush(&mut self, cx: &mut SinkContext<'_>) -> bool {
        self.sink_mut().flush(cx)
    }

    fn replay(&mut self, column: &dyn AnyColumn) -> bool {
        self.sink_mut().replay(column)
    }

    fn entry(&self) -> Entry {
        self.sink().entry()
    }

    fn give_up(&mut self, why: Dropped, cx: &mut SinkContext<'_>) {
        self.sink_mut().give_up(why, cx);
    }

    fn is_journaled(&self) -> bool {
        self.sink().is_journaled()
    }
}
