//! A library as the host sees it: safe handles over the table, each keeping alive what it needs.

mod accumulator;
mod begin;

pub use accumulator::AccumulatorHandle;

use crate::buffer::Buffer;
use crate::call::{SourceCall, Turn};
use crate::entry::OK;
use crate::fault::Fault;
use crate::frames::Reader;
use crate::future::{ForeignFuture, RawFuture};
use crate::library::ValueForm;
use crate::services::{EventPush, RemotePush};
use crate::slice::Slice;
use crate::table::{
    ABI, BUILT_WITH, FirstTable, Header, KeepingTable, LoggingTable, MAGIC, OriginsTable, PackageTable,
    RunningTable,
};
use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::Arc;
use std::time::Duration;

/// A table that this side must not call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The symbol names something else.
    #[error("E0702: the exported symbol is no table of an Acequia package; export it with `package!`")]
    Magic,
    /// Another number of the interface.
    #[error(
        "E0703: the package has ABI {found}, built with {built_with}; this engine needs ABI {needed} ({engine}): rebuild the package with a matching sdk"
    )]
    Abi {
        /// What the library has.
        found: u32,
        /// What built it.
        built_with: String,
        /// What this side needs.
        needed: u32,
        /// What built this side.
        engine: &'static str,
    },
    /// Functions are missing.
    #[error(
        "E0704: the package's table has {found} bytes, built with {built_with}; this engine needs {needed} ({engine}): rebuild the package with a matching sdk"
    )]
    Size {
        /// What the library says.
        found: u32,
        /// What built it.
        built_with: String,
        /// What this side needs.
        needed: u32,
        /// What built this side.
        engine: &'static str,
    },
    /// A panic in it would end the process.
    #[error(
        "E0705: the package aborts when it panics, built with {built_with}; build it with `panic = \"unwind\"`"
    )]
    Aborts {
        /// What built it.
        built_with: String,
    },
}

impl Header {
    /// Judge it before anything behind it is trusted.
    ///
    /// # Errors
    /// [`TableError`], naming what built the library and what this side needs.
    pub fn check(&self) -> Result<(), TableError> {
        if self.magic != MAGIC {
            return Err(TableError::Magic);
        }
        let (needed, built_with) = (PackageTable::LEAST, self.built_with());
        if self.abi != ABI {
            return Err(TableError::Abi { found: self.abi, built_with, needed: ABI, engine: BUILT_WITH });
        }
        // A longer table is a newer one of the same ABI; what is behind our end is not used. A shorter one is
        // an older one; what it lacks is not asked of it.
        if self.size < needed {
            return Err(TableError::Size { found: self.size, built_with, needed, engine: BUILT_WITH });
        }
        if self.unwinds != 1 {
            return Err(TableError::Aborts { built_with });
        }
        Ok(())
    }
}

/// The code that all handles of a library keep alive.
pub type Keep = Arc<dyn std::any::Any + Send + Sync>;

/// A table that was judged sound.
#[derive(Clone)]
pub struct PackageHandle {
    table: Table,
    keep: Keep,
}

/// The table of a library, as far as it goes.
#[derive(Clone, Copy)]
struct Table {
    first: &'static FirstTable,
    keeping: Option<&'static KeepingTable>,
    logging: Option<&'static LoggingTable>,
    running: Option<&'static RunningTable>,
    origins: Option<&'static OriginsTable>,
}

impl std::ops::Deref for Table {
    type Target = FirstTable;

    fn deref(&self) -> &FirstTable {
        self.first
    }
}

/// The reply's fault.
fn fault(reply: &Buffer) -> Fault {
    Fault::read(&mut Reader::new(reply.bytes())).unwrap_or_else(Fault::from)
}

fn checked(status: u32, reply: &Buffer) -> Result<(), Fault> {
    if status == OK { Ok(()) } else { Err(fault(reply)) }
}

