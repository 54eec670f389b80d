//! The C interface between an engine and the native library of a package.
//!
//! A library exports one static, [`SYMBOL`]: a [`PackageTable`], which begins with a [`Header`] that can be
//! judged before anything behind it is trusted. No Rust type crosses: only `repr(C)` values, borrowed
//! [`Slice`]s, [`Buffer`]s that their maker frees, and futures and wakers as pointers with functions.
//!
//! ```text
//!   engine (host)                                      library
//!   PackageHandle ── declare, init ──────────────────▶ trait Library
//!   GraphHandle ──── turn: slices in, buffer out ────▶ trait LibraryGraph
//!   AccumulatorHandle ── call: slices in, buffer out ▶ trait LibraryAccumulator
//!                     ── export, import: its state ──▶
//!   ForeignFuture ── poll, with a waker ─────────────▶ any future
//!   HostServices ◀── sleep, offload, log ───────────── RemoteServices
//! ```
//!
//! Marshalling is the only unsafe code, and it is all here: libraries implement safe traits, hosts call safe
//! handles. Every entry catches panics on the library's side.

#![allow(unsafe_code, reason = "this crate is where foreign code is called")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

pub mod declaration;

pub mod buffer;
pub mod fault;
pub mod frames;
pub mod slice;

pub mod future;
pub mod waker;

pub mod call;
pub mod entry;
pub mod handle;
pub mod library;
pub mod report;
pub mod services;
pub mod table;

pub use buffer::Buffer;
pub use call::{AccumulatorCall, ColumnInput, Operation, SourceCall, StateCall, Turn};
pub use fault::{Fault, FaultKind, contained};
pub use frames::{FrameError, Reader, Writer};
pub use future::{ForeignFuture, LibraryFuture, RawFuture};
pub use handle::{AccumulatorHandle, GraphHandle, InstanceHandle, PackageHandle, SourceHandle, TableError};
pub use library::{Library, LibraryAccumulator, LibraryGraph, LibrarySource, Runtime, ValueForm};
pub use report::{FateReport, GraphEnd, StateReport, Taken};
pub use services::{EventPush, HostServices, LogLevel, LogLine, LogSink, Offloaded, Pushed, RemotePush};
pub use slice::{List, Slice};
pub use table::{ABI, BUILT_WITH, HEADER_SIZE, Header, MAGIC, PackageTable, SYMBOL, table};
