//! What one accumulator knows of the events that it accepted.

use super::ids::{Ids, Known};
use super::producer::Producer;
use super::{Dedupe, DedupeError, EventId, Gaps, Key, ProducerId, ProducerSequence, Stamp, WindowError};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What became of an event that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival<F> {
    /// Nobody has seen it. It is on its way from now on, until [`Window::land`] or [`Window::lose`].
    New,
    /// It was accepted before, and lies there, if that is known still.
    Duplicate(Option<u64>),
    /// The same event is on its way.
    InFlight(F),
}

/// Events of one accumulator that are known again, and those on their way to disk, each with whatever its bearer
/// waits with.
#[derive(Debug)]
pub struct Window<F> {
    policy: Dedupe,
    producers: HashMap<ProducerId, Producer>,
    ids: Ids,
    flying: HashMap<Key, F>,
    /// The last event that it was told of: what lies there or before it was looked at once.
    upto: Option<u64>,
}

/// A window on disk.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    producers: Vec<([u8; 16], Producer)>,
    /// The last event that it knew of.
    upto: Option<u64>,
    /// Id, when it came, where it lies.
    ids: Vec<([u8; 16], i64, u64)>,
}

impl<F: Clone> Window<F> {
    /// A window that knows nothing.
    pub fn new(policy: Dedupe) -> Self {
        Self { policy, producers: HashMap::new(), ids: Ids::default(), flying: HashMap::new(), upto: None }
    }

    /// How many ids it keeps.
    pub fn n_ids(&self) -> usize {
        self.ids.len()
    }

    /// Decide on an event. If it is new, it flies with `flight`.
    ///
    /// # Errors
    /// [`DedupeError`]: it is neither new nor a duplicate, and nothing was noted.
    pub fn arrive(&mut self, stamp: Stamp, now: Timestamp, flight: F) -> Result<Arrival<F>, DedupeError> {
        let known = match stamp {
            Stamp::Sequence(of) => self.look_for(of)?,
            Stamp::Id(EventId(id)) => {
                self.ids.expire(now, self.policy.age, self.policy.ids);
                self.ids.get(id).map(|known| Some(known.lsn))
            }
        };
        if let Some(lsn) = known {
            return Ok(Arrival::Duplicate(lsn));
        }
        if let Some(flying) = self.flying.get(&stamp.key()) {
            return Ok(Arrival::InFlight(flying.clone()));
        }
        if let Stamp::Sequence(of) = stamp {
            self.check_gap(of)?;
            self.producers.entry(of.producer).or_default().fly(of.sequence);
        }
        self.flying.insert(stamp.key(), flight);
        Ok(Arrival::New)
    }

    /// It is on disk, at `lsn`, since `at`; told in the order of the journal, and for what is known already without
    /// any effect. Returns what it flew with, if it did: it may come from an earlier life.
    pub fn land(&mut self, stamp: Stamp, lsn: u64, at: Timestamp) -> Option<F> {
        match stamp {
            Stamp::Sequence(of) => {
                let producer = self.producers.entry(of.producer).or_default();
                producer.epoch = producer.epoch.max(of.epoch);
                producer.land(of.sequence, lsn);
            }
            // What was known once may have been forgotten for its age.
            Stamp::Id(EventId(id)) if self.upto < Some(lsn) => {
                self.ids.expire(at, self.policy.age, self.policy.ids);
                if self.ids.get(id).is_none() {
                    self.ids.push(Known { id, at, lsn });
                    self.ids.expire(at, self.policy.age, self.policy.ids);
                }
            }
            Stamp::Id(_) => {}
        }
        self.upto = self.upto.max(Some(lsn));
        self.flying.remove(&stamp.key())
    }

    /// It is not on disk, and will not be. Returns what it flew with.
    pub fn lose(&mut self, stamp: Stamp) -> Option<F> {
        if let Stamp::Sequence(of) = stamp
            && let Some(producer) = self.producers.get_mut(&of.producer)
        {
            producer.lose(of.sequence);
        }
        self.flying.remove(&stamp.key())
    }

    /// What `stamp` flies with.
    pub fn flight(&self, stamp: Stamp) -> Option<&F> {
        self.flying.get(&stamp.key())
    }

    /// Where it lies, if it was accepted.
    fn look_for(&mut self, of: ProducerSequence) -> Result<Option<Option<u64>>, DedupeError> {
        let ProducerSequence { producer, epoch, sequence } = of;
        let Some(known) = self.producers.get_mut(&producer) else {
            let limit = self.policy.producers;
            let is_full = self.producers.len() >= limit;
            return if is_full { Err(DedupeError::TooManyProducers { producer, limit }) } else { Ok(None) };
        };
        if epoch < known.epoch {
            return Err(DedupeError::Fenced { producer, epoch, current: known.epoch });
        }
        known.epoch = epoch;
        Ok(known.has_seen(sequence).then(|| known.lsn(sequence)))
    }

    fn check_gap(&mut self, of: ProducerSequence) -> Result<(), DedupeError> {
        let ProducerSequence { producer, sequence, epoch } = of;
        let known = self.producers.entry(producer).or_default();
        known.epoch = known.epoch.max(epoch);
        match known.expected() {
            Some(expected) if self.policy.gaps == Gaps::Refuse && sequence > expected => {
                Err(DedupeError::Gap { producer, expected, sequence })
            }
            _ => Ok(()),
        }
    }

    /// All that was accepted, as bytes; what is on its way is not in it.
    ///
    /// # Errors
    /// [`WindowError`]; this cannot happen.
    pub fn encode(&self) -> Result<Vec<u8>, WindowError> {
        let producers = self.producers.iter().map(|(id, producer)| (id.0.to_le_bytes(), producer.clone()));
        let ids = self.ids.iter().map(|known| (known.id.to_le_bytes(), known.at.as_nanos(), known.lsn));
        let snapshot = Snapshot { producers: producers.collect(), upto: self.upto, ids: ids.collect() };
        postcard::to_allocvec(&snapshot).map_err(|error| WindowError { why: error.to_string() })
    }

    /// Know what [`Window::encode`] wrote down as well.
    ///
    /// # Errors
    /// [`WindowError`] if the bytes are no window.
    pub fn learn(&mut self, bytes: &[u8]) -> Result<(), WindowError> {
        let read: Snapshot =
            postcard::from_bytes(bytes).map_err(|error| WindowError { why: error.to_string() })?;
        for (id, producer) in read.producers {
            self.producers.insert(ProducerId(u128::from_le_bytes(id)), producer);
        }
        for (id, at, lsn) in read.ids {
            let id = EventId(u128::from_le_bytes(id));
            self.land(Stamp::Id(id), lsn, Timestamp::from_nanos(at));
        }
        self.upto = self.upto.max(read.upto);
        Ok(())
    }
}
