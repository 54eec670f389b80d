//! What accumulators keep, as bytes: to be recorded, and to go on with in another process.

use super::Cell;
use crate::accumulator::{Exported, ImportError, Kind};
use crate::codec::{self, CodecError, SchemaHash};
use crate::fault::{Failure, guarded};
use crate::id::AccumulatorName;
use crate::payload::{Encoded, PayloadType, WireType};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What one accumulator keeps at a turn boundary. Boundaries that have not fired are the reactor's, and events
/// that were not handled are its ring's; neither is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The accumulator.
    pub accumulator: AccumulatorName,
    /// Its newest boundary.
    pub last: Option<Encoded>,
    /// The state of its part, events that it holds included.
    pub state: Option<Encoded>,
}

/// What accumulators keep could not be told, read or gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeptError {
    /// The part did not give its state, or its newest boundary has no bytes.
    #[error("E0350: what accumulator {accumulator} keeps cannot be recorded: {reason}; check its Serialize")]
    Unexported {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// What it said.
        reason: Failure,
    },
    /// The part does not go on with the state.
    #[error("E0351: accumulator {accumulator} does not go on with what it kept")]
    Refused {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// Why.
        source: ImportError,
    },
    /// The newest boundary is not of the accumulator's type.
    #[error(
        "E0352: accumulator {accumulator} kept a boundary of {kept}, and its boundaries are of {boundary}; load the version that recorded it"
    )]
    OtherBoundary {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The type of what was kept.
        kept: String,
        /// The type of its boundaries.
        boundary: String,
    },
    /// The newest boundary cannot be read.
    #[error(
        "E0353: the newest boundary of accumulator {accumulator} cannot be read; go back to an older record"
    )]
    Boundary {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// What is wrong with the bytes.
        source: CodecError,
    },
    /// The bytes are no record of this kind.
    #[error("E0354: the bytes are no record of what an accumulator keeps; go back to an older record")]
    Record {
        /// What is wrong with the bytes.
        source: CodecError,
    },
}

/// [`Kept`] as it is recorded. A form that changes becomes another variant.
#[derive(Serialize, Deserialize)]
enum Record {
    V1 { accumulator: String, last: Option<Typed>, state: Option<Typed> },
}

/// Bytes with all that is known of their type.
#[derive(Serialize, Deserialize)]
struct Typed {
    hash: [u8; 16],
    name: String,
    schema: String,
    bytes: Vec<u8>,
}

impl From<&Encoded> for Typed {
    fn from(encoded: &Encoded) -> Self {
        let ty = encoded.wire_type();
        let (name, schema) = (ty.name().to_owned(), ty.text().to_owned());
        Self { hash: ty.hash().0, name, schema, bytes: encoded.as_bytes().to_vec() }
    }
}

impl From<Typed> for Encoded {
    fn from(typed: Typed) -> Self {
        Self::new(typed.bytes, WireType::intern(SchemaHash(typed.hash), &typed.name, &typed.schema))
    }
}

impl Kept {
    /// Append the record of it to `out`.
    ///
    /// # Errors
    /// [`KeptError::Record`]; a name and bytes have nothing that could be refused.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), KeptError> {
        let record = Record::V1 {
            accumulator: self.accumulator.to_string(),
            last: self.last.as_ref().map(Typed::from),
            state: self.state.as_ref().map(Typed::from),
        };
        codec::encode(&record, out).map_err(|source| KeptError::Record { source })
    }

    /// Read a record.
    ///
    /// # Errors
    /// [`KeptError::Record`], if the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeptError> {
        let record = codec::decode(bytes).map_err(|source| KeptError::Record { source })?;
        let Record::V1 { accumulator, last, state } = record;
        let accumulator = accumulator.as_str().into();
        Ok(Self { accumulator, last: last.map(Encoded::from), state: state.map(Encoded::from) })
    }
}

impl Cell {
    /// What each accumulator keeps, in the order of the reactor's sources. To be asked between two turns.
    ///
    /// # Errors
    /// [`KeptError::Unexported`], naming the accumulator.
    pub fn kept(&self, now: Timestamp) -> Result<Vec<Kept>, KeptError> {
        let parts = self.slots.iter().zip(&self.columns).zip(&self.decl.accumulators);
        let kept = parts.map(|((slot, column), decl)| {
            let accumulator = || decl.name.clone();
            let failed = |reason| KeptError::Unexported { accumulator: accumulator(), reason };
            let last = column.len().checked_sub(1).map(|newest| {
                let untyped = || Failure::error("it is of no type that has bytes");
                let ty = column.payload_type().to_wire().ok_or_else(untyped)?;
                let mut bytes = Vec::new();
                guarded(|| column.encode(newest, &mut bytes).map_err(Failure::error))?;
                Ok(Encoded::new(bytes, ty))
            });
            let state = guarded(|| slot.export(now)).map_err(failed)?;
            // A function of an older library keeps nothing where its kind keeps nothing.
            let keeps = !matches!(decl.kind, Kind::Passthrough | Kind::Polling);
            let state = state.filter(|state| keeps || !state.is_unreachable());
            Ok(Kept {
                accumulator: accumulator(),
                last: last.transpose().map_err(failed)?,
                state: state.map(|state| state.encoded()).transpose().map_err(failed)?,
            })
        });
        kept.collect()
    }

    /// Go on with what accumulators kept, in place of beginning anew: to be called before the first turn. What
    /// is kept of an accumulator that this reactor does not have is passed over. A newest boundary is in the
    /// cache again; one of a polling accumulator is offered again.
    ///
    /// # Errors
    /// [`KeptError`], naming the accumulator; the cell is not to be used after that.
    pub fn restore(&mut self, kept: Vec<Kept>, now: Timestamp) -> Result<(), KeptError> {
        for Kept { accumulator, last, state } in kept {
            let known = self.decl.accumulators.iter().position(|decl| decl.name == accumulator);
            let Some(source) = known else { continue };
            if let Some(state) = state {
                let refused = |source| KeptError::Refused { accumulator: accumulator.clone(), source };
                let failed = |reason| refused(ImportError::Failed { reason });
                let state = self.decl.accumulators[source].migrated(Exported::of(state)).map_err(failed)?;
                let taken = guarded(|| Ok(self.slots[source].import(state, now))).map_err(failed)?;
                taken.map_err(refused)?;
            }
            if let Some(last) = last {
                self.recall(source, accumulator, &last)?;
            }
        }
        Ok(())
    }

    /// Put the newest boundary of `source` where it was.
    fn recall(
        &mut self,
        source: usize,
        accumulator: AccumulatorName,
        last: &Encoded,
    ) -> Result<(), KeptError> {
        let column = &mut self.columns[source];
        let (kept, boundary) = (PayloadType::encoded(last.wire_type()), column.payload_type());
        if !kept.fits(boundary) {
            let text = |ty: PayloadType| format!("{} ({})", ty.name(), ty.schema_text());
            return Err(KeptError::OtherBoundary { accumulator, kept: text(kept), boundary: text(boundary) });
        }
        let pushed = column.push_encoded(last.as_bytes());
        pushed.map_err(|source| KeptError::Boundary { accumulator, source })?;
        if self.decl.accumulators[source].kind != Kind::Polling {
            self.policy.recall(source);
        } else if self.policy.needs_order() {
            // Before everything that arrives from now on.
            self.orders[source].push(0);
        }
        Ok(())
    }
}
