//! The ids of the events in the rings of durable accumulators: a turn's record names those that it handled.

use acequia_store::journal::{RecordId, StreamId};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ids one after another: the first, and how many.
type Run = (u128, u32);

/// The ids of the events that one accumulator has accepted and its cell has not handled, in their order.
#[derive(Default)]
pub(super) struct Trail(Mutex<VecDeque<Run>>);

impl Trail {
    /// More events, behind the others.
    pub(super) fn extend(&self, ids: impl IntoIterator<Item = RecordId>) {
        let mut runs = lock(&self.0);
        ids.into_iter().for_each(|id| Self::add(&mut runs, id.0));
    }

    fn add(runs: &mut VecDeque<Run>, id: u128) {
        match runs.back_mut() {
            Some((first, n)) if first.wrapping_add(u128::from(*n)) == id && *n < u32::MAX => *n += 1,
            _ => runs.push_back((id, 1)),
        }
    }

    /// The oldest `n` were handled: put their ids behind `taken`.
    pub(super) fn take(&self, n: u64, taken: &mut Vec<RecordId>) {
        let mut runs = lock(&self.0);
        let mut left = n;
        while left > 0 {
            let Some((first, length)) = runs.front_mut() else { return };
            let here = left.min(u64::from(*length)) as u32;
            taken.extend((0..here).map(|at| RecordId(first.wrapping_add(u128::from(at)))));
            (*first, *length) = (first.wrapping_add(u128::from(here)), *length - here);
            if *length == 0 {
                runs.pop_front();
            }
            left -= u64::from(here);
        }
    }
}

/// The trails of an engine's durable accumulators.
#[derive(Default)]
pub(super) struct Trails(Mutex<HashMap<StreamId, Arc<Trail>>>);

impl Trails {
    /// A fresh trail for the accumulator.
    pub(super) fn begin(&self, stream: StreamId) -> Arc<Trail> {
        let trail = Arc::<Trail>::default();
        lock(&self.0).insert(stream, Arc::clone(&trail));
        trail
    }

    /// The accumulator's trail, if it is durable and there.
    pub(super) fn of(&self, stream: StreamId) -> Option<Arc<Trail>> {
        lock(&self.0).get(&stream).cloned()
    }

    /// `trail` is of no more use.
    pub(super) fn end(&self, stream: StreamId, trail: &Arc<Trail>) {
        let mut trails = lock(&self.0);
        if trails.get(&stream).is_some_and(|known| Arc::ptr_eq(known, trail)) {
            trails.remove(&stream);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Trail, Trails};
    use acequia_store::journal::{RecordId, StreamId};
    use std::sync::Arc;

    #[test]
    fn ids_come_back_in_their_order_whether_they_follow_each_other_or_not() {
        let trail = Trail::default();
        let ids: Vec<RecordId> = [5, 6, 7, 100, u128::MAX, 0, 1, 9].map(RecordId).to_vec();
        trail.extend(ids[..3].iter().copied());
        ids[3..].iter().for_each(|id| trail.extend([*id]));
        let mut taken = Vec::new();
        for portion in [1, 0, 4, 2] {
            trail.take(portion, &mut taken);
        }
        assert_eq!(taken, ids[..7]);
        trail.take(9, &mut taken);
        assert_eq!(taken, ids, "no more than there are");
    }

    #[test]
    fn an_ended_trail_does_not_take_its_successor_along() {
        let trails = Trails::default();
        let first = trails.begin(StreamId(1));
        let second = trails.begin(StreamId(1));
        trails.end(StreamId(1), &first);
        assert!(trails.of(StreamId(1)).is_some_and(|known| Arc::ptr_eq(&known, &second)));
        trails.end(StreamId(1), &second);
        assert!(trails.of(StreamId(1)).is_none());
    }
}
