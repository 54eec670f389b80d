//! The entries of a library: each finds its object again, contains what it calls, and writes the reply.

use crate::buffer::Buffer;
use crate::call::{AccumulatorCall, SourceCall, StateCall, Turn};
use crate::fault::{Fault, contained, drop_with_care};
use crate::frames::Writer;
use crate::future::{LibraryFuture, RawFuture};
use crate::library::{Library, LibraryAccumulator, LibraryGraph, LibrarySource, Runtime, ValueForm};
use crate::services::{HostTable, RemoteLog, RemotePush, RemoteServices};
use crate::slice::Slice;
use std::ffi::c_void;
use std::sync::Arc;

pub(crate) const OK: u32 = 0;
pub(crate) const FAULT: u32 = 1;

/// Trait objects are two words; the box around them is the one that crosses.
type Graph = Box<dyn LibraryGraph>;
type Accumulator = Box<dyn LibraryAccumulator>;
type Ask = Box<dyn FnMut() -> LibraryFuture + Send>;

/// Run an entry; a fault becomes the reply.
fn entry(reply: &mut Buffer, code: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>) -> u32 {
    let ended = reply.write(|bytes| {
        contained(|| code(bytes)).inspect_err(|fault| {
            bytes.clear();
            fault.write(&mut Writer::new(bytes));
        })
    });
    if ended.is_ok() { OK } else { FAULT }
}

/// Hand `object` out as a pointer.
fn hand_out<T>(out: &mut *mut c_void, object: T) {
    *out = Box::into_raw(Box::new(object)).cast();
}

