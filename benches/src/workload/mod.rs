//! The workloads: what is compared with what, and under which bar.

mod chain4;
mod deploy;
mod durable;
mod fan8;
pub(crate) mod flights;
mod join;
pub(crate) mod latency;
pub(crate) mod library;
mod lin;
pub(crate) mod memory;
pub(crate) mod saturated;
pub(crate) mod wide;

use std::path::PathBuf;

use clap::ValueEnum;

use crate::error::BenchError;
use crate::harness::Plan;
use crate::report::Row;
use saturated::Saturated;

/// What can be asked for on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// One accumulator, `when_any`, three nodes in line.
    Lin,
    /// Two accumulators, `when_all`, the same graph.
    Join,
    /// One accumulator, one reactor, eight graphs.
    Fan8,
    /// Four reactors in a row.
    Chain4,
    /// Three million real departures, from the file.
    Flights,
    /// Up to 10,000 reactors, evenly and by a Zipf law.
    Wide,
    /// `lin`, one event at a time.
    Latency,
    /// The graph of `lin` in a native library.
    Library,
    /// Refused unloads, parts that panic, and versions that runs hold.
    Deploy,
    /// Resident memory after many events.
    Memory,
    /// Synced appends, and recovery.
    Durable,
}

/// How much to measure, and with what.
#[derive(Debug)]
pub(crate) struct Scale {
    pub(crate) quick: bool,
    /// The departures; `None` uses the repository's own.
    pub(crate) flights: Option<PathBuf>,
    /// The counting program, if there is one.
    pub(crate) counted: Option<PathBuf>,
    /// Where `durable` writes; `None` is beside the program.
    pub(crate) folder: Option<PathBuf>,
}

impl Scale {
    pub(crate) fn plan(&self) -> Plan {
        if self.quick {
            Plan { n_events: 100_000, repeats: 3 }
        } else {
            Plan { n_events: 400_000, repeats: 7 }
        }
    }
}

/// Runs one workload.
pub(crate) fn run(workload: Workload, scale: &Scale) -> Result<Vec<Row>, BenchError> {
    match workload {
        Workload::Lin => saturated::rows(&lin::LIN, scale),
        Workload::Join => saturated::rows(&join::JOIN, scale),
        Workload::Fan8 => saturated::rows(&fan8::FAN8, scale),
        Workload::Chain4 => saturated::rows(&chain4::CHAIN4, scale),
        Workload::Flights => flights::rows(scale),
        Workload::Wide => wide::rows(scale),
        Workload::Latency => latency::rows(scale),
        Workload::Library => library::rows(scale),
        Workload::Deploy => deploy::rows(scale),
        Workload::Memory => memory::rows(scale),
        Workload::Durable => durable::rows(scale),
    }
}

/// The saturated workloads, which child processes look up by name.
pub(crate) const SATURATED: [&Saturated; 4] = [&lin::LIN, &join::JOIN, &fan8::FAN8, &chain4::CHAIN4];
