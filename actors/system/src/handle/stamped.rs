//! Pushes of events that are known again: by their producer's number, or by an id.

use super::AccumulatorHandle;
use crate::journal::{Admission, Entrance, Flight, Ticket};
use acequia_core::durable::dedupe::{DedupeError, EventId, ProducerSequence, Stamp};
use acequia_core::payload::Payload;
use acequia_core::ring::{Note, PushError};
use acequia_store::Lsn;
use std::sync::Arc;

/// What became of an event that its producer may push again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It is on disk now.
    Accepted {
        /// Its place in the journal.
        lsn: Lsn,
    },
    /// It was there already, on disk: nothing was done.
    Duplicate {
        /// The place of the first one, where that is known still: of each producer's numbers those of the last
        /// 64 runs are.
        lsn: Option<Lsn>,
    },
}

/// An event that was not accepted, with the event.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StampedPushError<T> {
    /// There is nothing in which it could be known again.
    #[error(
        "E0180: the accumulator is fast, and knows no event again; declare it durable, or push without number and id"
    )]
    NotDurable {
        /// The item.
        item: T,
    },
    /// It is neither new nor a duplicate.
    #[error("{source}")]
    Refused {
        /// The item.
        item: T,
        /// Why not.
        source: DedupeError,
    },
    /// It was not taken, or could not be written; it may be pushed again.
    #[error(transparent)]
    Push(#[from] PushError<T>),
}

impl<T> std::fmt::Debug for StampedPushError<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl<T> StampedPushError<T> {
    /// The event that was not accepted.
    pub fn into_item(self) -> T {
        match self {
            Self::NotDurable { item } | Self::Refused { item, .. } => item,
            Self::Push(error) => error.into_item(),
        }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> StampedPushError<U> {
        match self {
            Self::NotDurable { item } => StampedPushError::NotDurable { item: change(item) },
            Self::Refused { item, source } => StampedPushError::Refused { item: change(item), source },
            Self::Push(error) => StampedPushError::Push(error.map(change)),
        }
    }
}

/// An event whose answer is still to come.
struct Open<T> {
    /// Its place among those that were pushed.
    at: usize,
    stamp: Stamp,
    event: T,
}

/// What one look at the open events came to.
struct Sorted<T> {
    new: Vec<(Ticket, Open<T>)>,
    in_flight: Vec<(Arc<Flight>, Open<T>)>,
}

impl<T: Payload> AccumulatorHandle<T> {
    /// Publish one event by way of the disk, unless its producer has published it before. A producer numbers its
    /// events one by one and goes on numbering from one epoch to the next; a newer epoch fences the older one. If
    /// the same event is on its way, this waits for that one.
    ///
    /// # Errors
    /// [`StampedPushError`], with the event. After [`StampedPushError::Push`] the same number may be pushed
    /// again.
    pub async fn push_as(&self, of: ProducerSequence, event: T) -> Result<Acceptance, StampedPushError<T>> {
        self.push_one(Stamp::Sequence(of), event).await
    }

    /// Publish one event by way of the disk, unless one with this id was published within the accumulator's
    /// window (`AccumulatorDecl::deduplicate`).
    ///
    /// # Errors
    /// [`StampedPushError`], with the event.
    pub async fn push_with_id(&self, id: EventId, event: T) -> Result<Acceptance, StampedPushError<T>> {
        self.push_one(Stamp::Id(id), event).await
    }

