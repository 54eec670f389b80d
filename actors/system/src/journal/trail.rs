//! The ids of the events in the rings of durable accumulators: a turn's record names those that it handled.

use acequia_store::journal::{RecordId, StreamId};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ids one after another: the first, and how many.
type Run = (u128, u32);

/// The ids of the events that one accumulator has accepted and its cell has not handled, in their order. It counts
/// what is in the journal, and nothing else: what a ring turned away before it was written is not here.
#[derive(Default)]
pub(super) struct Trail(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    runs: VecDeque<Run>,
    /// Those among them that cannot be read any more: they are in no ring.
    unread: HashSet<u128>,
    known: u64,
    taken: u64,
}

/// Events that have left a trail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Handled {
    /// Their ids.
    pub(super) ids: Vec<RecordId>,
    /// Which of them could not be read, counted from 0.
    pub(super) unread: Vec<u64>,
}

impl Handled {
    /// Where the events lie that the cell counts as its `given_up`: it knows only of those that could be read.
    pub(super) fn places(&self, given_up: &[u64]) -> Vec<u64> {
        let place = |nth: &u64| self.unread.iter().fold(*nth, |place, gap| place + u64::from(*gap <= place));
        given_up.iter().map(place).collect()
    }
}

impl Trail {
    /// More events, behind the others.
    pub(super) fn extend(&self, ids: impl IntoIterator<Item = RecordId>) {
        let mut inner = lock(&self.0);
        ids.into_iter().for_each(|id| inner.add(id.0));
    }

    /// One of them is not in the ring and never will be. To be said before any event behind it is there.
    pub(super) fn cannot_read(&self, id: RecordId) {
        lock(&self.0).unread.insert(id.0);
    }

    /// The oldest `n` that could be read were handled: they leave, with those before them that could not.
    pub(super) fn take(&self, n: u64) -> Handled {
        let (mut inner, mut handled) = (lock(&self.0), Handled::default());
        let mut left = n;
        while left > 0 {
            // One by one where a look at each is needed.
            let most = if inner.unread.is_empty() { left } else { 1 };
            let Some((first, n)) = inner.pop(most) else { break };
            if inner.unread.remove(&first) {
                handled.unread.push(handled.ids.len() as u64);
            } else {
                left -= u64::from(n);
            }
            handled.ids.extend((0..n).map(|at| RecordId(first.wrapping_add(u128::from(at)))));
        }
        handled
    }

    /// How many there ever were.
    pub(super) fn known(&self) -> u64 {
        lock(&self.0).known
    }

    /// How many of them have left.
    pub(super) fn taken(&self) -> u64 {
        lock(&self.0).taken
    }
}

impl Inner {
    fn add(&mut self, id: u128) {
        self.known += 1;
        match self.runs.back_mut() {
            Some((first, n)) if first.wrapping_add(u128::from(*n)) == id && *n < u32::MAX => *n += 1,
            _ => self.runs.push_back((id, 1)),
        }
    }

    /// The oldest, as many as follow each other, and at most `most`.
    fn pop(&mut self, most: u64) -> Option<Run> {
        let (first, length) = self.runs.front_mut()?;
        let run = (*first, most.min(u64::from(*length)) as u32);
        (*first, *length) = (first.wrapping_add(u128::from(run.1)), *length - run.1);
        if *length == 0 {
            self.runs.pop_front();
        }
        self.taken += u64::from(run.1);
        Some(run)
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
    use super::{Handled, Trail, Trails};
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
            taken.extend(trail.take(portion).ids);
        }
        assert_eq!((&taken[..], trail.known(), trail.taken()), (&ids[..7], 8, 7));
        taken.extend(trail.take(9).ids);
        assert_eq!(taken, ids, "no more than there are");
    }

    #[test]
    fn what_cannot_be_read_leaves_with_the_next_that_can_and_keeps_its_place() {
        let trail = Trail::default();
        let ids: Vec<RecordId> = (5..12).map(RecordId).collect();
        trail.extend(ids.iter().copied());
        for at in [0, 2, 3, 6] {
            trail.cannot_read(ids[at]);
        }

        let first = trail.take(2);
        assert_eq!((&first.ids[..], &first.unread), (&ids[..5], &vec![0, 2, 3]));
        assert_eq!(first.places(&[0, 1]), [1, 4], "what the cell gave up lies between them");
        let last = trail.take(1);
        assert_eq!((&last.ids[..], last.unread), (&ids[5..6], vec![]));
        assert_eq!((trail.take(1), trail.taken()), (Handled { ids: vec![ids[6]], unread: vec![0] }, 7));
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