pub(crate) unsafe extern "C" fn declare<L: Library>(reply: &mut Buffer) -> u32 {
    entry(reply, |bytes| {
        bytes.extend_from_slice(&L::declare()?);
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn init<L: Library>(
    host: HostTable,
    out: &mut *mut c_void,
    reply: &mut Buffer,
) -> u32 {
    entry(reply, |_| {
        hand_out(out, L::init(Arc::new(RemoteServices { table: host, log: None }))?);
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn init_logged<L: Library>(
    host: HostTable,
    log: RemoteLog,
    out: &mut *mut c_void,
    reply: &mut Buffer,
) -> u32 {
    entry(reply, |_| {
        hand_out(out, L::init(Arc::new(RemoteServices { table: host, log: Some(log) }))?);
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn init_running<L: Library>(
    host: HostTable,
    log: RemoteLog,
    runtime: u32,
    out: &mut *mut c_void,
    reply: &mut Buffer,
) -> u32 {
    entry(reply, |_| {
        let unknown = || Fault::error(format_args!("runtime {runtime} is unknown to the package's sdk"));
        let runtime = Runtime::from_raw(runtime).ok_or_else(unknown)?;
        hand_out(out, L::init_on(Arc::new(RemoteServices { table: host, log: Some(log) }), runtime)?);
        Ok(())
    })
}

/// # Safety
/// `instance` was handed out by `init` of the same `L`, and is not yet freed.
unsafe fn library<'a, L: Library>(instance: *const c_void) -> &'a L {
    // SAFETY: as the caller promises.
    unsafe { &*instance.cast::<L>() }
}

pub(crate) unsafe extern "C" fn stop<L: Library>(instance: *const c_void) {
    // SAFETY: the host passes what `init` handed out, and frees it last.
    let library = unsafe { library::<L>(instance) };
    let _ = contained(|| Ok(library.stop()));
}

pub(crate) unsafe extern "C" fn free<L: Library>(instance: *mut c_void) {
    // SAFETY: the host gives up what `init` handed out, once.
    drop_with_care(unsafe { Box::from_raw(instance.cast::<L>()) });
}

pub(crate) unsafe extern "C" fn graph_new<L: Library>(
    instance: *const c_void,
    index: u64,
    out: &mut *mut c_void,
    reply: &mut Buffer,
) -> u32 {
    // SAFETY: the host passes what `init` handed out, and frees it last.
    let library = unsafe { library::<L>(instance) };
    entry(reply, |_| {
        hand_out::<Graph>(out, library.graph(index as usize)?);
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn graph_turn(
    graph: *mut c_void,
    turn: &Turn<'_>,
    reply: &mut Buffer,
    future: &mut RawFuture,
) -> u32 {
    // SAFETY: `graph_new` handed it out, and the host calls it from one place at a time.
    let graph = unsafe { &mut *graph.cast::<Graph>() };
    entry(reply, |bytes| {
        if let Some(rest) = graph.turn(turn, bytes)? {
            *future = RawFuture::from(rest);
        }
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn graph_turn_with_origins(
    graph: *mut c_void,
    turn: &Turn<'_>,
    reply: &mut Buffer,
    future: &mut RawFuture,
) -> u32 {
    // SAFETY: as in `graph_turn`.
    let graph = unsafe { &mut *graph.cast::<Graph>() };
    entry(reply, |bytes| {
        if let Some(rest) = graph.turn_with_origins(turn, bytes)? {
            *future = RawFuture::from(rest);
        }
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn graph_free(graph: *mut c_void) {
    // SAFETY: the host gives up what `graph_new` handed out, once.
    drop_with_care(unsafe { Box::from_raw(graph.cast::<Graph>()) });
}

pub(crate) unsafe extern "C" fn accumulator_new<L: Library>(
    instance: *const c_void,
    index: u64,
    out: &mut *mut c_void,
    reply: &mut Buffer,
) -> u32 {
    // SAFETY: the host passes what `init` handed out, and frees it last.
    let library = unsafe { library::<L>(instance) };
    entry(reply, |_| {
        hand_out::<Accumulator>(out, library.accumulator(index as usize, None)?);
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn accumulator_tuned<L: Library>(
    instance: *const c_void,
    index: u64,
    tuning: Slice<'_>,
    out: &mut *mut c_void,
    reply: &mut Buffer,
) -> u32 {
    // SAFETY: the host passes what `init` handed out, and frees it last.
    let library = unsafe { library::<L>(instance) };
    entry(reply, |_| {
        hand_out::<Accumulator>(out, library.accumulator(index as usize, Some(tuning.get()))?);
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn accumulator_export(
    accumulator: *const c_void,
    now: i64,
    reply: &mut Buffer,
) -> u32 {
    // SAFETY: `accumulator_new` or `accumulator_tuned` handed it out, and the host calls it from one place at
    // a time.
    let accumulator = unsafe { &*accumulator.cast::<Accumulator>() };
    entry(reply, |bytes| accumulator.export(now, bytes))
}

pub(crate) unsafe extern "C" fn accumulator_import(
    accumulator: *mut c_void,
    call: &StateCall<'_>,
    reply: &mut Buffer,
) -> u32 {
    // SAFETY: as in `accumulator_export`.
    let accumulator = unsafe { &mut *accumulator.cast::<Accumulator>() };
    entry(reply, |bytes| accumulator.import(call, bytes))
}

pub(crate) unsafe extern "C" fn accumulator_call(
    accumulator: *mut c_void,
    call: &AccumulatorCall<'_>,
    reply: &mut Buffer,
    future: &mut RawFuture,
) -> u32 {
    // SAFETY: as in `accumulator_export`.
    let accumulator = unsafe { &mut *accumulator.cast::<Accumulator>() };
    entry(reply, |bytes| {
        if let Some(rest) = accumulator.call(call, bytes)? {
            *future = RawFuture::from(rest);
        }
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn accumulator_free(accumulator: *mut c_void) {
    // SAFETY: the host gives up what `accumulator_new` or `accumulator_tuned` handed out, once.
    drop_with_care(unsafe { Box::from_raw(accumulator.cast::<Accumulator>()) });
}

pub(crate) unsafe extern "C" fn source_new<L: Library>(
    instance: *const c_void,
    index: u64,
    push: RemotePush,
    begin: SourceCall,
    out: &mut *mut c_void,
    reply: &mut Buffer,
    future: &mut RawFuture,
) -> u32 {
    // SAFETY: the host passes what `init` handed out, and frees it last.
    let library = unsafe { library::<L>(instance) };
    entry(reply, |bytes| {
        match library.source(index as usize, push, begin.resume_after())? {
            LibrarySource::Run(run) => *future = RawFuture::from(run),
            LibrarySource::Poll { interval, ask } => {
                Writer::new(bytes).u64(interval);
                hand_out::<Ask>(out, ask);
            }
        }
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn source_ask(
    source: *mut c_void,
    reply: &mut Buffer,
    future: &mut RawFuture,
) -> u32 {
    // SAFETY: `source_new` handed it out, and the host calls it from one place at a time.
    let ask = unsafe { &mut *source.cast::<Ask>() };
    entry(reply, |_| {
        *future = RawFuture::from(ask());
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn source_free(source: *mut c_void) {
    // SAFETY: the host gives up what `source_new` handed out, once.
    drop_with_care(unsafe { Box::from_raw(source.cast::<Ask>()) });
}

pub(crate) unsafe extern "C" fn value<L: Library>(
    index: u64,
    form: u32,
    bytes: Slice<'_>,
    reply: &mut Buffer,
) -> u32 {
    entry(reply, |room| match ValueForm::from_raw(form) {
        Some(form) => L::value(index as usize, form, bytes.get(), room),
        None => Err(Fault::error(format_args!("form {form} of a value is unknown to the package's sdk"))),
    })
}
