//! Which firing each output comes from, for sinks whose values are written to disk.
//!
//! A part hands over the outputs of a whole turn. Where somebody asks, it is run firing by firing instead,
//! and what has come is looked at after each.

use super::ids::FiringIds;
use super::run::{GraphRun, RunContext, RunEnd};
use crate::graph::{AnyOutput, View};
use crate::id::FiringId;

/// The firings of the outputs that no sink has taken, by terminal.
pub(super) struct Trace {
    firings: Vec<Vec<FiringId>>,
}

impl Trace {
    pub(super) fn new(n_terminals: usize) -> Self {
        Self { firings: vec![Vec::new(); n_terminals] }
    }

    /// What is new in `outputs` comes from `firing`.
    pub(super) fn note(&mut self, firing: FiringId, outputs: &[Box<dyn AnyOutput>]) {
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
    /// As [`GraphRun::run_over`], firing by firing.
    #[cold]
    pub(super) fn run_traced(
        &mut self,
        view: &View<'_>,
        through: &View<'_>,
        ids: FiringIds<'_>,
        from: usize,
        cx: &mut RunContext<'_>,
    ) -> Option<RunEnd> {
        for firing in from..through.len() {
            let end = self.run_at_once(view, &through.prefix(firing + 1), ids, firing, cx);
            self.trace(ids.get(firing));
            if end.is_some() {
                return end;
            }
        }
        None
    }

    /// What is new among the outputs comes from `firing`.
    pub(super) fn trace(&mut self, firing: FiringId) {
        if let Some(trace) = &mut self.trace {
            trace.note(firing, self.outcomes.outputs());
        }
    }
}
