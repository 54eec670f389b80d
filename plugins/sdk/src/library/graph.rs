//! A graph inside a library: slices in, its report out.

use super::fault;
use crate::GraphDecl;
use acequia_abi::report::write_failure;
use acequia_abi::{Fault, GraphEnd, LibraryFuture, LibraryGraph, Turn, Writer};
use acequia_core::id::FiringId;
use acequia_core::wire::{self, AnyGraph, GraphRunner, InputWindow, PendingGraph, Values};

/// A part of a graph.
pub(super) struct Graph {
    runner: GraphRunner,
    out: Vec<Values>,
    wanted: Vec<bool>,
}

impl Graph {
    pub(super) fn new(decl: &GraphDecl) -> Self {
        let n = decl.terminals.len();
        Self {
            runner: GraphRunner::new(decl.clone()),
            out: vec![Values::default(); n],
            wanted: vec![false; n],
        }
    }
}

impl LibraryGraph for Graph {
    fn turn(&mut self, turn: &Turn<'_>, reply: &mut Vec<u8>) -> Result<Option<LibraryFuture>, Fault> {
        let columns = turn.columns.get();
        let slices: Vec<Vec<&[u8]>> = columns
            .iter()
            .map(|column| column.values.get().iter().map(acequia_abi::Slice::get).collect())
            .collect();
        let windows: Vec<InputWindow<'_>> = columns
            .iter()
            .zip(&slices)
            .map(|(column, values)| InputWindow { epoch: column.epoch, first: column.first, values })
            .collect();
        for (terminal, wanted) in self.wanted.iter_mut().enumerate() {
            *wanted = turn.wants(terminal);
        }
        self.out.iter_mut().for_each(Values::clear);
        let (rows, first) = (turn.rows.get(), FiringId(turn.first_firing));
        let ran = self.runner.turn(&windows, rows, first, 0, &self.wanted, &mut self.out);
        let mut writer = Writer::new(reply);
        let (end, rest, pending) = match ran.end {
            wire::GraphEnd::Done => (GraphEnd::Done, None, None),
            wire::GraphEnd::Failed { failure, rest } => (GraphEnd::Failed(fault(&failure)), Some(rest), None),
            wire::GraphEnd::Pending(rest) => (GraphEnd::Pending, None, Some(rest)),
        };
        end.write(ran.at, &mut writer);
        write_terminals(&self.out, &mut writer);
        if let Some(mut rest) = rest {
            rest.resize_with(self.out.len(), Values::default);
            write_terminals(&rest, &mut writer);
        }
        let n = self.out.len();
        Ok(pending.map(|rest| report(rest, n)))
    }
}

/// Append the values of each terminal.
fn write_terminals(terminals: &[Values], writer: &mut Writer<'_>) {
    for values in terminals {
        super::write_values(values, writer);
    }
}

/// The rest of a firing, ending in its report.
fn report(rest: PendingGraph, n_terminals: usize) -> LibraryFuture {
    Box::pin(async move {
        let (mut terminals, failure) = rest.await;
        terminals.resize_with(n_terminals, Values::default);
        let mut reply = Vec::new();
        let mut writer = Writer::new(&mut reply);
        write_failure(failure.as_ref().map(fault).as_ref(), &mut writer);
        write_terminals(&terminals, &mut writer);
        Ok(reply)
    })
}
