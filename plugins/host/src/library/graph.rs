//! A graph in a library, as core's graph over bytes: one crossing a turn.

use super::failure::{from_fault, malformed};
use super::values;
use acequia_abi::handle::Rest;
use acequia_abi::report::{read_failure, read_origins};
use acequia_abi::{ColumnInput, Fault, FrameError, GraphEnd as End, GraphHandle, Reader, Slice, Turn};
use acequia_core::fault::Failure;
use acequia_core::id::FiringId;
use acequia_core::wire::{AnyGraph, GraphEnd, GraphOutputs, GraphTurn, InputWindow, PendingGraph, Values};

/// A part of a graph.
pub(super) struct LibraryGraph {
    handle: GraphHandle,
    n_terminals: usize,
}

impl LibraryGraph {
    pub(super) fn new(handle: GraphHandle, n_terminals: usize) -> Self {
        Self { handle, n_terminals }
    }
}

impl AnyGraph for LibraryGraph {
    fn turn(
        &mut self,
        inputs: &[InputWindow<'_>],
        rows: &[u32],
        first: FiringId,
        from: usize,
        out: &mut GraphOutputs,
    ) -> GraphTurn {
        let stride = inputs.len().max(1);
        // Every input's slices lie in one list.
        let n_values = inputs.iter().map(|input| input.values.len()).sum();
        let mut slices: Vec<Slice<'_>> = Vec::with_capacity(n_values);
        for input in inputs {
            slices.extend(input.values.iter().map(|value| Slice::from(*value)));
        }
        let mut rest = &slices[..];
        let columns: Vec<ColumnInput<'_>> = inputs
            .iter()
            .map(|input| {
                let (values, behind) = rest.split_at(input.values.len());
                rest = behind;
                ColumnInput { values: values.into(), first: input.first, epoch: input.epoch }
            })
            .collect();
        let rows = rows.get(from * stride..).unwrap_or_default();
        let turn = Turn {
            columns: (&columns[..]).into(),
            rows: rows.into(),
            firings: (rows.len() / stride) as u64,
            first_firing: first.0 + from as u64,
            wanted: mask(&out.wanted),
        };
        let asks = out.origins.is_some();
        let handle = &mut self.handle;
        let ran = if asks { handle.turn_with_origins(&turn) } else { handle.turn(&turn) };
        let firings = Firings { from, n: rows.len() / stride };
        let ran = ran
            .map_err(from_fault)
            .and_then(|(reply, rest)| read(reply, rest, self.n_terminals, firings, out).map_err(malformed));
        match ran {
            Ok(turn) => GraphTurn { at: from + turn.at, end: turn.end },
            Err(failure) => {
                out.clear();
                GraphTurn { at: from, end: GraphEnd::Failed { failure, rest: Vec::new() } }
            }
        }
    }

    fn tells_origins(&self) -> bool {
        self.handle.tells_origins()
    }
}

/// Which firings were sent over.
#[derive(Clone, Copy)]
struct Firings {
    /// The position of the first.
    from: usize,
    /// How many.
    n: usize,
}

fn mask(wanted: &[bool]) -> u64 {
    wanted
        .iter()
        .take(64)
        .enumerate()
        .fold(0, |mask, (terminal, wanted)| mask | u64::from(*wanted) << terminal)
}

fn read(
    reply: &[u8],
    rest: Option<Rest>,
    n_terminals: usize,
    firings: Firings,
    out: &mut GraphOutputs,
) -> Result<GraphTurn, FrameError> {
    let mut reader = Reader::new(reply);
    let (end, at) = End::read(&mut reader)?;
    for values in out.values.iter_mut().take(n_terminals) {
        values::read(&mut reader, values)?;
    }
    let end = match (end, rest) {
        (End::Done, _) => GraphEnd::Done,
        (End::Failed(fault), _) => {
            GraphEnd::Failed { failure: from_fault(fault), rest: terminals(&mut reader, n_terminals)? }
        }
        (End::Pending, Some(rest)) => GraphEnd::Pending(pending(rest, n_terminals)),
        (End::Pending, None) => return Err(reader.error()),
    };
    if let Some(origins) = &mut out.origins {
        for (terminal, values) in out.values.iter().enumerate().take(n_terminals) {
            let note = &mut |position| origins.note(terminal, firings.from + position);
            read_origins(&mut reader, values.len(), firings.n, note)?;
        }
    }
    Ok(GraphTurn { at, end })
}

fn terminals(reader: &mut Reader<'_>, n: usize) -> Result<Vec<Values>, FrameError> {
    let mut terminals = vec![Values::default(); n];
    for values in &mut terminals {
        values::read(reader, values)?;
    }
    Ok(terminals)
}

/// The rest of a firing. It keeps its library, and is dropped by whoever gives it up.
fn pending(rest: Rest, n_terminals: usize) -> PendingGraph {
    Box::pin(async move {
        let ended = rest.await.and_then(|reply| {
            let mut reader = Reader::new(reply.bytes());
            let fault = read_failure(&mut reader)?;
            Ok((terminals(&mut reader, n_terminals).map_err(Fault::from)?, fault.map(from_fault)))
        });
        ended.unwrap_or_else(|fault: Fault| (Vec::new(), Some::<Failure>(from_fault(fault))))
    })
}