    /// Publish many events of one producer, the first of which has the number `first`; one answer an event.
    ///
    /// # Errors
    /// [`StampedPushError`], with the events that were not accepted; the others were.
    pub async fn push_batch_as(
        &self,
        first: ProducerSequence,
        events: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Acceptance>, StampedPushError<Vec<T>>> {
        let stamp = |(n, event)| (Stamp::Sequence(first.plus(n)), event);
        self.push_stamped((0..).zip(events).map(stamp).collect()).await
    }

    /// Publish many events with their ids; one answer an event.
    ///
    /// # Errors
    /// As [`AccumulatorHandle::push_batch_as`].
    pub async fn push_batch_with_ids(
        &self,
        events: impl IntoIterator<Item = (EventId, T)>,
    ) -> Result<Vec<Acceptance>, StampedPushError<Vec<T>>> {
        self.push_stamped(events.into_iter().map(|(id, event)| (Stamp::Id(id), event)).collect()).await
    }

    /// How many events were answered as duplicates since the engine started. They are no part of the ledger:
    /// nothing was accepted a second time.
    pub fn duplicates(&self) -> u64 {
        self.admission().map_or(0, |admission| admission.duplicates())
    }

    fn admission(&self) -> Option<&Arc<Admission>> {
        let name = match &self.encoded {
            Some(ring) => ring.journaled(),
            None => self.ring.journaled(),
        };
        self.cell.journal()?.admission(name?)
    }

    async fn push_one(&self, stamp: Stamp, event: T) -> Result<Acceptance, StampedPushError<T>> {
        let one = |mut items: Vec<T>| {
            let Some(item) = items.pop() else { unreachable!("an event that was not accepted comes back") };
            item
        };
        let answers = Box::pin(self.push_stamped(vec![(stamp, event)])).await;
        let answers = answers.map_err(|error| error.map(one))?;
        let Some(answer) = answers.first() else { unreachable!("each event has an answer") };
        Ok(*answer)
    }

    async fn push_stamped(
        &self,
        events: Vec<(Stamp, T)>,
    ) -> Result<Vec<Acceptance>, StampedPushError<Vec<T>>> {
        let Some(admission) = self.admission() else {
            let item = events.into_iter().map(|(_, event)| event).collect();
            return Err(StampedPushError::NotDurable { item });
        };
        let mut answers: Vec<Option<Acceptance>> = vec![None; events.len()];
        let open = |(at, (stamp, event))| Open { at, stamp, event };
        let mut open: Vec<Open<T>> = events.into_iter().enumerate().map(open).collect();
        while !open.is_empty() {
            let Sorted { new, in_flight } = self.sort(admission, open, &mut answers)?;
            self.write(new, &mut answers).await.map_err(|error| {
                error.map(|mut left| {
                    left.extend(in_flight.iter().map(|(_, open)| open.event.clone()));
                    left
                })
            })?;
            open = Vec::new();
            for (flight, waiting) in in_flight {
                match flight.landed().await {
                    Some(lsn) => answers[waiting.at] = Some(duplicate(admission, Some(lsn))),
                    // It did not come so far: this one is the first now.
                    None => open.push(waiting),
                }
            }
        }
        let answered = |answer: Option<Acceptance>| match answer {
            Some(answer) => answer,
            None => unreachable!("no event is left open"),
        };
        Ok(answers.into_iter().map(answered).collect())
    }

    /// Ask about each event that is open; duplicates have their answer.
    fn sort(
        &self,
        admission: &Arc<Admission>,
        open: Vec<Open<T>>,
        answers: &mut [Option<Acceptance>],
    ) -> Result<Sorted<T>, StampedPushError<Vec<T>>> {
        let now = self.cell.env().now();
        let mut sorted = Sorted { new: Vec::new(), in_flight: Vec::new() };
        let mut events = open.into_iter();
        while let Some(open) = events.next() {
            match admission.arrive(open.stamp, now) {
                Ok(Entrance::New(ticket)) => sorted.new.push((ticket, open)),
                Ok(Entrance::Duplicate(lsn)) => answers[open.at] = Some(duplicate(admission, lsn)),
                Ok(Entrance::InFlight(flight)) => sorted.in_flight.push((flight, open)),
                Err(source) => {
                    let new = sorted.new.into_iter().map(|(_, open)| open);
                    let others = sorted.in_flight.into_iter().map(|(_, open)| open);
                    let mut left: Vec<Open<T>> = new.chain(others).chain([open]).chain(events).collect();
                    left.sort_by_key(|open| open.at);
                    let item = left.into_iter().map(|open| open.event).collect();
                    return Err(StampedPushError::Refused { item, source });
                }
            }
        }
        Ok(sorted)
    }

    /// Write the new ones. What is not written comes back.
    async fn write(
        &self,
        new: Vec<(Ticket, Open<T>)>,
        answers: &mut [Option<Acceptance>],
    ) -> Result<(), StampedPushError<Vec<T>>> {
        let (mut events, mut notes, mut flights) = (Vec::new(), Vec::new(), Vec::new());
        for (index, (ticket, open)) in new.into_iter().enumerate() {
            notes.push((index, Note::Stamp(open.stamp)));
            events.push(open.event);
            flights.push((open.at, ticket));
        }
        if !events.is_empty() {
            self.push_noted(events, notes).await?;
        }
        for (at, ticket) in flights {
            // It landed before its room in the ring was filled.
            let lsn = ticket.flight.landed().await.unwrap_or_default();
            answers[at] = Some(Acceptance::Accepted { lsn: Lsn(lsn) });
        }
        Ok(())
    }
}

fn duplicate(admission: &Admission, lsn: Option<u64>) -> Acceptance {
    admission.count_duplicate();
    Acceptance::Duplicate { lsn: lsn.map(Lsn) }
}
