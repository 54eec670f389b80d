//! A graph inside a library: slices in, its report out.

use super::fault;
use crate::GraphDecl;
use acequia_abi::report::{write_failure, write_origins};
use acequia_abi::{Fault, GraphEnd, LibraryFuture, LibraryGraph, Turn, Writer};
use acequia_core::graph::Origins;
use acequia_core::id::FiringId;
use acequia_core::wire::{self, AnyGraph, GraphOutputs, GraphRunner, InputWindow, PendingGraph, Values};

/// A part of a graph.
pub(super) struct Graph {
    runner: GraphRunner,
    out: GraphOutputs,
    /// Where outputs come from, while nobody asks.
    spare: Option<Box<Origins>>,
}

impl Graph {
    pub(super) fn new(decl: &GraphDecl) -> Self {
        let n = decl.terminals.len();
        Self { runner: GraphRunner::new(decl.clone()), out: GraphOutputs::new(n), spare: None }
    }

    /// Run firings; what is in `out` is theirs alone.
    fn run(&mut self, turn: &Turn<'_>, reply: &mut Vec<u8>) -> Option<LibraryFuture> {
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
        for (terminal, wanted) in self.out.wanted.iter_mut().enumerate() {
            *wanted = turn.wants(terminal);
        }
        self.out.clear();
        let (rows, first) = (turn.rows.get(), FiringId(turn.first_firing));
        let ran = self.runner.turn(&windows, rows, first, 0, &mut self.out);
        let mut writer = Writer::new(reply);
        let (end, rest, pending) = match ran.end {
            wire::GraphEnd::Done => (GraphEnd::Done, None, None),
            wire::GraphEnd::Failed { failure, rest } => (GraphEnd::Failed(fault(&failure)), Some(rest), None),
            wire::GraphEnd::Pending(rest) => (GraphEnd::Pending, None, Some(rest)),
        };
        end.write(ran.at, &mut writer);
        let n = self.out.values.len();
        write_terminals(&self.out.values, &mut writer);
        if let Some(mut rest) = rest {
            rest.resize_with(n, Values::default);
            write_terminals(&rest, &mut writer);
        }
        if let Some(origins) = &self.out.origins {
            (0..n).for_each(|terminal| write_origins(origins.of(terminal), &mut writer));
        }
        pending.map(|rest| report(rest, n))
    }
}

impl LibraryGraph for Graph {
    fn turn(&mut self, turn: &Turn<'_>, reply: &mut Vec<u8>) -> Result<Option<LibraryFuture>, Fault> {
        if let Some(origins) = self.out.origins.take() {
            self.spare = Some(origins);
        }
        Ok(self.run(turn, reply))
    }

    fn turn_with_origins(
        &mut self,
        turn: &Turn<'_>,
        reply: &mut Vec<u8>,
    ) -> Result<Option<LibraryFuture>, Fault> {
        if self.out.origins.is_none() {
            let fresh = || Box::new(Origins::new(self.out.values.len()));
            self.out.origins = Some(self.spare.take().unwrap_or_else(fresh));
        }
        Ok(self.run(turn, reply))
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
