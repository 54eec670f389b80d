//! A graph over bytes, as it crosses to its host.

use super::Values;
use crate::fault::Failure;
use crate::graph::Origins;
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

/// What a turn over bytes puts where, by terminal.
#[derive(Debug, Clone, Default)]
pub struct GraphOutputs {
    /// The outputs of completed firings.
    pub values: Vec<Values>,
    /// Whether somebody takes them.
    pub wanted: Vec<bool>,
    /// Which firings they come from, where somebody asks.
    pub origins: Option<Box<Origins>>,
}

impl GraphOutputs {
    /// Of so many terminals, none of which somebody takes.
    pub fn new(n_terminals: usize) -> Self {
        Self { values: vec![Values::default(); n_terminals], wanted: vec![false; n_terminals], origins: None }
    }

    /// What nobody takes comes from nowhere, whether or not the graph said so.
    pub(super) fn drop_unwanted(&mut self) {
        let Some(origins) = &mut self.origins else { return };
        for (terminal, _) in self.wanted.iter().enumerate().filter(|(_, wanted)| !**wanted) {
            origins.clear_terminal(terminal);
        }
    }

    /// What came of another turn is gone.
    pub fn clear(&mut self) {
        self.values.iter_mut().for_each(Values::clear);
        if let Some(origins) = &mut self.origins {
            origins.clear();
        }
    }
}

/// A graph's part over bytes. No panic leaves it.
pub trait AnyGraph: Send {
    /// Run the firings from number `from` on, in order, until all are done or one fails or pends. `rows`
    /// holds one index a firing and input into the input's window ([`crate::graph::ABSENT`] where there
    /// is no value), and one index a firing if there is no input; the first firing has the number
    /// `first`. Outputs of completed firings go to `out`, and so do positions of the firings that they come
    /// from, counted as `from` is.
    fn turn(
        &mut self,
        inputs: &[InputWindow<'_>],
        rows: &[u32],
        first: FiringId,
        from: usize,
        out: &mut GraphOutputs,
    ) -> GraphTurn;

    /// Whether a turn says which firings its outputs come from.
    fn tells_origins(&self) -> bool {
        false
    }
}
