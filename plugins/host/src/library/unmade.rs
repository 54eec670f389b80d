//! What stands where a part would be of a library that is only read: each item fails with the reason.

use acequia_core::accumulator::{Eviction, Exported, FailedStep, ImportError, Many, ManyFailure, Released};
use acequia_core::fault::Failure;
use acequia_core::id::FiringId;
use acequia_core::payload::Encoded;
use acequia_core::time::Timestamp;
use acequia_core::wire::{AnyGraph, AnyPart, GraphEnd, GraphOutputs, GraphTurn, InputWindow, Values};

/// A part that was not made.
pub(super) struct Unmade(Failure);

impl From<Failure> for Unmade {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl AnyPart for Unmade {
    fn accept(&mut self, _events: &[&[u8]], _now: Timestamp, _out: &mut Values) -> Many<Vec<u8>> {
        let failure = ManyFailure { failure: self.0.clone(), step: FailedStep::Accept };
        Many { failure: Some(failure), ..Many::default() }
    }

    fn start(&mut self, _out: &mut Values) -> Result<(), Failure> {
        Err(self.0.clone())
    }

    fn tick(&mut self, _now: Timestamp, _out: &mut Values) -> Result<Released, Failure> {
        Ok(Released::default())
    }

    fn flush(&mut self, _out: &mut Values) -> Result<Released, Failure> {
        Ok(Released::default())
    }

    fn due(&self) -> Option<Timestamp> {
        None
    }

    fn held(&self) -> u64 {
        0
    }

    fn evict(&mut self, _what: Eviction, _out: &mut Values) {}

    fn recover(&mut self) {}

    fn export(&self, _now: Timestamp) -> Result<Option<Exported>, Failure> {
        Ok(None)
    }

    fn import(&mut self, _state: &Encoded, _now: Timestamp) -> Result<(), ImportError> {
        Err(ImportError::Failed { reason: self.0.clone() })
    }
}

impl AnyGraph for Unmade {
    fn turn(
        &mut self,
        _inputs: &[InputWindow<'_>],
        _rows: &[u32],
        _first: FiringId,
        from: usize,
        _out: &mut GraphOutputs,
    ) -> GraphTurn {
        GraphTurn { at: from, end: GraphEnd::Failed { failure: self.0.clone(), rest: Vec::new() } }
    }
}
