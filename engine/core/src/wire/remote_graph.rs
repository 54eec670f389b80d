//! A graph over bytes as a part of the cell: the host's half.

use super::{AnyGraph, GraphEnd, GraphOutputs, InputWindow, Values};
use crate::column::Column;
use crate::graph::{ABSENT, AnyOutput, Commit, EncodedOutput, GraphPart, Origins, Outcomes, TurnEnd, View};
use crate::payload::Encoded;

/// Hands a turn's windows and rows to a graph behind bytes. Its inputs and terminals must be declared as
/// encoded.
pub struct RemoteGraph {
    graph: Box<dyn AnyGraph>,
    rows: Vec<u32>,
    out: GraphOutputs,
    /// Where outputs come from, while nobody asks.
    spare: Option<Box<Origins>>,
}

impl RemoteGraph {
    /// Put `graph` into a cell.
    pub fn new(graph: Box<dyn AnyGraph>) -> Self {
        Self { graph, rows: Vec::new(), out: GraphOutputs::default(), spare: None }
    }

    fn take_rows(&mut self, view: &View<'_>) {
        self.rows.clear();
        if let Some(rows) = view.rows() {
            return self.rows.extend_from_slice(rows);
        }
        for firing in 0..view.len() {
            for input in 0..view.n_inputs() {
                let index = view.index(firing, input).and_then(|index| u32::try_from(index).ok());
                self.rows.push(index.unwrap_or(ABSENT));
            }
            if view.n_inputs() == 0 {
                self.rows.push(ABSENT);
            }
        }
    }
}

/// The values that a turn may look at, as slices.
fn values<'a>(view: &View<'a>, input: usize) -> Vec<&'a [u8]> {
    let column = view.column(input).as_any().downcast_ref::<Column<Encoded>>();
    column.map_or(&[][..], Column::as_slice).iter().map(Encoded::as_bytes).collect()
}

/// Put values behind those of their terminals.
fn put(values: &mut [Values], outputs: &mut [Box<dyn AnyOutput>]) {
    for (values, output) in values.iter_mut().zip(outputs) {
        match (**output).as_any_mut().downcast_mut::<EncodedOutput>() {
            Some(output) => output.append_values(values),
            None => values.clear(),
        }
    }
}

fn commit_later(mut values: Vec<Values>) -> Commit {
    Box::new(move |out| put(&mut values, out.outputs()))
}

impl GraphPart for RemoteGraph {
    fn tells_origins(&self) -> bool {
        self.graph.tells_origins()
    }

    fn turn(&mut self, view: &View<'_>, from: usize, out: &mut Outcomes) -> TurnEnd {
        self.take_rows(view);
        let values: Vec<Vec<&[u8]>> = (0..view.n_inputs()).map(|input| values(view, input)).collect();
        let windows: Vec<InputWindow<'_>> = values
            .iter()
            .enumerate()
            .map(|(input, values)| {
                let column = view.column(input);
                InputWindow { epoch: column.epoch(), first: column.first(), values }
            })
            .collect();
        self.out.wanted.clear();
        self.out.wanted.extend(out.outputs().iter().map(|output| output.is_wanted()));
        self.out.values.resize_with(self.out.wanted.len(), Values::default);
        let n_terminals = self.out.wanted.len();
        let fresh = || Box::new(Origins::new(n_terminals));
        self.out.origins = out.origins().map(|_| self.spare.take().unwrap_or_else(fresh));
        let turn = self.graph.turn(&windows, &self.rows, view.id(0), from, &mut self.out);
        self.out.drop_unwanted();
        if let (Some(mut own), Some(origins)) = (self.out.origins.take(), out.origins()) {
            origins.append(&mut own);
            self.spare = Some(own);
        }
        let (cursor, outputs) = out.split();
        cursor.begin(turn.at);
        put(&mut self.out.values, outputs);
        match turn.end {
            GraphEnd::Done => TurnEnd::Done,
            GraphEnd::Failed { failure, rest } if rest.is_empty() => TurnEnd::Failed { failure, rest: None },
            GraphEnd::Failed { failure, rest } => TurnEnd::Failed { failure, rest: Some(commit_later(rest)) },
            GraphEnd::Pending(rest) => TurnEnd::Pending(Box::pin(async move {
                let (values, failure) = rest.await;
                (commit_later(values), failure)
            })),
        }
    }
}
