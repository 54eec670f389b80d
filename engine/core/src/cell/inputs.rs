//! The inputs of one firing, to be kept beyond its turn.

use crate::column::AnyColumn;
use crate::graph::View;

/// A copy of the inputs of one firing, one column an input.
pub fn inputs_of(view: &View<'_>, firing: usize) -> Vec<Box<dyn AnyColumn>> {
    (0..view.n_inputs())
        .map(|input| {
            let from = view.column(input);
            let mut copy = from.fresh();
            if let Some(index) = view.index(firing, input) {
                copy.push_from(from, index);
            }
            copy
        })
        .collect()
}
