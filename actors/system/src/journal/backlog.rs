//! Events that were accepted, and that no mark knows: they are offered again, before anything newer.

use super::checkpoint::Place;
use acequia_core::accumulator::{AnyRing, JsonPushError};
use acequia_store::Lsn;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Events to be offered again, in the order of the journal.
pub(crate) struct Backlog {
    events: VecDeque<(Lsn, Arc<dyn AnyRing>, Vec<u8>)>,
    offsets: Vec<Option<u64>>,
    /// Where the cell stands in the journal.
    place: Place,
}

impl Backlog {
    pub(super) fn new(
        mut events: Vec<(Lsn, Arc<dyn AnyRing>, Vec<u8>)>,
        offsets: Vec<Option<u64>>,
        place: Place,
    ) -> Self {
        events.sort_by_key(|(lsn, ..)| *lsn);
        Self { events: events.into(), offsets, place }
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
        while let Some((lsn, ring, event)) = self.events.pop_front() {
            let key = Arc::as_ptr(&ring).cast::<()>();
            if full.contains(&key) {
                left.push_back((lsn, ring, event));
                continue;
            }
            match ring.offer_again(&event, cx.waker()) {
                Ok(true) => {}
                Ok(false) => {
                    full.push(key);
                    left.push_back((lsn, ring, event));
                }
                Err(error @ JsonPushError::Undecodable { .. }) => {
                    tracing::warn!(%lsn, %error, "an event cannot be read any more");
                }
                // It goes down, and its events stay in the journal.
                Err(_) => full.push(key),
            }
        }
        self.events = left;
        if self.events.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}
