//! What comes out of replayed graphs: some of the newest values, to be shown where they differ.

use acequia_core::TerminalName;
use acequia_core::cell::GraphRun;
use acequia_core::column::AnyColumn;
use acequia_core::graph::{AnyOutput, GraphDecl, Outcomes, PartFn, TurnEnd, View};
use acequia_core::id::GraphName;
use acequia_core::ledger::{Dropped, Entry, Settled};
use acequia_core::payload::PayloadType;
use acequia_core::sink::{AnySink, SinkContext};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Runtime;

/// Values that are kept of one turn and terminal.
const KEPT: usize = 4;

type Places = HashMap<(GraphName, TerminalName), Vec<Box<dyn AnyColumn>>>;

/// What came out in the turn in hand.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Places>>);

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn begins.
    pub(super) fn clear(&self) {
        self.lock().values_mut().for_each(Vec::clear);
    }

    /// The first values that came out there in this turn.
    pub(super) fn values(&self, graph: &str, terminal: &str) -> Vec<Value> {
        let heard = self.lock();
        let kept = heard.iter().find(|((of, at), _)| of.as_str() == graph && at.as_str() == terminal);
        kept.map(|(_, kept)| kept.iter().map(|column| column.json(0)).collect()).unwrap_or_default()
    }

    /// A run of `decl` whose outputs are heard, and whose futures end in place, on `runtime`.
    pub(super) fn run(&self, decl: GraphDecl, runtime: &Arc<Runtime>) -> GraphRun {
        let runtime = Arc::clone(runtime);
        let (name, terminals) = (decl.name.clone(), Arc::clone(&decl.terminals));
        let decl = decl.wrap(move |mut part| {
            let runtime = Arc::clone(&runtime);
            Box::new(PartFn(move |view: &View<'_>, from: usize, out: &mut Outcomes| {
                let mut at = from;
                loop {
                    let rest = match part.turn(view, at, out) {
                        TurnEnd::Pending(rest) => rest,
                        end => return end,
                    };
                    let (commit, failure) = runtime.block_on(rest);
                    if let Some(failure) = failure {
                        return TurnEnd::Failed { failure, rest: Some(commit) };
                    }
                    commit(out);
                    at = out.at() + 1;
                    if at >= view.len() {
                        return TurnEnd::Done;
                    }
                }
            }))
        });
        let mut run = GraphRun::new(decl);
        for (index, terminal) in terminals.iter().enumerate() {
            let place = (name.clone(), terminal.name.clone());
            run.attach(index, Box::new(Ear { place, heard: self.clone(), entry: Entry::default() }));
        }
        run
    }
}

/// Listens at one terminal.
struct Ear {
    place: (GraphName, TerminalName),
    heard: Heard,
    entry: Entry,
}

impl AnySink for Ear {
    fn payload_type(&self) -> Option<PayloadType> {
        None
    }

    fn offer(&mut self, output: &mut dyn AnyOutput, _last: bool) {
        let n = output.len() as u64;
        self.entry.accepted += n;
        self.entry.settle(Settled::HandedOn, n);
        let mut heard = self.heard.lock();
        let kept = heard.entry(self.place.clone()).or_default();
        let room = KEPT.saturating_sub(kept.len());
        kept.extend((0..output.len().min(room)).filter_map(|index| output.column_of(index)));
    }

    fn flush(&mut self, _: &mut SinkContext<'_>) -> bool {
        true
    }

    fn replay(&mut self, _: &dyn AnyColumn) -> bool {
        false
    }

    fn entry(&self) -> Entry {
        self.entry
    }

    fn give_up(&mut self, _: Dropped, _: &mut SinkContext<'_>) {}
}
