//! Attaching sinks: to runs that are dormant, and to graphs that work.

use super::Reconciler;
use super::failpoint::Halt;
use super::request::LoadRequest;
use super::transaction::{Task, Transaction, lock};
use crate::sink::{Sink, SinkError};
use acequia_core::accumulator::{AccumulatorDecl, AnyRing};
use acequia_core::cell::CellTurn;
use acequia_core::graph::GraphDecl;
use acequia_core::id::{GraphName, TerminalName};
use acequia_core::reconcile::{SinkDecl, check_sink};
use acequia_core::sink::AnySink;
use std::sync::Arc;

/// What a plan is told of a sink.
pub(super) fn declared(graph: &GraphName, terminal: &TerminalName, sink: &Sink) -> SinkDecl {
    SinkDecl {
        graph: graph.clone(),
        terminal: terminal.clone(),
        payload: sink.payload_type(),
        feeds: sink.target().cloned(),
    }
}

impl Reconciler {
    /// Attach a sink to a graph that works.
    pub(super) async fn attach(
        &self,
        graph: GraphName,
        terminal: TerminalName,
        sink: Sink,
    ) -> Result<(), SinkError> {
        if self.args.env.is_stopping() {
            return Err(SinkError::Stopping);
        }
        let feed = check_sink(&self.args.desk.actual(), &declared(&graph, &terminal, &sink))?;
        self.attach_live(graph, terminal, sink).await?;
        if let Some(feed) = feed {
            self.args.desk.add_feed(feed);
        }
        Ok(())
    }

    async fn attach_live(
        &self,
        graph: GraphName,
        terminal: TerminalName,
        sink: Sink,
    ) -> Result<(), SinkError> {
        let Some(decl) = self.args.directory.graphs.get(&graph).map(|entry| entry.decl.clone()) else {
            return Err(SinkError::UnknownGraph { graph });
        };
        let Some(cell) = self.args.directory.cell_of(&graph) else {
            return Err(SinkError::UnknownGraph { graph });
        };
        let (index, resolved) = self.resolve(&decl, &terminal, sink)?;
        let shared = Arc::clone(&cell);
        let attached = cell
            .ask(move |state, _| {
                let elsewhere = state.attach(&graph, index, resolved);
                if let (Err(sink), Some(worker)) = (elsewhere, shared.workers().get(&graph)) {
                    worker.post(move |run, _| run.attach(index, sink));
                }
                ((), CellTurn::default())
            })
            .await;
        attached.ok_or(SinkError::Stopping)
    }

    /// Make a sink ready for its terminal.
    fn resolve(
        &self,
        decl: &GraphDecl,
        terminal: &TerminalName,
        sink: Sink,
    ) -> Result<(usize, Box<dyn AnySink>), SinkError> {
        let (graph, terminal) = (decl.name.clone(), terminal.clone());
        let Some(index) = decl.terminals.iter().position(|known| known.name == terminal) else {
            let known = decl.terminals.iter().map(|known| known.name.clone()).collect();
            return Err(SinkError::UnknownTerminal { graph, terminal, known });
        };
        let ring = match sink.target() {
            None => None,
            Some(target) => match self.ring(target) {
                Some(ring) => Some(ring),
                None => {
                    let accumulator = target.clone();
                    return Err(SinkError::UnknownAccumulator { graph, terminal, accumulator });
                }
            },
        };
        let offered = decl.terminals[index].payload.name();
        match sink.resolve(&decl.terminals[index], ring) {
            Some(resolved) => Ok((index, resolved)),
            None => {
                Err(SinkError::TypeMismatch { graph, terminal, offered, wanted: "another type".to_owned() })
            }
        }
    }

    fn ring(&self, accumulator: &acequia_core::id::AccumulatorName) -> Option<Arc<dyn AnyRing>> {
        let loaded = self.args.directory.accumulators.get(accumulator);
        if let Some(ring) = loaded.map(|entry| Arc::clone(entry.cell.ring(entry.source))) {
            return Some(ring);
        }
        // It may be prepared, and not yet published.
        let begun = self.args.desk.begun()?;
        begun.members.iter().flat_map(|members| members.cells()).find_map(|entry| {
            let own = |decl: &AccumulatorDecl| decl.name == *accumulator && !decl.is_share();
            let source = entry.decl.accumulators.iter().position(own)?;
            Some(Arc::clone(entry.cell.ring(source)))
        })
    }

    /// Give the dormant runs of a load their sinks: they are there before the first event.
    pub(super) fn attach_dormant(&self, transaction: &Transaction) -> Result<(), Halt> {
        let Task::Load(request) = &transaction.task else { return Ok(()) };
        let sinks = std::mem::take(&mut lock(request).sinks);
        for (graph, terminal, sink) in sinks {
            let Some(entry) = transaction.graph(&graph) else {
                // It works already, and is told after the commit.
                lock(request).sinks.push((graph, terminal, sink));
                continue;
            };
            let resolved = self.resolve(&entry.decl, &terminal, sink);
            let (index, sink) = resolved.map_err(|error| Halt::Failed(error.to_string()))?;
            entry.attach(index, sink);
        }
        Ok(())
    }

    /// Attach what is left of the sinks of a load: those of graphs that were loaded before.
    pub(super) async fn attach_rest(&self, request: &std::sync::Mutex<LoadRequest>) {
        loop {
            let next = lock(request).sinks.pop();
            let Some((graph, terminal, sink)) = next else { return };
            if let Err(error) = self.attach_live(graph, terminal, sink).await {
                tracing::error!(%error, "a sink of a committed load was not attached");
            }
        }
    }
}
