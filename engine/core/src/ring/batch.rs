//! Publication of many items in a ring that takes bytes. Room comes first: an item that has its place is
//! encoded and let go of at once, before the next one is made, so that what the one held serves the other.

use super::{NoRoom, PushError, PushManyError, Ring};
use crate::codec::CodecError;
use crate::payload::{Encoded, Payload};
use crate::wire::Values;
use std::collections::VecDeque;
use std::task::Poll;

/// Reserved room; what is not filled is given back, by a panic of an item's own code, too.
struct Reserved<'a> {
    ring: &'a Ring<Encoded>,
    room: usize,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if self.room > 0 {
            self.ring.release(self.room);
        }
    }
}

impl Reserved<'_> {
    /// Publish items until the room is filled, or there are no more; the one that could not be encoded.
    fn fill<T: Payload>(mut self, items: &mut impl Iterator<Item = T>) -> Filled<T> {
        let Some(wire) = self.ring.item_type().wire() else {
            return Filled { n: 0, refused: items.next().map(|item| (item, CodecError::Untyped)) };
        };
        let (form, mut values, mut refused) = (T::form(), Values::default(), None);
        while values.len() < self.room
            && let Some(item) = items.next()
        {
            if let Err(source) = values.push_with(|out| item.encode_in(form, out)) {
                refused = Some((item, source));
                break;
            }
            if values.len() == 1 {
                values.reserve_alike(self.room.min(items.size_hint().1.unwrap_or(self.room)));
            }
        }
        let n = values.len();
        self.ring.fill(values.take(wire));
        self.room -= n;
        Filled { n, refused }
    }
}

/// What was published in reserved room.
struct Filled<T> {
    n: usize,
    /// The item that its own serialisation refused; those behind it have not been asked for.
    refused: Option<(T, CodecError)>,
}

impl Ring<Encoded> {
    /// Publish `items` in order, encoded, as far as there is room now. Returns how many, and the others.
    ///
    /// # Errors
    /// [`PushError::Closed`]; [`PushError::Unencodable`], with the refused item in front of those behind it,
    /// while those before it are published.
    pub fn publish_now<T: Payload>(
        &self,
        mut items: impl Iterator<Item = T>,
    ) -> Result<(usize, VecDeque<T>), PushError<Vec<T>>> {
        if !self.has_waiting_room() {
            return Ok((0, items.collect()));
        }
        let wanted = items.size_hint().1.unwrap_or(usize::MAX).clamp(1, self.capacity());
        let room = match self.reserve(wanted, None) {
            Ok(room) => room,
            Err(NoRoom::Full(_)) => return Ok((0, items.collect())),
            Err(NoRoom::Closed) => return Err(PushError::Closed { item: items.collect() }),
        };
        let filled = Reserved { ring: self, room }.fill(&mut items);
        match filled.refused {
            None => Ok((filled.n, items.collect())),
            Some((item, source)) => {
                Err(PushError::Unencodable { item: std::iter::once(item).chain(items).collect(), source })
            }
        }
    }

    /// Publish all of `items` in order, encoded, waiting for room as long as it takes. Resolves to the number
    /// published; those that were not stay in `items`.
    ///
    /// # Errors
    /// [`PushManyError`]; what was published stays so.
    pub async fn push_all_encoded<T: Payload>(
        &self,
        items: &mut VecDeque<T>,
    ) -> Result<usize, PushManyError> {
        let before = items.len();
        while !items.is_empty() {
            let Some(room) = self.room_for(items.len()).await? else {
                self.push_kept(items).await?;
                break;
            };
            let filled = Reserved { ring: self, room }.fill(&mut std::iter::from_fn(|| items.pop_front()));
            if let Some((item, source)) = filled.refused {
                items.push_front(item);
                return Err(PushManyError::Unencodable(source));
            }
        }
        Ok(before - items.len())
    }

    /// Reserved room for some of `n` items; none in a ring in which nobody waits for room.
    async fn room_for(&self, n: usize) -> Result<Option<usize>, PushManyError> {
        std::future::poll_fn(|cx| {
            if !self.has_waiting_room() {
                return Poll::Ready(Ok(None));
            }
            match self.reserve(n, Some(cx.waker())) {
                Ok(room) => Poll::Ready(Ok(Some(room))),
                Err(NoRoom::Full(_)) => Poll::Pending,
                Err(NoRoom::Closed) => Poll::Ready(Err(super::Closed.into())),
            }
        })
        .await
    }

    /// Publish all of `items` in a ring that does not reserve room for them.
    async fn push_kept<T: Payload>(&self, items: &mut VecDeque<T>) -> Result<(), PushManyError> {
        let unencodable = PushManyError::Unencodable;
        let wire = self.item_type().wire().ok_or(CodecError::Untyped).map_err(unencodable)?;
        let mut values = Values::default();
        values.push_all(items.make_contiguous()).map_err(unencodable)?;
        let mut encoded: VecDeque<Encoded> = values.take(wire).collect();
        let pushed = self.push_many(&mut encoded).await;
        items.drain(..items.len() - encoded.len());
        pushed.map(drop)
    }

