//! What a run over some firings of a batch comes to.

use super::Worker;
use acequia_core::cell::{Batch, FiringIds, GraphRun, HandedOver, RunContext};
use acequia_core::fault::Failure;
use acequia_core::graph::View;
use acequia_core::id::{FiringId, GraphName};
use acequia_core::ledger::{Dropped, Entry};
use acequia_core::letter::{DeadLetter, Place};
use std::task::Waker;

/// What a run over some firings of a batch came to.
pub(super) struct Ran {
    pub(super) run: GraphRun,
    pub(super) batch: Batch,
    pub(super) done: usize,
    pub(super) hand: Option<HandedOver>,
    pub(super) quarantined: Option<Failure>,
    pub(super) letters: Vec<DeadLetter>,
    pub(super) failures: Vec<Failure>,
}

pub(super) fn run_view(
    now: acequia_core::Timestamp,
    mut run: GraphRun,
    batch: Batch,
    from: usize,
    to: usize,
) -> Ran {
    let map: Vec<usize> = (0..batch.columns.len()).collect();
    let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0)).prefix(to);
    let (mut letters, mut failures): (Vec<DeadLetter>, Vec<Failure>) = Default::default();
    let mut cx = RunContext { now, waker: Waker::noop(), letters: &mut letters, failures: &mut failures };
    let end = run.run(&view, FiringIds::Listed(&batch.ids), from, &mut cx);
    let (mut done, mut hand, mut quarantined) = (to, None, None);
    if let Some((at, rest)) = end.pending {
        done = at;
        let inputs = acequia_core::cell::run::inputs_of(&view, at);
        hand = Some(HandedOver { id: FiringId(batch.ids[at]), rest, inputs });
    }
    if let Some((next, failure)) = end.quarantined {
        done = next;
        quarantined = Some(failure);
    }
    Ran { run, batch, done, hand, quarantined, letters, failures }
}

pub(super) fn with_context<R>(
    worker: &Worker,
    waker: &Waker,
    code: impl FnOnce(&mut RunContext<'_>) -> R,
) -> R {
    let (mut letters, mut failures): (Vec<DeadLetter>, Vec<Failure>) = Default::default();
    let mut cx = RunContext { now: worker.env.now(), waker, letters: &mut letters, failures: &mut failures };
    let result = code(&mut cx);
    worker.report(letters, &failures);
    result
}

pub(super) fn copy(
    inputs: &[Box<dyn acequia_core::column::AnyColumn>],
) -> Vec<Box<dyn acequia_core::column::AnyColumn>> {
    inputs
        .iter()
        .map(|from| {
            let mut copy = from.fresh();
            copy.push_from(&**from, 0);
            copy
        })
        .collect()
}

pub(super) fn timed_out_letter(
    graph: &GraphName,
    batch: &Batch,
    firing: usize,
    at: acequia_core::Timestamp,
) -> DeadLetter {
    let map: Vec<usize> = (0..batch.columns.len()).collect();
    let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
    let id = FiringId(batch.ids[firing]);
    DeadLetter {
        place: Place::Graph(graph.clone()),
        item: acequia_core::ItemId(id.0),
        why: Dropped::TimedOut,
        failure: None,
        attempts: 1,
        at,
        letter: acequia_core::letter::Letter::Inputs {
            firing: id,
            columns: acequia_core::cell::run::inputs_of(&view, firing),
        },
    }
}

pub(super) fn entries(run: &GraphRun) -> Vec<(Place, Entry)> {
    run.sink_entries().map(|(place, entry)| (place.clone(), entry)).collect()
}
