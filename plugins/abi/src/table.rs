//! The static that a library exports: a header to be judged first, and functions behind it.

use crate::buffer::Buffer;
use crate::call::{AccumulatorCall, SourceCall, StateCall, Turn};
use crate::entry;
use crate::future::RawFuture;
use crate::library::Library;
use crate::services::{HostTable, RemoteLog, RemotePush};
use crate::slice::Slice;
use std::ffi::c_void;

/// Name of the exported static.
pub const SYMBOL: &str = "acequia_package_v1";

/// What the header begins with.
pub const MAGIC: [u8; 8] = *b"ACEQUIA\x1a";

/// Number of this interface. It changes when anything behind the header, or the meaning of what crosses,
/// changes in a way that an older side would misread.
pub const ABI: u32 = 1;

/// Size of the header, in every version.
pub const HEADER_SIZE: usize = 128;

/// What built this side, for messages.
pub const BUILT_WITH: &str = concat!("acequia-sdk ", env!("CARGO_PKG_VERSION"), ", ", env!("ACEQUIA_RUSTC"));

const BUILT_WITH_ROOM: usize = HEADER_SIZE - 24;

/// The part of the table that never changes its layout. It holds no pointers, so that it can also be read
/// from the file, before the library is mapped.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// Size of the table that follows, this header included.
    pub size: u32,
    /// [`ABI`].
    pub abi: u32,
    /// 1 if the library unwinds when it panics, as it must.
    pub unwinds: u32,
    /// Zero.
    pub reserved: u32,
    /// What built it, as text that ends at the first zero.
    pub built_with: [u8; BUILT_WITH_ROOM],
}

const _: () = assert!(size_of::<Header>() == HEADER_SIZE);

impl Header {
    /// The header of tables that this side makes.
    pub const fn own() -> Self {
        let (text, mut built_with, mut at) = (BUILT_WITH.as_bytes(), [0; BUILT_WITH_ROOM], 0);
        while at < text.len() && at < BUILT_WITH_ROOM {
            built_with[at] = text[at];
            at += 1;
        }
        Self {
            magic: MAGIC,
            size: size_of::<PackageTable>() as u32,
            abi: ABI,
            unwinds: cfg!(panic = "unwind") as u32,
            reserved: 0,
            built_with,
        }
    }

    /// Read it from the bytes that the symbol names in a file.
    pub fn read(bytes: &[u8; HEADER_SIZE]) -> Self {
        let number = |at: usize| {
            let mut number = [0; 4];
            number.copy_from_slice(&bytes[at..at + 4]);
            u32::from_ne_bytes(number)
        };
        let (mut magic, mut built_with) = ([0; 8], [0; BUILT_WITH_ROOM]);
        magic.copy_from_slice(&bytes[..8]);
        built_with.copy_from_slice(&bytes[24..]);
        Self {
            magic,
            size: number(8),
            abi: number(12),
            unwinds: number(16),
            reserved: number(20),
            built_with,
        }
    }

    /// What built it.
    pub fn built_with(&self) -> String {
        let end = self.built_with.iter().position(|byte| *byte == 0).unwrap_or(BUILT_WITH_ROOM);
        String::from_utf8_lossy(&self.built_with[..end]).into_owned()
    }
}

pub(crate) type New = unsafe extern "C" fn(*const c_void, u64, &mut *mut c_void, &mut Buffer) -> u32;
pub(crate) type Free = unsafe extern "C" fn(*mut c_void);

/// A package's functions. Each takes objects that it made itself, catches its panics, and says 0, or 1 with
/// a [`Fault`](crate::Fault) as the reply.
#[repr(C)]
pub struct PackageTable {
    pub(crate) first: FirstTable,
    pub(crate) keeping: KeepingTable,
    pub(crate) logging: LoggingTable,
    pub(crate) running: RunningTable,
    pub(crate) origins: OriginsTable,
}

