//! An accumulator inside a library: events in, its report out; its state out, and in again.

use super::{fault, write_values};
use crate::{AccumulatorDecl, Failure, Timestamp};
use acequia_abi::report::write_failure;
use acequia_abi::{
    AccumulatorCall, FateReport, Fault, LibraryAccumulator, LibraryFuture, Operation, StateCall, StateReport,
    Taken, Writer,
};
use acequia_core::accumulator::{
    Became, EventFate, Eviction, FailedStep, ImportError, Many, PendingBoundary, Released,
};
use acequia_core::codec::SchemaHash;
use acequia_core::payload::{Encoded, WireType};
use acequia_core::wire::{AnyPart, Values};

/// A part of an accumulator.
pub(super) struct Part {
    part: Box<dyn AnyPart>,
    out: Values,
}

impl Part {
    pub(super) fn new(decl: &AccumulatorDecl) -> Self {
        Self { part: decl.part(), out: Values::default() }
    }

    /// Append when it is due and what it holds, as it is after the call.
    fn write_state(&self, writer: &mut Writer<'_>) {
        // Reinterpreted, not converted: an engine's clock may stand before its origin.
        writer.option_u64(self.part.due().map(|due| due.as_nanos() as u64));
        writer.u64(self.part.held());
    }

    fn accept(&mut self, call: &AccumulatorCall<'_>, writer: &mut Writer<'_>) -> Option<LibraryFuture> {
        let events: Vec<&[u8]> = call.events.get().iter().map(acequia_abi::Slice::get).collect();
        let now = Timestamp::from_nanos(call.now);
        let Many { fates, failure, pending } = self.part.accept(&events, now, &mut self.out);
        self.write_state(writer);
        writer.u32(u32::try_from(fates.len()).unwrap_or(u32::MAX));
        for fate in &fates {
            fate_report(fate).write(writer);
        }
        writer.u8(u8::from(failure.is_some()));
        if let Some(failed) = failure {
            writer.u8(match failed.step {
                FailedStep::Accept => 0,
                FailedStep::AcceptTaken => 1,
                FailedStep::Tick => 2,
            });
            fault(&failed.failure).write(writer);
        }
        writer.u8(u8::from(pending.is_some()));
        pending.map(report)
    }

    fn released(&mut self, released: Result<Released, Failure>, writer: &mut Writer<'_>) {
        self.write_state(writer);
        write_failure(released.as_ref().err().map(fault).as_ref(), writer);
        if let Ok(released) = released {
            writer.u64(released.handed_on);
            writer.u64(released.filtered);
            writer.u8(u8::from(released.more));
        }
    }
}

impl LibraryAccumulator for Part {
    fn call(
        &mut self,
        call: &AccumulatorCall<'_>,
        reply: &mut Vec<u8>,
    ) -> Result<Option<LibraryFuture>, Fault> {
        let operation = call
            .operation()
            .ok_or_else(|| Fault::error("the engine asks for what this sdk does not know"))?;
        self.out.clear();
        let (mut writer, mut pending) = (Writer::new(reply), None);
        match operation {
            Operation::Accept => pending = self.accept(call, &mut writer),
            Operation::Start => {
                let started = self.part.start(&mut self.out);
                self.write_state(&mut writer);
                write_failure(started.err().as_ref().map(fault).as_ref(), &mut writer);
            }
            Operation::Tick => {
                let ticked = self.part.tick(Timestamp::from_nanos(call.now), &mut self.out);
                self.released(ticked, &mut writer);
            }
            Operation::Flush => {
                let flushed = self.part.flush(&mut self.out);
                self.released(flushed, &mut writer);
            }
            Operation::EvictFailing | Operation::EvictAll => {
                let what = if operation == Operation::EvictAll { Eviction::All } else { Eviction::Failing };
                self.part.evict(what, &mut self.out);
                self.write_state(&mut writer);
            }
            Operation::Recover => {
                self.part.recover();
                self.write_state(&mut writer);
            }
        }
        write_values(&self.out, &mut writer);
        Ok(pending)
    }

    fn export(&self, now: i64, reply: &mut Vec<u8>) -> Result<(), Fault> {
        let failed = |failure: Failure| fault(&failure);
        let state = self.part.export(Timestamp::from_nanos(now)).map_err(failed)?;
        let state = state.map(|state| state.encoded()).transpose().map_err(failed)?;
        let report = state.as_ref().map(|state| StateReport {
            hash: state.wire_type().hash().0,
            name: state.wire_type().name(),
            schema: state.wire_type().text(),
            bytes: state.as_bytes(),
        });
        StateReport::write(report.as_ref(), &mut Writer::new(reply));
        Ok(())
    }

    fn import(&mut self, call: &StateCall<'_>, reply: &mut Vec<u8>) -> Result<(), Fault> {
        let (name, schema) =
            (String::from_utf8_lossy(call.name.get()), String::from_utf8_lossy(call.schema.get()));
        let ty = WireType::intern(SchemaHash(call.hash), &name, &schema);
        let state = Encoded::new(call.bytes.get().to_vec(), ty);
        let taken = self.part.import(&state, Timestamp::from_nanos(call.now));
        let mut writer = Writer::new(reply);
        self.write_state(&mut writer);
        taken.map_or_else(untaken, |()| Taken::Yes).write(&mut writer);
        Ok(())
    }
}

/// A state that the part did not take.
fn untaken(error: ImportError) -> Taken {
    match error {
        ImportError::OtherState { kept, .. } => Taken::Other(kept),
        ImportError::Unreadable { reason } => Taken::Unreadable(fault(&reason)),
        ImportError::Failed { reason } => Taken::Failed(fault(&reason)),
        other => Taken::Failed(Fault::error(other)),
    }
}

fn fate_report(fate: &EventFate) -> FateReport {
    FateReport {
        code: match fate.became {
            Became::Settled(how) => how as u8,
            Became::Held => 0x10,
            Became::Dropped(why) => 0x20 | why as u8,
        },
        emitted: u32::try_from(fate.emitted).unwrap_or(u32::MAX),
        handed_on: fate.released.handed_on,
        filtered: fate.released.filtered,
    }
}

/// The rest of an event, ending in its report.
fn report(rest: PendingBoundary<Vec<u8>>) -> LibraryFuture {
    Box::pin(async move {
        let boundary = rest.await.map_err(|failure| fault(&failure))?;
        let mut reply = Vec::new();
        let mut writer = Writer::new(&mut reply);
        writer.u8(u8::from(boundary.is_some()));
        if let Some(boundary) = boundary {
            writer.bytes(&boundary);
        }
        Ok(reply)
    })
}
