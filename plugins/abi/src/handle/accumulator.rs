//! A part of an accumulator in a library, as the host sees it.

use super::{InstanceHandle, Object, Rest, checked};
use crate::buffer::Buffer;
use crate::call::{AccumulatorCall, StateCall};
use crate::fault::Fault;
use crate::future::RawFuture;
use crate::slice::Slice;
use std::cell::Cell;
use std::marker::PhantomData;

/// A part of an accumulator. Its reply's room is used again.
pub struct AccumulatorHandle {
    object: Object<InstanceHandle>,
    reply: Buffer,
    /// The library's object may go from thread to thread, and not be in two places, not even to be read.
    one_place: PhantomData<Cell<()>>,
}

impl AccumulatorHandle {
    /// Ask it: the report, and the rest of the event that pends.
    ///
    /// # Errors
    /// What kept it from being asked at all.
    pub fn call(&mut self, call: &AccumulatorCall<'_>) -> Result<(&[u8], Option<Rest>), Fault> {
        let mut raw = RawFuture::default();
        // SAFETY: `accumulator_new` of this table handed the state out, and `&mut self` is one place at a time.
        let status = unsafe {
            (self.object.table.accumulator_call)(self.object.state, call, &mut self.reply, &mut raw)
        };
        checked(status, &self.reply)?;
        Ok((self.reply.bytes(), raw.take_with(|| self.object.keep.clone())))
    }

    /// The report of the state that it keeps; none if the library is too old to give any.
    ///
    /// # Errors
    /// What kept the state from leaving.
    pub fn export(&self, now: i64) -> Option<Result<Buffer, Fault>> {
        let keeping = self.object.table.keeping?;
        let mut reply = Buffer::default();
        // SAFETY: `accumulator_new` or `accumulator_tuned` of this table handed the state out, and as this is
        // not `Sync`, `&self` is one place at a time.
        let status = unsafe { (keeping.accumulator_export)(self.object.state, now, &mut reply) };
        Some(checked(status, &reply).map(|()| reply))
    }

    /// Let it go on with a state: the report.
    ///
    /// # Errors
    /// What kept it from being asked at all.
    pub fn import(&mut self, call: &StateCall<'_>) -> Result<&[u8], Fault> {
        let keeping = self.object.table.keeping.ok_or_else(|| self.object.keep.too_old("states"))?;
        // SAFETY: as in `call`.
        let status = unsafe { (keeping.accumulator_import)(self.object.state, call, &mut self.reply) };
        checked(status, &self.reply).map(|()| self.reply.bytes())
    }

    /// What built its library.
    pub fn built_with(&self) -> String {
        self.object.table.header.built_with()
    }
}

impl InstanceHandle {
    /// Make a part of the accumulator at `index`.
    ///
    /// # Errors
    /// What the library said.
    pub fn accumulator(&self, index: usize) -> Result<AccumulatorHandle, Fault> {
        let table = self.0.table;
        let object = self.make(table.accumulator_new, table.accumulator_free, index)?;
        Ok(AccumulatorHandle { object, reply: Buffer::default(), one_place: PhantomData })
    }

    /// Make a part of the accumulator at `index` with the settings of `tuning`, the JSON of a
    /// [`TuningDeclaration`](crate::declaration::TuningDeclaration), over its own.
    ///
    /// # Errors
    /// What the library said; a fault of this side's if the library is too old to take any.
    pub fn tuned_accumulator(&self, index: usize, tuning: &[u8]) -> Result<AccumulatorHandle, Fault> {
        let table = self.0.table;
        let keeping = table.keeping.ok_or_else(|| self.too_old("settings of accumulators"))?;
        let (mut reply, mut state) = (Buffer::default(), std::ptr::null_mut());
        // SAFETY: as in `make`.
        let status = unsafe {
            (keeping.accumulator_tuned)(
                self.0.state,
                index as u64,
                Slice::from(tuning),
                &mut state,
                &mut reply,
            )
        };
        checked(status, &reply)?;
        let object = Object { state, free: table.accumulator_free, table, keep: self.clone() };
        Ok(AccumulatorHandle { object, reply: Buffer::default(), one_place: PhantomData })
    }

    /// The fault of asking an older library for what its table lacks.
    fn too_old(&self, what: &str) -> Fault {
        let built_with = self.0.table.header.built_with();
        Fault::error(format_args!(
            "the library was built with {built_with}, which knows nothing of {what}; rebuild the package"
        ))
    }
}
