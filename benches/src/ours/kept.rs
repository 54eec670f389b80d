//! An engine with a durable accumulator, as an application pushes into it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acequia::{
    AccumulatorDecl, AccumulatorHandle, Engine, GraphBuilder, Guarantee, Package, ReactorDecl, Strategy,
    when_any,
};
use tokio::runtime::Runtime;

use super::host::stopped;
use crate::baseline::tokio::runtime;
use crate::error::BenchError;
use crate::event::{Event, Source};

/// Events that are pushed as one.
const BATCH: u64 = 256;

/// A running engine over a journal. It stops when this is dropped.
pub(crate) struct Kept {
    runtime: Runtime,
    engine: Engine,
    seen: Arc<AtomicU64>,
}

fn failed(source: impl std::error::Error + Send + Sync + 'static) -> BenchError {
    BenchError::Start { variant: "ours", source: Box::new(source) }
}

impl Kept {
    /// Begins a journal in a new folder.
    pub(crate) fn start(folder: &Path) -> Result<Self, BenchError> {
        let (runtime, seen) = (runtime("ours")?, Arc::<AtomicU64>::default());
        let accumulator = AccumulatorDecl::passthrough::<Event>("kept").delivery(Guarantee::Durable);
        let criteria = when_any([accumulator.name.clone()]);
        let mut graph = GraphBuilder::new("count");
        let (event, counted) = (graph.source::<Event>("kept"), Arc::clone(&seen));
        let out = graph.node("out", (event,), move |(event,): (&Event,)| {
            counted.fetch_add(1, Ordering::Release);
            event.sequence
        });
        graph.terminal(out);
        let package = Package::new("kept")
            .reactor(ReactorDecl::new("Kept", vec![accumulator], criteria).strategy(Strategy::Sequential))
            .graph(graph.on("Kept").build().map_err(failed)?);
        let started = runtime.block_on(Engine::builder().journal(folder).package(package).start());
        Ok(Self { runtime, engine: started.map_err(failed)?, seen })
    }

    fn handle(&self) -> Result<AccumulatorHandle<Event>, BenchError> {
        self.engine.accumulator("kept").map_err(failed)
    }

    /// Pushes `n_events`, so many at a time, and waits until all have fired.
    pub(crate) fn batched(&self, n_events: u64) -> Result<(), BenchError> {
        let handle = self.handle()?;
        let pushed = self.runtime.spawn(async move {
            let mut source = Source::new();
            let mut left = n_events;
            while left > 0 {
                let portion = left.min(BATCH);
                let events: Vec<Event> = source.by_ref().take(portion as usize).collect();
                handle.push_batch(events).await.map_err(|_| stopped())?;
                left -= portion;
            }
            Ok(())
        });
        self.runtime.block_on(pushed).map_err(|_| stopped())??;
        self.verify(n_events)
    }

    /// Each of `n_producers` tasks pushes an event, awaits that it is accepted, and pushes the next.
    pub(crate) fn tasks(&self, n_producers: u64, n_events: u64) -> Result<(), BenchError> {
        let each = n_events / n_producers;
        let mut producers = Vec::new();
        for _ in 0..n_producers {
            let handle = self.handle()?;
            producers.push(self.runtime.spawn(async move {
                for event in Source::new().take(each as usize) {
                    handle.push(event).await.map_err(|_| stopped())?;
                }
                Ok(())
            }));
        }
        for producer in producers {
            self.runtime.block_on(producer).map_err(|_| stopped())??;
        }
        self.verify(each * n_producers)
    }

    /// Each was accepted, and fired once.
    fn verify(&self, expected: u64) -> Result<(), BenchError> {
        self.runtime.block_on(async {
            while self.seen.load(Ordering::Acquire) < expected {
                tokio::task::yield_now().await;
            }
        });
        let found = self.seen.load(Ordering::Acquire);
        let wrong = BenchError::WrongRecords { variant: "kept", found, expected };
        if found == expected { Ok(()) } else { Err(wrong) }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.runtime.block_on(self.engine.shutdown(Duration::from_secs(10)));
    }
}
