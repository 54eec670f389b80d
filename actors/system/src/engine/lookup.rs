//! Finding things by name.

use super::{Engine, ReactorHandle};
use crate::directory::AccumulatorEntry;
use crate::handle::AccumulatorHandle;
use crate::sink::{Receiver, Sink, SinkError};
use acequia_core::accumulator::JsonPushError;
use acequia_core::health::SourceHealth;
use acequia_core::id::{AccumulatorName, GraphName, ItemId, ReactorName, TerminalName};
use acequia_core::ledger::Dropped;
use acequia_core::letter::{DeadLetter, Letter, Place};
use acequia_core::payload::{Payload, PayloadType};
use acequia_core::ring::Ring;
use acequia_core::{Encoded, Overflow};
use std::sync::Arc;

/// A name that leads nowhere, or to another type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// No such accumulator.
    #[error("E0420: no accumulator {name}; there are {known:?}")]
    UnknownAccumulator {
        /// The name.
        name: AccumulatorName,
        /// Those there are.
        known: Vec<AccumulatorName>,
    },
    /// No such reactor.
    #[error("E0421: no reactor {name}; there are {known:?}")]
    UnknownReactor {
        /// The name.
        name: ReactorName,
        /// Those there are.
        known: Vec<ReactorName>,
    },
    /// The accumulator takes another type.
    #[error("E0422: accumulator {name} takes {takes}, not {given}; ask for that type")]
    OtherType {
        /// The name.
        name: AccumulatorName,
        /// What it takes.
        takes: &'static str,
        /// What was asked for.
        given: &'static str,
    },
}

impl Engine {
    /// A typed handle for pushing into an accumulator.
    ///
    /// # Errors
    /// [`LookupError`] if there is none of that name and type.
    pub fn accumulator<T: Payload>(&self, name: &str) -> Result<AccumulatorHandle<T>, LookupError> {
        let entry = self.accumulator_entry(name)?;
        let other = || LookupError::OtherType {
            name: name.into(),
            takes: entry.event.name(),
            given: PayloadType::of::<T>().name(),
        };
        let ring = entry.cell.ring(entry.source);
        if !ring.payload_type().fits(PayloadType::of::<T>()) {
            return Err(other());
        }
        let cell = Arc::clone(&entry.cell);
        match ring.clone().as_any().downcast::<Ring<T>>() {
            Ok(ring) => Ok(AccumulatorHandle::new(ring, cell)),
            Err(ring) => {
                let ring = ring.downcast::<Ring<Encoded>>().map_err(|_| other())?;
                Ok(AccumulatorHandle::encoding(ring, cell))
            }
        }
    }

    pub(crate) fn accumulator_entry(
        &self,
        name: &str,
    ) -> Result<crate::directory::AccumulatorEntry, LookupError> {
        let directory = &self.inner.directory;
        directory.accumulators.get(name).map(|entry| entry.clone()).ok_or_else(|| {
            let mut known: Vec<_> = directory.accumulators.iter().map(|entry| entry.key().clone()).collect();
            known.sort();
            LookupError::UnknownAccumulator { name: name.into(), known }
        })
    }

    /// State of an accumulator's source.
    ///
    /// # Errors
    /// [`LookupError`] if there is no such accumulator.
    pub fn source_health(&self, accumulator: &str) -> Result<SourceHealth, LookupError> {
        let entry = self.accumulator_entry(accumulator)?;
        Ok(entry.cell.source_health(entry.source))
    }

    /// Push an event as JSON text. What is not of the accumulator's type goes to the dead letters, with
    /// cause and bytes.
    ///
    /// # Errors
    /// [`LookupError`] for an unknown name; the inner error if the event was not taken.
    pub fn push_json(
        &self,
        accumulator: &str,
        json: &[u8],
    ) -> Result<Result<ItemId, JsonPushError>, LookupError> {
        let entry = self.accumulator_entry(accumulator)?;
        if self.inner.env.is_stopping() {
            return Ok(Err(JsonPushError::Closed));
        }
        let pushed = entry.cell.ring(entry.source).push_json(json);
        if let Err(error) = &pushed {
            self.keep_undecodable(accumulator, &entry, error);
        }
        Ok(pushed)
    }

    /// The same, waiting for room; and for the disk, where the accumulator is durable.
    ///
    /// # Errors
    /// As [`Engine::push_json`].
    pub async fn push_json_waiting(
        &self,
        accumulator: &str,
        json: &[u8],
    ) -> Result<Result<ItemId, JsonPushError>, LookupError> {
        let entry = self.accumulator_entry(accumulator)?;
        if self.inner.env.is_stopping() {
            return Ok(Err(JsonPushError::Closed));
        }
        let pushed = Arc::clone(entry.cell.ring(entry.source)).push_json_waiting(json);
        Ok(match pushed {
            Ok(waiting) => waiting.await,
            Err(error) => {
                self.keep_undecodable(accumulator, &entry, &error);
                Err(error)
            }
        })
    }

    /// Make a dead letter of what could not be read.
    fn keep_undecodable(&self, accumulator: &str, entry: &AccumulatorEntry, error: &JsonPushError) {
        if let JsonPushError::Undecodable { item, bytes, source } = error {
            let letter = DeadLetter {
                place: Place::Accumulator(accumulator.into()),
                item: *item,
                why: Dropped::Undecodable,
                failure: Some(acequia_core::fault::Failure::error(format_args!(
                    "{source}: {}",
                    std::error::Error::source(source).map(ToString::to_string).unwrap_or_default()
                ))),
                attempts: 1,
                at: self.inner.env.now(),
                letter: Letter::Bytes(bytes.clone()),
            };
            entry.cell.report(vec![letter], &[]);
        }
    }

    /// Commands to a reactor.
    ///
    /// # Errors
    /// [`LookupError`] if there is none of that name.
    pub fn reactor(&self, name: &str) -> Result<ReactorHandle, LookupError> {
        let directory = &self.inner.directory;
        if directory.reactors.contains_key(name) {
            return Ok(ReactorHandle::new(self.clone(), name.into()));
        }
        let mut known: Vec<_> = directory.reactors.iter().map(|entry| entry.key().clone()).collect();
        known.sort();
        Err(LookupError::UnknownReactor { name: name.into(), known })
    }

    /// Receive the outputs of a terminal through a channel for `capacity` values; when it is full the
    /// graph waits.
    ///
    /// # Errors
    /// [`SinkError`], naming what does not fit.
    pub async fn subscribe<T: Payload>(
        &self,
        graph: impl Into<GraphName>,
        terminal: impl Into<TerminalName>,
        capacity: usize,
    ) -> Result<Receiver<T>, SinkError> {
        let (sink, receiver) = Sink::channel(capacity, Overflow::Block);
        self.attach(graph, terminal, sink).await?;
        Ok(receiver)
    }
}
