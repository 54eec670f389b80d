//! What a library implements; safe traits, called through the table.

use crate::call::{AccumulatorCall, StateCall, Turn};
use crate::fault::Fault;
use crate::future::LibraryFuture;
use crate::services::{HostServices, RemotePush};
use std::sync::Arc;

/// A package's code.
pub trait Library: Sized + Send + Sync + 'static {
    /// Its declarations, as the JSON of a [`PackageDeclaration`](crate::declaration::PackageDeclaration).
    ///
    /// # Errors
    /// If a declaration cannot cross.
    fn declare() -> Result<Vec<u8>, Fault>;

    /// Begin to be used.
    ///
    /// # Errors
    /// What the author's hook said.
    fn init(services: Arc<dyn HostServices>) -> Result<Self, Fault>;

    /// Begin to be used, with futures on `runtime`.
    ///
    /// # Errors
    /// What the author's hook said, or that there is no such runtime.
    fn init_on(services: Arc<dyn HostServices>, runtime: Runtime) -> Result<Self, Fault> {
        match runtime {
            Runtime::Engine => Self::init(services),
            Runtime::Own => Err(Fault::error("the library has no runtime of its own")),
        }
    }

    /// Make a part of the graph at `index`.
    ///
    /// # Errors
    /// If there is no such graph.
    fn graph(&self, index: usize) -> Result<Box<dyn LibraryGraph>, Fault>;

    /// Make a part of the accumulator at `index`, with the settings of `tuning`, the JSON of a
    /// [`TuningDeclaration`](crate::declaration::TuningDeclaration), over its own.
    ///
    /// # Errors
    /// If there is no such accumulator, or it cannot have these settings.
    fn accumulator(&self, index: usize, tuning: Option<&[u8]>) -> Result<Box<dyn LibraryAccumulator>, Fault>;

    /// Set the source of the accumulator at `index` in motion; it publishes through `push`.
    ///
    /// # Errors
    /// If there is no such source.
    fn source(
        &self,
        index: usize,
        push: RemotePush,
        resume_after: Option<u64>,
    ) -> Result<LibrarySource, Fault>;

    /// Turn a value of the declared type at `index` into another form; appended to `reply`.
    ///
    /// # Errors
    /// If the bytes are not of that type.
    fn value(index: usize, form: ValueForm, bytes: &[u8], reply: &mut Vec<u8>) -> Result<(), Fault>;

    /// No longer to be used. What is still held goes with its owners.
    fn stop(&self) {}
}

/// A part of a graph.
pub trait LibraryGraph: Send {
    /// Run firings; the report is appended to `reply`. The rest of a firing that pends is handed out.
    ///
    /// # Errors
    /// What kept it from running at all; the failure of a firing belongs in the report.
    fn turn(&mut self, turn: &Turn<'_>, reply: &mut Vec<u8>) -> Result<Option<LibraryFuture>, Fault>;

    /// The same, and the report says which firings the outputs come from.
    ///
    /// # Errors
    /// As of `turn`.
    fn turn_with_origins(
        &mut self,
        turn: &Turn<'_>,
        reply: &mut Vec<u8>,
    ) -> Result<Option<LibraryFuture>, Fault>;
}

/// A part of an accumulator.
pub trait LibraryAccumulator: Send {
    /// Do as asked; the report is appended to `reply`. The rest of an event that pends is handed out.
    ///
    /// # Errors
    /// What kept it from being asked at all; the failure of an event belongs in the report.
    fn call(
        &mut self,
        call: &AccumulatorCall<'_>,
        reply: &mut Vec<u8>,
    ) -> Result<Option<LibraryFuture>, Fault>;

    /// Append the report of the state that it keeps to `reply`.
    ///
    /// # Errors
    /// What kept the state from leaving.
    fn export(&self, now: i64, reply: &mut Vec<u8>) -> Result<(), Fault>;

    /// Go on with a state; the report is appended to `reply`.
    ///
    /// # Errors
    /// What kept it from being asked at all; a state that is not taken belongs in the report.
    fn import(&mut self, call: &StateCall<'_>, reply: &mut Vec<u8>) -> Result<(), Fault>;
}

/// A source in motion.
pub enum LibrarySource {
    /// Runs to its end.
    Run(LibraryFuture),
    /// Is asked each interval. Each ask ends in one byte: whether there was something new.
    Poll {
        /// Nanoseconds between two asks.
        interval: u64,
        /// Makes one ask.
        ask: Box<dyn FnMut() -> LibraryFuture + Send>,
    },
}

/// Where the futures of an instance run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum Runtime {
    /// Wherever the engine polls them.
    #[default]
    Engine = 0,
    /// On a thread that the library starts for them.
    Own = 1,
}

impl Runtime {
    pub(crate) fn from_raw(raw: u32) -> Option<Self> {
        [Self::Engine, Self::Own].get(raw as usize).copied()
    }
}

/// What a value is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ValueForm {
    /// Wire bytes into JSON.
    ToJson = 0,
    /// JSON into wire bytes.
    FromJson = 1,
}

impl ValueForm {
    pub(crate) fn from_raw(raw: u32) -> Option<Self> {
        [Self::ToJson, Self::FromJson].get(raw as usize).copied()
    }
}
