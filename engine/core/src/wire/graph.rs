//! A graph over bytes, as it crosses to its host.

use super::Values;
use crate::fault::Failure;
use crate::id::FiringId;
use std::future::Future;
use std::pin::Pin;

/// The values of one input that the firings of a turn may look at.
#[derive(Debug, Clone, Copy)]
pub struct InputWindow<'a> {
    /// Stays the same for as long as a sequence number means one value.
    pub epoch: u64,
    /// Sequence number of the first value.
    pub first: u64,
    /// The values, encoded.
    pub values: &'a [&'a [u8]],
}

/// A turn of a graph whose inputs and outputs are bytes.
pub struct GraphTurn {
    /// The firing in hand at the end: those before it completed.
    pub at: usize,
    /// How it ended.
    pub end: GraphEnd,
}

/// How a turn over bytes ended.
pub enum GraphEnd {
    /// Every firing completed.
    Done,
    /// The firing in hand failed.
    Failed {
        /// How.
        failure: Failure,
        /// Outputs of the branches that completed, by terminal; empty if there are none.
        rest: Vec<Values>,
    },
    /// The firing in hand awaits something.
    Pending(PendingGraph),
}

/// The rest of a firing: its outputs by terminal, and how it failed, if it did.
pub type PendingGraph = Pin<Box<dyn Future<Output = (Vec<Values>, Option<Failure>)> + Send>>;

/// A graph's part over bytes. No panic leaves it.
pub trait AnyGraph: Send {
    /// Run the firings from number `from` on, in order, until all are done or one fails or pends. `rows`
    /// holds one index a firing and input into the input's window ([`crate::graph::ABSENT`] where there
    /// is no value), and one index a firing if there is no input; the first firing has the number
    /// `first`. Outputs of completed firings go to `out`, one per terminal; where `wanted` says no, nobody
    /// takes them.
    fn turn(
        &mut self,
        inputs: &[InputWindow<'_>],
        rows: &[u32],
        first: FiringId,
        from: usize,
        wanted: &[bool],
        out: &mut [Values],
    ) -> GraphTurn;
}