impl PackageHandle {
    /// The table at `header`. `keep` is held by everything that is made through it.
    ///
    /// # Errors
    /// [`TableError`] if it is not for this side.
    ///
    /// # Safety
    /// `header` is aligned, can be read for a [`Header`], and if that passes [`Header::check`], a table made
    /// by [`table`](crate::table::table) begins there and stays for as long as the process runs.
    pub unsafe fn new(header: *const Header, keep: Keep) -> Result<Self, TableError> {
        // SAFETY: the caller promises a readable header.
        unsafe { *header }.check()?;
        // SAFETY: the header passed, so the caller promises a table of at least the least size, which stays.
        let first = unsafe { &*header.cast::<FirstTable>() };
        let (whole, len) = (header.cast::<PackageTable>(), first.header.size as usize);
        let keeping = (len >= offset_of!(PackageTable, keeping) + size_of::<KeepingTable>()).then(|| {
            // SAFETY: the table is as long as its header says, and stays.
            unsafe { &(*whole).keeping }
        });
        let logging = (len >= offset_of!(PackageTable, logging) + size_of::<LoggingTable>()).then(|| {
            // SAFETY: as above.
            unsafe { &(*whole).logging }
        });
        let running = (len >= offset_of!(PackageTable, running) + size_of::<RunningTable>()).then(|| {
            // SAFETY: as above.
            unsafe { &(*whole).running }
        });
        let origins = (len >= offset_of!(PackageTable, origins) + size_of::<OriginsTable>()).then(|| {
            // SAFETY: as above.
            unsafe { &(*whole).origins }
        });
        Ok(Self { table: Table { first, keeping, logging, running, origins }, keep })
    }

    /// What built it.
    pub fn built_with(&self) -> String {
        self.table.header.built_with()
    }

    /// Whether accumulators give their state, take one in, and take settings: older libraries know none of it.
    pub fn keeps(&self) -> bool {
        self.table.keeping.is_some()
    }

    /// Whether it can be told where its futures run: older libraries run them wherever they are polled.
    pub fn runs(&self) -> bool {
        self.table.running.is_some()
    }

    /// The same table, keeping nothing alive: its code stays for as long as the process runs.
    #[must_use]
    pub fn unkept(&self) -> Self {
        Self { table: self.table, keep: Arc::new(()) }
    }

    /// Its declarations, as JSON.
    ///
    /// # Errors
    /// What the library said.
    pub fn declare(&self) -> Result<Vec<u8>, Fault> {
        let mut reply = Buffer::default();
        // SAFETY: the table was judged sound, and its functions are of this ABI.
        let status = unsafe { (self.table.declare)(&mut reply) };
        checked(status, &reply).map(|()| reply.bytes().to_vec())
    }

    /// Turn a value of the declared type at `index` into another form.
    ///
    /// # Errors
    /// What the library said.
    pub fn value(&self, index: usize, form: ValueForm, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut reply = Buffer::default();
        // SAFETY: as in `declare`.
        let status = unsafe { (self.table.value)(index as u64, form as u32, Slice::from(bytes), &mut reply) };
        checked(status, &reply).map(|()| reply.bytes().to_vec())
    }
}

/// Something that the library made, and frees.
struct Object<K> {
    state: *mut c_void,
    table: Table,
    free: crate::table::Free,
    /// Dropped after `free` was called.
    keep: K,
}

// SAFETY: the traits of a library's objects demand `Send`; `&Object` gives access to the state only in
// `InstanceHandle`, whose library is `Sync`, and in `AccumulatorHandle`, which is not.
unsafe impl<K: Send> Send for Object<K> {}
// SAFETY: as above.
unsafe impl<K: Sync> Sync for Object<K> {}

impl<K> Drop for Object<K> {
    fn drop(&mut self) {
        // SAFETY: the library handed `state` out for `free`; it is given up here, once.
        unsafe { (self.free)(self.state) }
    }
}

/// A library in use. Clones are the same.
#[derive(Clone)]
pub struct InstanceHandle(Arc<Object<Keep>>);

impl InstanceHandle {
    fn make(
        &self,
        new: crate::table::New,
        free: crate::table::Free,
        index: usize,
    ) -> Result<Object<Self>, Fault> {
        let (mut reply, mut state) = (Buffer::default(), std::ptr::null_mut());
        // SAFETY: `init` of this table handed the instance out, and it is freed with the last handle.
        let status = unsafe { new(self.0.state, index as u64, &mut state, &mut reply) };
        checked(status, &reply)?;
        Ok(Object { state, free, table: self.0.table, keep: self.clone() })
    }

    /// Make a part of the graph at `index`.
    ///
    /// # Errors
    /// What the library said.
    pub fn graph(&self, index: usize) -> Result<GraphHandle, Fault> {
        let table = self.0.table;
        let object = self.make(table.graph_new, table.graph_free, index)?;
        Ok(GraphHandle { object, reply: Buffer::default() })
    }

