//! Events that were accepted, and that no mark knows: they are offered again, before anything newer.

use super::checkpoint::Place;
use super::trail::Trail;
use acequia_core::accumulator::{AnyRing, JsonPushError};
use acequia_store::Lsn;
use acequia_store::journal::RecordId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

/// An event to be offered again.
pub(super) struct Waiting {
    pub(super) lsn: Lsn,
    pub(super) id: RecordId,
    /// The accumulator, in declared order.
    pub(super) source: usize,
    pub(super) ring: Arc<dyn AnyRing>,
    pub(super) event: Vec<u8>,
}

/// Events to be offered again, in the order of the journal.
pub(crate) struct Backlog {
    events: VecDeque<Waiting>,
    /// Where it is noted, by source, that one cannot be read.
    trails: Vec<Option<Arc<Trail>>>,
    offsets: Vec<Option<u64>>,
    /// Where the cell stands in the journal.
    place: Place,
}

impl Backlog {
    pub(super) fn new(mut events: Vec<Waiting>, offsets: Vec<Option<u64>>, place: Place) -> Self {
        events.sort_by_key(|waiting| waiting.lsn);
        Self { events: events.into(), trails: Vec::new(), offsets, place }
    }

    /// The ids of its events lie in `trails`.
    pub(super) fn follow(&mut self, trails: Vec<Option<Arc<Trail>>>) {
        self.trails = trails;
    }

    /// Where the cell stands in the journal.
    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Where the source of the accumulator at `source` stands, if it ever said.
    pub(super) fn offset(&self, source: usize) -> Option<u64> {
        self.offsets.get(source).copied().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Offer all of them, waiting for room. One that finds none lets those of other accumulators pass: its
    /// reactor may wait for just those.
    pub(crate) async fn offer(mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut full: Vec<*const ()> = Vec::new();
        let mut left = VecDeque::new();
        while let Some(waiting) = self.events.pop_front() {
            let Waiting { lsn, id, source, ring, event } = &waiting;
            let key = Arc::as_ptr(ring).cast::<()>();
            if full.contains(&key) {
                left.push_back(waiting);
                continue;
            }
            match ring.offer_again(event, cx.waker()) {
                Ok(true) => {}
                Ok(false) => {
                    full.push(key);
                    left.push_back(waiting);
                }
                Err(error @ JsonPushError::Undecodable { .. }) => {
                    tracing::warn!(%lsn, %error, "an event cannot be read any more");
                    if let Some(Some(trail)) = self.trails.get(*source) {
                        trail.cannot_read(*id);
                    }
                }
                // It goes down, and its events stay in the journal.
                Err(_) => full.push(key),
            }
        }
        self.events = left;
        if self.events.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}
