//! An accumulator in a library, as core's part over bytes: one crossing for many events, and one each for
//! its state out and in.

use super::failure::{from_fault, malformed};
use super::values;
use acequia_abi::handle::Rest;
use acequia_abi::report::read_failure;
use acequia_abi::{
    AccumulatorCall, AccumulatorHandle, FateReport, Fault, FrameError, Operation, Reader, Slice, StateCall,
    StateReport, Taken,
};
use acequia_core::accumulator::{
    Became, EventFate, Eviction, Exported, FailedStep, ImportError, Many, ManyFailure, PendingBoundary,
    Released,
};
use acequia_core::codec::SchemaHash;
use acequia_core::fault::Failure;
use acequia_core::ledger::{Dropped, Settled};
use acequia_core::payload::{Encoded, WireType};
use acequia_core::time::Timestamp;
use acequia_core::wire::{AnyPart, Values};

/// A part of an accumulator, with what it said of itself in its last reply.
pub(super) struct LibraryPart {
    handle: AccumulatorHandle,
    due: Option<Timestamp>,
    held: u64,
}

impl LibraryPart {
    pub(super) fn new(handle: AccumulatorHandle) -> Self {
        Self { handle, due: None, held: 0 }
    }

    /// Ask, and read the reply: its body by `body`, then the values.
    fn ask<R>(
        &mut self,
        call: &AccumulatorCall<'_>,
        out: &mut Values,
        body: impl FnOnce(&mut Reader<'_>, Option<Rest>) -> Result<R, FrameError>,
    ) -> Result<R, Failure> {
        let (reply, rest) = self.handle.call(call).map_err(from_fault)?;
        let mut reader = Reader::new(reply);
        let read = || {
            let due = reader.option_u64()?.map(|due| Timestamp::from_nanos(due as i64));
            let held = reader.u64()?;
            let result = body(&mut reader, rest)?;
            values::read(&mut reader, out)?;
            Ok((due, held, result))
        };
        let (due, held, result) = read().map_err(malformed)?;
        (self.due, self.held) = (due, held);
        Ok(result)
    }

    fn release(
        &mut self,
        operation: Operation,
        now: Timestamp,
        out: &mut Values,
    ) -> Result<Released, Failure> {
        self.ask(&AccumulatorCall::new(operation, now.as_nanos(), &[]), out, |reader, _| {
            if let Some(fault) = read_failure(reader)? {
                return Ok(Err(from_fault(fault)));
            }
            let (handed_on, filtered) = (reader.u64()?, reader.u64()?);
            Ok(Ok(Released { handed_on, filtered, more: reader.u8()? != 0 }))
        })?
    }
}

impl AnyPart for LibraryPart {
    fn accept(&mut self, events: &[&[u8]], now: Timestamp, out: &mut Values) -> Many<Vec<u8>> {
        let events: Vec<Slice<'_>> = events.iter().map(|event| Slice::from(*event)).collect();
        let call = AccumulatorCall::new(Operation::Accept, now.as_nanos(), &events);
        self.ask(&call, out, many).unwrap_or_else(|failure| Many {
            failure: Some(ManyFailure { failure, step: FailedStep::Accept }),
            ..Many::default()
        })
    }

