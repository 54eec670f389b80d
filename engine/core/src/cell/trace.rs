//! Which firing each output comes from, for sinks whose values are written to disk.
//!
//! A part says of a turn's outputs at which positions their firings lie; here positions become firings.

use super::ids::FiringIds;
use super::run::GraphRun;
use crate::graph::{AnyOutput, Origins};
use crate::id::FiringId;

/// The firings of the outputs that no sink has taken, by terminal.
pub(super) struct Trace {
    firings: Vec<Vec<FiringId>>,
}

impl Trace {
    pub(super) fn new(n_terminals: usize) -> Self {
        Self { firings: vec![Vec::new(); n_terminals] }
    }

    /// What is new comes from where `origins` say.
    fn take(&mut self, origins: &mut Origins, ids: FiringIds<'_>) {
        for (terminal, firings) in self.firings.iter_mut().enumerate() {
            firings.extend(origins.of(terminal).iter().map(|position| ids.get(*position as usize)));
        }
        origins.clear();
    }

    /// What is new in `outputs` comes from `firing`.
    fn note(&mut self, firing: FiringId, outputs: &[Box<dyn AnyOutput>]) {
        for (firings, output) in self.firings.iter_mut().zip(outputs) {
            firings.resize(output.len(), firing);
        }
    }

    /// The firings of what is at `terminal`, which is taken now.
    pub(super) fn of(&self, terminal: usize) -> &[FiringId] {
        self.firings.get(terminal).map_or(&[], Vec::as_slice)
    }

    /// Nothing is left there.
    pub(super) fn clear(&mut self) {
        self.firings.iter_mut().for_each(Vec::clear);
    }
}

impl GraphRun {
    /// The part's turn over firings with these ids is over.
    #[inline]
    pub(super) fn trace_turn(&mut self, ids: FiringIds<'_>) {
        if let (Some(trace), Some(origins)) = (&mut self.trace, self.outcomes.origins()) {
            trace.take(origins, ids);
        }
    }

    /// What is new among the outputs comes from `firing`.
    pub(super) fn trace(&mut self, firing: FiringId) {
        if let Some(trace) = &mut self.trace {
            trace.note(firing, self.outcomes.outputs());
        }
    }
}
