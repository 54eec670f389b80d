//! What a graph sees in one turn: borrowed typed columns, and firings as rows of indices.

use crate::column::{AnyColumn, Column};
use crate::id::FiringId;
use crate::payload::Payload;
use std::sync::Arc;

/// Index that says "this source had no boundary yet".
pub const ABSENT: u32 = u32::MAX;

/// Firings over columns: for each firing one index per column, [`ABSENT`] where there is none.
#[derive(Clone, Copy)]
pub struct View<'a> {
    columns: &'a [Box<dyn AnyColumn>],
    map: &'a [usize],
    rows: &'a [u32],
    n: usize,
    first: FiringId,
}

impl<'a> View<'a> {
    /// A view of `columns`; the graph's input `k` reads column `map[k]`. `rows` holds
    /// `columns.len()` indices a firing; the first firing has the number `first`.
    pub fn new(
        columns: &'a [Box<dyn AnyColumn>],
        map: &'a [usize],
        rows: &'a [u32],
        first: FiringId,
    ) -> Self {
        let n = match columns.len() {
            0 | 1 => rows.len(),
            stride => rows.len() / stride,
        };
        Self { columns, map, rows, n, first }
    }

    /// The first `n` firings only.
    #[must_use]
    pub fn prefix(&self, n: usize) -> Self {
        if n >= self.n {
            return *self;
        }
        Self { rows: &self.rows[..n * self.columns.len().max(1)], n, ..*self }
    }

    /// How many firings there are.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many inputs the graph reads.
    pub fn n_inputs(&self) -> usize {
        self.map.len()
    }

    /// Number of the firing at `firing`.
    pub fn id(&self, firing: usize) -> FiringId {
        FiringId(self.first.0 + firing as u64)
    }

    /// The graph's input `input` as values of `T`. The type was checked when the graph was bound; a
    /// reader that asks for another one sees nothing but absence.
    pub fn input<T: Payload>(&self, input: usize) -> Input<'a, T> {
        let column = self.map[input];
        let items = self.typed::<T>(column).map_or(&[][..], Column::as_slice);
        Input { items, rows: self.rows, stride: self.columns.len(), offset: column }
    }

    /// The same for a future that outlives the turn.
    pub fn shared<T: Payload>(&self, input: usize) -> Arc<Vec<T>> {
        self.typed::<T>(self.map[input]).map(Column::shared).unwrap_or_default()
    }

    /// Where input `input` of `firing` lies in its column, if it is there.
    pub fn index(&self, firing: usize, input: usize) -> Option<usize> {
        let column = self.map[input];
        match self.rows.get(firing * self.columns.len() + column) {
            None | Some(&ABSENT) => None,
            Some(&index) => Some(index as usize),
        }
    }

    /// One index a firing and input, if the inputs are the columns in their order.
    pub(crate) fn rows(&self) -> Option<&'a [u32]> {
        let is_straight = self.map.iter().enumerate().all(|(input, column)| input == *column);
        (is_straight && !self.map.is_empty() && self.map.len() == self.columns.len()).then_some(self.rows)
    }

    /// The column that input `input` reads.
    pub fn column(&self, input: usize) -> &'a dyn AnyColumn {
        &*self.columns[self.map[input]]
    }

    fn typed<T: Payload>(&self, column: usize) -> Option<&'a Column<T>> {
        self.columns[column].as_any().downcast_ref::<Column<T>>()
    }
}

/// One input of a graph as typed values.
#[derive(Clone, Copy)]
pub struct Input<'a, T> {
    items: &'a [T],
    rows: &'a [u32],
    stride: usize,
    offset: usize,
}

impl<'a, T> Input<'a, T> {
    /// The value in `firing`, if the source has been seen.
    #[inline]
    pub fn get(&self, firing: usize) -> Option<&'a T> {
        // ABSENT lies beyond any column, so one bounds check answers both questions.
        let index = *self.rows.get(firing * self.stride + self.offset)?;
        self.items.get(index as usize)
    }
}