    fn start(&mut self, out: &mut Values) -> Result<(), Failure> {
        let call = AccumulatorCall::new(Operation::Start, 0, &[]);
        match self.ask(&call, out, |reader, _| read_failure(reader))? {
            None => Ok(()),
            Some(fault) => Err(from_fault(fault)),
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Values) -> Result<Released, Failure> {
        self.release(Operation::Tick, now, out)
    }

    fn flush(&mut self, out: &mut Values) -> Result<Released, Failure> {
        self.release(Operation::Flush, Timestamp::ZERO, out)
    }

    fn due(&self) -> Option<Timestamp> {
        self.due
    }

    fn held(&self) -> u64 {
        self.held
    }

    fn evict(&mut self, what: Eviction, out: &mut Values) {
        let operation = match what {
            Eviction::Failing => Operation::EvictFailing,
            Eviction::All => Operation::EvictAll,
        };
        let evicted = self.ask(&AccumulatorCall::new(operation, 0, &[]), out, |_, _| Ok(()));
        if evicted.is_err() && what == Eviction::All {
            // What it held is lost with it, and must not be counted as open; the count stays right.
            (0..std::mem::take(&mut self.held)).for_each(|_| out.push(&[]));
        }
    }

    fn recover(&mut self) {
        // A part that cannot even recover says so again at its next event.
        let _ = self.ask(
            &AccumulatorCall::new(Operation::Recover, 0, &[]),
            &mut Values::default(),
            |_, _| Ok(()),
        );
    }

    fn export(&self, now: Timestamp) -> Result<Option<Exported>, Failure> {
        let Some(exported) = self.handle.export(now.as_nanos()) else {
            let built_with = self.handle.built_with();
            let why = format!("it lies in a library that was built with {built_with} and does not give it");
            return Ok(Some(Exported::unreachable(why)));
        };
        let reply = exported.map_err(from_fault)?;
        let report = StateReport::read(&mut Reader::new(reply.bytes())).map_err(malformed)?;
        Ok(report.map(|report| {
            let ty = WireType::intern(SchemaHash(report.hash), report.name, report.schema);
            Exported::of(Encoded::new(report.bytes.to_vec(), ty))
        }))
    }

    fn import(&mut self, state: &Encoded, now: Timestamp) -> Result<(), ImportError> {
        let ty = state.wire_type();
        let call = StateCall {
            now: now.as_nanos(),
            hash: ty.hash().0,
            name: Slice::from(ty.name().as_bytes()),
            schema: Slice::from(ty.text().as_bytes()),
            bytes: Slice::from(state.as_bytes()),
        };
        let failed = |reason| ImportError::Failed { reason };
        let reply = self.handle.import(&call).map_err(|fault| failed(from_fault(fault)))?;
        let mut reader = Reader::new(reply);
        let mut read = || {
            let due = reader.option_u64()?.map(|due| Timestamp::from_nanos(due as i64));
            Ok((due, reader.u64()?, Taken::read(&mut reader)?))
        };
        let (due, held, taken) = read().map_err(|error| failed(malformed(error)))?;
        (self.due, self.held) = (due, held);
        match taken {
            Taken::Yes => Ok(()),
            Taken::Other(kept) => {
                let given = format!("{} ({})", ty.name(), ty.text());
                Err(ImportError::OtherState { kept, given })
            }
            Taken::Unreadable(fault) => Err(ImportError::Unreadable { reason: from_fault(fault) }),
            Taken::Failed(fault) => Err(failed(from_fault(fault))),
        }
    }
}

/// Read the account of many events.
fn many(reader: &mut Reader<'_>, rest: Option<Rest>) -> Result<Many<Vec<u8>>, FrameError> {
    let mut many = Many::default();
    for _ in 0..reader.u32()? {
        let report = FateReport::read(reader)?;
        let became = became(report.code).ok_or_else(|| reader.error())?;
        let released = Released { handed_on: report.handed_on, filtered: report.filtered, more: false };
        many.fates.push(EventFate { became, emitted: report.emitted as usize, released });
    }
    if reader.u8()? != 0 {
        let step = match reader.u8()? {
            0 => FailedStep::Accept,
            1 => FailedStep::AcceptTaken,
            2 => FailedStep::Tick,
            _ => return Err(reader.error()),
        };
        many.failure = Some(ManyFailure { failure: from_fault(Fault::read(reader)?), step });
    }
    if reader.u8()? != 0 {
        many.pending = Some(pending(rest.ok_or_else(|| reader.error())?));
    }
    Ok(many)
}

fn became(code: u8) -> Option<Became> {
    let index = usize::from(code & 0x0f);
    match code & 0xf0 {
        0x00 => Settled::ALL.get(index).map(|how| Became::Settled(*how)),
        0x10 => Some(Became::Held),
        0x20 => Dropped::ALL.get(index).map(|why| Became::Dropped(*why)),
        _ => None,
    }
}

/// The rest of an event. It keeps its library.
fn pending(rest: Rest) -> PendingBoundary<Vec<u8>> {
    Box::pin(async move {
        let reply = rest.await.map_err(from_fault)?;
        let mut reader = Reader::new(reply.bytes());
        match reader.u8().map_err(malformed)? {
            0 => Ok(None),
            _ => reader.bytes().map(|boundary| Some(boundary.to_vec())).map_err(malformed),
        }
    })
}
