//! Why a bench failed.

use std::path::PathBuf;

use crate::tally::Outcome;

/// A failed bench: nothing it printed counts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("{workload}: {variant} computed {got:?} where the plain function computed {expected:?}")]
    Wrong { workload: &'static str, variant: &'static str, got: Outcome, expected: Outcome },
    #[error("flights: {variant} summed the file up differently from the plain loop")]
    WrongSummary { variant: &'static str },
    #[error("wide: {n_wrong} of {n_reactors} reactors saw other events than they were sent")]
    WrongReactors { n_wrong: usize, n_reactors: usize },
    #[error("an unload that a subscriber holds was not refused as it should be: {said}")]
    NotRefused { said: String },
    #[error("{variant} came to {sum} instead of {expected}")]
    WrongSum { variant: &'static str, sum: u64, expected: u64 },
    #[error("{variant} stopped before it had seen every event")]
    Stopped { variant: &'static str },
    #[error("{variant} has not finished every event in {limit:?}; left: {left}")]
    Lost { variant: &'static str, limit: std::time::Duration, left: String },
    #[error("{variant} could not start")]
    Start {
        variant: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("row {row} of the flights is not a departure")]
    Row { row: u64 },
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("durable: {variant} has {found} events on the disk where {expected} were synced")]
    WrongRecords { variant: &'static str, found: u64, expected: u64 },
    #[error("durable: cannot write to {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the child process that was to measure {what} failed")]
    Probe { what: String },
    #[error("no such subject to measure: {subject}")]
    Subject { subject: String },
}
