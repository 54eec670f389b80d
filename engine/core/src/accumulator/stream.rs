//! Stream: one event in, at most one boundary out, with state of the author's own.
//!
//! The author's function may change its state and then panic. So the state is snapshotted every 256
//! events, the events since are kept, and recovery is the snapshot with those applied again: what had
//! an effect before the panic has it afterwards.

use super::{Accumulator, Emitter, Exported, Fate, ImportError, Incoming};
use crate::fault::Failure;
use crate::ledger::Settled;
use crate::payload::Payload;
use crate::time::Timestamp;
use std::marker::PhantomData;

const SNAPSHOT_EVERY: usize = 256;

/// Calls the author's function with its state.
pub struct Stateful<S, E, B, F> {
    function: F,
    state: S,
    snapshot: S,
    since: Vec<E>,
    types: PhantomData<fn() -> B>,
}

impl<S, E, B, F> Stateful<S, E, B, F>
where
    S: Payload,
    F: FnMut(&mut S, &E) -> Result<Option<B>, Failure>,
{
    /// Start from `state`, which is a payload, so that it can go on in another version and another process.
    pub fn new(state: S, function: F) -> Self {
        Self { function, snapshot: state.clone(), state, since: Vec::new(), types: PhantomData }
    }
}

impl<S, E, B, F> Accumulator for Stateful<S, E, B, F>
where
    S: Payload,
    E: Payload,
    B: Payload,
    F: FnMut(&mut S, &E) -> Result<Option<B>, Failure> + Send + 'static,
{
    type Event = E;
    type Boundary = B;

    fn accept(&mut self, event: Incoming<'_, E>, out: &mut Emitter<'_, B>) -> Result<Fate<B>, Failure> {
        let reply = match (self.function)(&mut self.state, event.get()) {
            Ok(reply) => reply,
            Err(failure) => {
                // An error, too, may come after a change.
                self.recover();
                return Err(failure);
            }
        };
        self.since.push(event.take());
        if self.since.len() >= SNAPSHOT_EVERY {
            self.snapshot = self.state.clone();
            self.since.clear();
        }
        Ok(Fate::Settled(match reply {
            Some(boundary) => {
                out.emit(boundary);
                Settled::HandedOn
            }
            None => Settled::Absorbed,
        }))
    }

    fn export(&self, _now: Timestamp) -> Result<Option<Exported>, Failure> {
        Ok(Some(Exported::of(self.state.clone())))
    }

    fn import(&mut self, state: Exported, _now: Timestamp) -> Result<(), ImportError> {
        self.state = state.take()?;
        self.snapshot = self.state.clone();
        self.since.clear();
        Ok(())
    }

    fn recover(&mut self) {
        self.state = self.snapshot.clone();
        for event in &self.since {
            // It passed before, and its boundary has gone out already.
            let _ = crate::fault::guarded(|| (self.function)(&mut self.state, event));
        }
    }
}
