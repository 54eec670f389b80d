//! Firings on their way: rows over columns of their own.

use crate::column::AnyColumn;
use crate::graph::{ABSENT, View};
use crate::id::FiringId;

/// Firings on their way.
pub struct Batch {
    /// One column an input of the graph.
    pub columns: Vec<Box<dyn AnyColumn>>,
    /// One row a firing.
    pub rows: Vec<u32>,
    /// Number of each firing.
    pub ids: Vec<u64>,
    /// What they send to durable accumulators is on disk, from an earlier life.
    pub is_sent: bool,
}

impl Batch {
    pub(in crate::cell) fn new(columns: Vec<Box<dyn AnyColumn>>) -> Self {
        Self { columns, rows: Vec::new(), ids: Vec::new(), is_sent: false }
    }

    pub(super) fn fresh(&self) -> Self {
        Self {
            columns: self.columns.iter().map(|column| column.fresh()).collect(),
            rows: Vec::new(),
            ids: Vec::new(),
            is_sent: false,
        }
    }

    /// One firing from its inputs, as a dead letter or a retry keeps them.
    pub fn single(firing: FiringId, inputs: &[Box<dyn AnyColumn>]) -> Self {
        let columns = inputs.iter().map(|column| column.fresh()).collect();
        let mut batch = Self { columns, rows: Vec::new(), ids: Vec::new(), is_sent: false };
        batch.push_columns(firing.0, inputs);
        batch
    }

    /// How many firings it holds.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Append a copy of firing `firing` of `view`; values equal by position to the last firing's are
    /// shared. `last` remembers positions between calls over one view.
    pub(super) fn push(&mut self, id: u64, view: &View<'_>, firing: usize, last: &mut [(u32, u32)]) {
        for (input, column) in self.columns.iter_mut().enumerate() {
            let Some(index) = view.index(firing, input) else {
                self.rows.push(ABSENT);
                continue;
            };
            let position = u32::try_from(index).unwrap_or(ABSENT);
            if last[input].0 != position {
                column.push_from(view.column(input), index);
                last[input] = (position, u32::try_from(column.len() - 1).unwrap_or(ABSENT));
            }
            self.rows.push(last[input].1);
        }
        self.end_row(id);
    }

    /// Append a copy of firing `firing` of `view`.
    pub(in crate::cell) fn copy(&mut self, id: u64, view: &View<'_>, firing: usize) {
        let mut last = vec![(ABSENT, ABSENT); self.columns.len()];
        self.push(id, view, firing, &mut last);
    }

    /// Drop the firings before `next`.
    pub(in crate::cell) fn forget_before(&mut self, next: u64) {
        let n = self.ids.partition_point(|id| *id < next);
        self.ids.drain(..n);
        self.rows.drain(..n * self.columns.len());
        self.compact();
    }

    /// Drop the firings behind the first `n`.
    pub(super) fn keep_first(&mut self, n: usize) {
        self.ids.truncate(n);
        self.rows.truncate(n * self.columns.len().max(1));
    }

    /// A view over no columns counts its firings by their rows: there, a row is one index long.
    fn end_row(&mut self, id: u64) {
        if self.columns.is_empty() {
            self.rows.push(ABSENT);
        }
        self.ids.push(id);
    }

    /// Drop values at the front of a column that no row uses any more, once they are many.
    pub(super) fn compact(&mut self) {
        let stride = self.columns.len();
        for (input, column) in self.columns.iter_mut().enumerate() {
            if column.len() < 2 * self.ids.len() + 64 {
                continue;
            }
            let used = self.rows.iter().skip(input).step_by(stride).filter(|index| **index != ABSENT);
            let spent = used.clone().min().copied().unwrap_or(0);
            column.drop_front(spent as usize);
            for index in self.rows.iter_mut().skip(input).step_by(stride).filter(|index| **index != ABSENT) {
                *index -= spent;
            }
        }
    }

    /// Append a firing from single-value columns, as a dead letter keeps them.
    pub(super) fn push_columns(&mut self, id: u64, columns: &[Box<dyn AnyColumn>]) {
        for (own, from) in self.columns.iter_mut().zip(columns) {
            // One from an earlier life is bytes.
            let fits = own.payload_type().fits(from.payload_type()) && !from.is_empty();
            let copied = own.push_from(&**from, 0) || (fits && own.push_converted(&**from, 0).is_ok());
            self.rows.push(if copied { u32::try_from(own.len() - 1).unwrap_or(ABSENT) } else { ABSENT });
        }
        self.end_row(id);
    }
}
