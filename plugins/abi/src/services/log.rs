//! Log lines of code in a library, on their way to whoever listens in the engine's process.

use crate::fault::{contained, drop_with_care};
use crate::slice::Slice;
use std::ffi::c_void;
use std::sync::Arc;

/// How grave a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum LogLevel {
    /// Something failed.
    Error = 0,
    /// Something may fail.
    Warn = 1,
    /// Something happened.
    Info = 2,
    /// Something that helps to find a mistake.
    Debug = 3,
    /// Everything.
    Trace = 4,
}

impl LogLevel {
    const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    fn from_raw(raw: u32) -> Option<Self> {
        Self::ALL.get(raw as usize).copied()
    }
}

/// One log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// The package whose code said it, and its version: known on the engine's side, empty on the library's.
    pub package: &'a str,
    /// See `package`.
    pub version: &'a str,
    /// How grave it is.
    pub level: LogLevel,
    /// The part of the program that said it.
    pub target: &'a str,
    /// What it said.
    pub message: &'a str,
    /// Its fields as text, `name=value` with a space between.
    pub fields: &'a str,
}

/// Where log lines go.
pub trait LogSink: Send + Sync {
    /// Whether anybody takes lines of that level.
    fn listens(&self, level: LogLevel) -> bool;
    /// Take a line.
    fn log(&self, line: &LogLine<'_>);
}

/// A line as it crosses.
#[repr(C)]
struct LogCall<'a> {
    level: u32,
    target: Slice<'a>,
    message: Slice<'a>,
    fields: Slice<'a>,
}

/// Where log lines go, on the library's side.
#[repr(C)]
pub struct RemoteLog {
    context: *mut c_void,
    listens: unsafe extern "C" fn(*const c_void, u32) -> u32,
    log: unsafe extern "C" fn(*const c_void, &LogCall<'_>),
    free: unsafe extern "C" fn(*mut c_void),
}

// SAFETY: it stands for an `Arc<dyn LogSink>`, which is `Send` and `Sync`.
unsafe impl Send for RemoteLog {}
// SAFETY: as above.
unsafe impl Sync for RemoteLog {}

type Context = Arc<dyn LogSink>;

impl From<Context> for RemoteLog {
    fn from(sink: Context) -> Self {
        Self { context: Box::into_raw(Box::new(sink)).cast(), listens, log, free }
    }
}

impl Drop for RemoteLog {
    fn drop(&mut self) {
        // SAFETY: the host set `free` for `context`; it is given up here, once.
        unsafe { (self.free)(self.context) }
    }
}

impl LogSink for RemoteLog {
    fn listens(&self, level: LogLevel) -> bool {
        // SAFETY: the host set `listens` for `context`, which this still owns.
        unsafe { (self.listens)(self.context, level as u32) != 0 }
    }

    fn log(&self, line: &LogLine<'_>) {
        let text = |text| Slice::from(str::as_bytes(text));
        let (target, message, fields) = (text(line.target), text(line.message), text(line.fields));
        let call = LogCall { level: line.level as u32, target, message, fields };
        // SAFETY: as in `listens`.
        unsafe { (self.log)(self.context, &call) }
    }
}

unsafe extern "C" fn free(context: *mut c_void) {
    // SAFETY: `RemoteLog::from` made `context` from this box, and its owner gives it up.
    drop_with_care(unsafe { Box::from_raw(context.cast::<Context>()) });
}

unsafe extern "C" fn listens(context: *const c_void, level: u32) -> u32 {
    // SAFETY: `RemoteLog::from` made `context` from this box, and it is not yet freed.
    let sink = unsafe { &*context.cast::<Context>() };
    let listened = contained(|| Ok(LogLevel::from_raw(level).is_some_and(|level| sink.listens(level))));
    u32::from(listened.unwrap_or(false))
}

unsafe extern "C" fn log(context: *const c_void, call: &LogCall<'_>) {
    // SAFETY: as in `listens`.
    let sink = unsafe { &*context.cast::<Context>() };
    let _ = contained(|| {
        let Some(level) = LogLevel::from_raw(call.level) else { return Ok(()) };
        let text = |slice: &Slice<'_>| String::from_utf8_lossy(slice.get()).into_owned();
        let (target, message, fields) = (text(&call.target), text(&call.message), text(&call.fields));
        let (package, version) = ("", "");
        sink.log(&LogLine { package, version, level, target: &target, message: &message, fields: &fields });
        Ok(())
    });
}