/// What tables of this ABI had from the first: every library has these.
#[repr(C)]
pub(crate) struct FirstTable {
    pub(crate) header: Header,
    pub(crate) declare: unsafe extern "C" fn(&mut Buffer) -> u32,
    pub(crate) init: unsafe extern "C" fn(HostTable, &mut *mut c_void, &mut Buffer) -> u32,
    pub(crate) stop: unsafe extern "C" fn(*const c_void),
    pub(crate) free: Free,
    pub(crate) graph_new: New,
    pub(crate) graph_turn: unsafe extern "C" fn(*mut c_void, &Turn<'_>, &mut Buffer, &mut RawFuture) -> u32,
    pub(crate) graph_free: Free,
    pub(crate) accumulator_new: New,
    pub(crate) accumulator_call:
        unsafe extern "C" fn(*mut c_void, &AccumulatorCall<'_>, &mut Buffer, &mut RawFuture) -> u32,
    pub(crate) accumulator_free: Free,
    pub(crate) source_new: unsafe extern "C" fn(
        *const c_void,
        u64,
        RemotePush,
        SourceCall,
        &mut *mut c_void,
        &mut Buffer,
        &mut RawFuture,
    ) -> u32,
    pub(crate) source_ask: unsafe extern "C" fn(*mut c_void, &mut Buffer, &mut RawFuture) -> u32,
    pub(crate) source_free: Free,
    pub(crate) value: unsafe extern "C" fn(u64, u32, Slice<'_>, &mut Buffer) -> u32,
}

/// What came later, for accumulators: the state that they keep, and the settings with which they are made. A
/// library that was built before ends its table in front of it.
#[repr(C)]
pub(crate) struct KeepingTable {
    pub(crate) accumulator_tuned:
        unsafe extern "C" fn(*const c_void, u64, Slice<'_>, &mut *mut c_void, &mut Buffer) -> u32,
    pub(crate) accumulator_export: unsafe extern "C" fn(*const c_void, i64, &mut Buffer) -> u32,
    pub(crate) accumulator_import: unsafe extern "C" fn(*mut c_void, &StateCall<'_>, &mut Buffer) -> u32,
}

/// What came after that: log lines.
#[repr(C)]
pub(crate) struct LoggingTable {
    pub(crate) init_logged: unsafe extern "C" fn(HostTable, RemoteLog, &mut *mut c_void, &mut Buffer) -> u32,
}

/// What came after that: where futures run.
#[repr(C)]
pub(crate) struct RunningTable {
    pub(crate) init_running:
        unsafe extern "C" fn(HostTable, RemoteLog, u32, &mut *mut c_void, &mut Buffer) -> u32,
}

/// What came after that: turns of graphs that say which firings their outputs come from.
#[repr(C)]
pub(crate) struct OriginsTable {
    pub(crate) graph_turn_with_origins:
        unsafe extern "C" fn(*mut c_void, &Turn<'_>, &mut Buffer, &mut RawFuture) -> u32,
}

impl PackageTable {
    /// Size of the shortest table of this ABI.
    pub const LEAST: u32 = size_of::<FirstTable>() as u32;

    /// The same table as a library has it that was built before tables grew: for tests of that.
    #[doc(hidden)]
    #[must_use]
    pub const fn as_at_first(mut self) -> Self {
        self.first.header.size = Self::LEAST;
        self
    }
}

/// The table of `L`.
pub const fn table<L: Library>() -> PackageTable {
    let first = FirstTable {
        header: Header::own(),
        declare: entry::declare::<L>,
        init: entry::init::<L>,
        stop: entry::stop::<L>,
        free: entry::free::<L>,
        graph_new: entry::graph_new::<L>,
        graph_turn: entry::graph_turn,
        graph_free: entry::graph_free,
        accumulator_new: entry::accumulator_new::<L>,
        accumulator_call: entry::accumulator_call,
        accumulator_free: entry::accumulator_free,
        source_new: entry::source_new::<L>,
        source_ask: entry::source_ask,
        source_free: entry::source_free,
        value: entry::value::<L>,
    };
    let keeping = KeepingTable {
        accumulator_tuned: entry::accumulator_tuned::<L>,
        accumulator_export: entry::accumulator_export,
        accumulator_import: entry::accumulator_import,
    };
    let logging = LoggingTable { init_logged: entry::init_logged::<L> };
    let running = RunningTable { init_running: entry::init_running::<L> };
    let origins = OriginsTable { graph_turn_with_origins: entry::graph_turn_with_origins };
    PackageTable { first, keeping, logging, running, origins }
}

/// Export `$library`, a type that implements [`Library`], as the package of this native library.
#[macro_export]
macro_rules! export {
    ($library:ty) => {
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        #[allow(non_upper_case_globals)]
        pub static acequia_package_v1: $crate::PackageTable = $crate::table::<$library>();
    };
}