    /// Whether room is reserved in it before an item comes: nothing is written to disk first, and who finds
    /// no room waits.
    fn has_waiting_room(&self) -> bool {
        self.journaled().is_none() && self.waits(&self.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::{PushError, PushManyError, Ring};
    use crate::codec::CodecError;
    use crate::overflow::Overflow;
    use crate::payload::{Encoded, Payload, PayloadType, WireType};
    use serde::{Deserialize, Serialize, Serializer};
    use std::collections::VecDeque;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Refuses to be written from 100 on, and panics at 200.
    #[derive(Debug, Clone, PartialEq, Deserialize)]
    struct Picky(u32);

    impl Serialize for Picky {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                200 => panic!("two hundred"),
                100.. => Err(serde::ser::Error::custom("a hundred")),
                small => to.serialize_u32(small),
            }
        }
    }

    fn ring(capacity: usize, overflow: Overflow) -> Ring<Encoded> {
        let wire = WireType::of::<Picky>().unwrap();
        Ring::new(capacity, overflow, None).of_type(PayloadType::encoded(wire))
    }

    fn drawn(ring: &Ring<Encoded>) -> Vec<u32> {
        std::iter::from_fn(|| ring.try_pop())
            .map(|value| Picky::decode(value.as_bytes()).unwrap().0)
            .collect()
    }

    fn poll<F: Future>(future: F) -> Poll<F::Output> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn picky(numbers: impl IntoIterator<Item = u32>) -> VecDeque<Picky> {
        numbers.into_iter().map(Picky).collect()
    }

    #[test]
    fn items_are_published_as_far_as_there_is_room_and_no_room_is_lost() {
        let ring = ring(4, Overflow::Block);
        assert!(matches!(ring.publish_now((0..3).map(Picky)), Ok((3, left)) if left.is_empty()));
        assert!(matches!(ring.publish_now((3..6).map(Picky)), Ok((1, left)) if left == picky([4, 5])));
        assert!(matches!(ring.publish_now((6..7).map(Picky)), Ok((0, left)) if left == picky([6])));
        assert_eq!((ring.len(), ring.reserved()), (4, 0));
        let mut left = picky([4, 5]);
        assert!(poll(ring.push_all_encoded(&mut left)).is_pending());
        assert_eq!(drawn(&ring), [0, 1, 2, 3]);
        assert!(matches!(poll(ring.push_all_encoded(&mut left)), Poll::Ready(Ok(2))));
        assert_eq!((drawn(&ring), ring.reserved()), (vec![4, 5], 0));
    }

    #[test]
    fn a_refused_item_comes_back_in_front_of_those_behind_it() {
        let ring = ring(8, Overflow::Block);
        let refused = ring.publish_now([1, 2, 100, 3].into_iter().map(Picky));
        let Err(PushError::Unencodable { item, source: CodecError::Encode { .. } }) = refused else {
            unreachable!("one of them is refused")
        };
        assert_eq!(picky([100, 3]), item);
        let mut items = picky([4, 101, 5]);
        let pushed = poll(ring.push_all_encoded(&mut items));
        assert!(matches!(pushed, Poll::Ready(Err(PushManyError::Unencodable(_)))));
        assert_eq!((items, drawn(&ring), ring.reserved()), (picky([101, 5]), vec![1, 2, 4], 0));
    }

    #[test]
    fn a_panic_of_an_item_gives_the_room_back() {
        let ring = ring(8, Overflow::Block);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = ring.publish_now([1, 200].into_iter().map(Picky));
        }));
        assert!(panicked.is_err());
        assert_eq!((ring.len(), ring.reserved()), (0, 0));
        assert!(ring.publish_now((0..8).map(Picky)).is_ok_and(|(n, _)| n == 8));
    }

    #[test]
    fn a_closed_ring_hands_every_item_back_as_it_was() {
        let ring = ring(2, Overflow::Block);
        assert!(matches!(ring.publish_now((0..3).map(Picky)), Ok((2, _))));
        ring.close();
        let closed = ring.publish_now((3..5).map(Picky));
        assert!(matches!(closed, Err(PushError::Closed { item }) if picky([3, 4]) == item));
        let mut items = picky([5]);
        assert!(matches!(
            poll(ring.push_all_encoded(&mut items)),
            Poll::Ready(Err(PushManyError::Closed(_)))
        ));
        assert_eq!(items, picky([5]));
    }

    #[test]
    fn a_ring_that_gives_items_up_takes_all_of_them() {
        let ring = ring(2, Overflow::DropOldest);
        let (published, mut left) = ring.publish_now((0..5).map(Picky)).unwrap();
        assert_eq!((published, left.len()), (0, 5));
        assert!(matches!(poll(ring.push_all_encoded(&mut left)), Poll::Ready(Ok(5))));
        assert_eq!(drawn(&ring), [3, 4]);
    }

    #[test]
    fn who_waits_for_room_is_not_held_by_a_ring_that_sheds() {
        let ring = ring(1, Overflow::Block);
        let mut items = picky([1, 2, 3]);
        let mut pushing = Box::pin(ring.push_all_encoded(&mut items));
        assert!(poll(pushing.as_mut()).is_pending());
        ring.shed(Some(crate::ledger::Dropped::Overflow));
        assert!(poll(pushing.as_mut()).is_ready());
        drop(pushing);
        assert!(items.is_empty());
        assert_eq!((drawn(&ring), ring.entry().dropped()), (vec![1], 2));
    }
}