    /// Set the source of the accumulator at `index` in motion.
    ///
    /// # Errors
    /// What the library said.
    pub fn source(
        &self,
        index: usize,
        push: Arc<dyn EventPush>,
        resume_after: Option<u64>,
    ) -> Result<SourceHandle, Fault> {
        let (mut reply, mut raw, mut state) = (Buffer::default(), RawFuture::default(), std::ptr::null_mut());
        let (push, begin) = (RemotePush::from(push), SourceCall::new(resume_after));
        let table = self.0.table;
        // SAFETY: as in `make`.
        let status = unsafe {
            (table.source_new)(self.0.state, index as u64, push, begin, &mut state, &mut reply, &mut raw)
        };
        checked(status, &reply)?;
        if let Some(run) = raw.take_with(|| self.clone()) {
            return Ok(SourceHandle::Run(run));
        }
        let interval = Duration::from_nanos(Reader::new(reply.bytes()).u64()?);
        let object = Object { state, free: table.source_free, table, keep: self.clone() };
        Ok(SourceHandle::Poll { interval, asks: AskHandle { object } })
    }

    /// Tell it that it is no longer used.
    pub fn stop(&self) {
        // SAFETY: as in `make`.
        unsafe { (self.0.table.stop)(self.0.state) }
    }
}

/// The rest of something that pends in the library.
pub type Rest = ForeignFuture<InstanceHandle>;

/// An entry that runs firings.
type GraphTurn = unsafe extern "C" fn(*mut c_void, &Turn<'_>, &mut Buffer, &mut RawFuture) -> u32;

/// A part of a graph. Its reply's room is used again.
pub struct GraphHandle {
    object: Object<InstanceHandle>,
    reply: Buffer,
}

impl GraphHandle {
    /// Run firings: the report, and the rest of the firing that pends.
    ///
    /// # Errors
    /// What kept it from running at all.
    pub fn turn(&mut self, turn: &Turn<'_>) -> Result<(&[u8], Option<Rest>), Fault> {
        self.run(self.object.table.graph_turn, turn)
    }

    /// Whether a turn can say which firings its outputs come from: older libraries know nothing of it.
    pub fn tells_origins(&self) -> bool {
        self.object.table.origins.is_some()
    }

    /// The same as [`GraphHandle::turn`], with a report that says which firings the outputs come from.
    ///
    /// # Errors
    /// What kept it from running at all.
    pub fn turn_with_origins(&mut self, turn: &Turn<'_>) -> Result<(&[u8], Option<Rest>), Fault> {
        let table = self.object.table.origins;
        let table = table.ok_or_else(|| {
            Fault::error("the library cannot say where outputs come from; rebuild the package with this sdk")
        })?;
        self.run(table.graph_turn_with_origins, turn)
    }

    fn run(&mut self, entry: GraphTurn, turn: &Turn<'_>) -> Result<(&[u8], Option<Rest>), Fault> {
        let mut raw = RawFuture::default();
        // SAFETY: `graph_new` of this table handed the state out, `entry` is of the same table, and `&mut self`
        // is one place at a time.
        let status = unsafe { entry(self.object.state, turn, &mut self.reply, &mut raw) };
        checked(status, &self.reply)?;
        Ok((self.reply.bytes(), raw.take_with(|| self.object.keep.clone())))
    }
}

/// A source in motion.
pub enum SourceHandle {
    /// Runs to its end.
    Run(Rest),
    /// Is asked each interval.
    Poll {
        /// Time between two asks.
        interval: Duration,
        /// What is asked.
        asks: AskHandle,
    },
}

/// A source that is asked.
pub struct AskHandle {
    object: Object<InstanceHandle>,
}

impl AskHandle {
    /// Ask once. The future ends in one byte: whether there was something new.
    ///
    /// # Errors
    /// What the library said.
    pub fn ask(&mut self) -> Result<Rest, Fault> {
        let (mut reply, mut raw) = (Buffer::default(), RawFuture::default());
        // SAFETY: `source_new` of this table handed the state out, and `&mut self` is one place at a time.
        let status = unsafe { (self.object.table.source_ask)(self.object.state, &mut reply, &mut raw) };
        checked(status, &reply)?;
        raw.take_with(|| self.object.keep.clone()).ok_or_else(|| Fault::error("the source made no future"))
    }
}

#[cfg(test)]
mod tests;
