//! An engine on a runtime with one worker, as the tokio baseline has, and the source that feeds it.

use std::sync::Arc;
use std::time::Duration;

use acequia::core::{GraphName, TerminalName};
use acequia::library::HostServices;
use acequia::{AccumulatorHandle, Engine, Package, Placement, ReactorDecl, ReactorDef, Sink, Strategy};
use tokio::runtime::Runtime;

use crate::baseline::tokio::runtime;
use crate::error::BenchError;
use crate::event::{Event, Source};
use crate::harness::Running;
use crate::tally::{Outcome, Tally};

/// How many events a batch has. With [`BATCH_RING`] twice over it makes the 256 that may be alive.
const BATCH: usize = 64;

/// Room in the ring that batches go to.
const BATCH_RING: usize = 96;

/// How long a run may take before the bench gives up.
const LOST: Duration = Duration::from_secs(120);

/// Where outputs go.
type Sinks = Vec<(GraphName, TerminalName, Sink)>;

/// A graph's terminal and what it feeds.
pub(super) type Link = (&'static str, &'static str, &'static str);

/// How events get in, and become firings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    Sequential,
    Batched,
    Latest,
}

impl Feed {
    /// The reactor `R`, fed this way.
    pub(super) fn reactor<R: ReactorDef>(self) -> ReactorDecl {
        let mut decl = R::decl();
        decl.strategy = if self == Feed::Latest { Strategy::Latest } else { Strategy::Sequential };
        if self == Feed::Batched {
            let room = BATCH_RING / decl.accumulators.len();
            for accumulator in &mut decl.accumulators {
                accumulator.capacity = room;
            }
        }
        decl
    }
}

/// A running engine. It stops when this is dropped.
pub(super) struct Host {
    runtime: Runtime,
    engine: Engine,
}

impl Host {
    pub(super) fn start(
        packages: Vec<Package>,
        links: &[Link],
        placement: Placement,
    ) -> Result<Self, BenchError> {
        let runtime = runtime("ours")?;
        let mut builder = Engine::builder().placement(placement);
        for package in packages {
            builder = builder.package(package);
        }
        for (graph, terminal, accumulator) in links {
            builder = builder.sink(*graph, *terminal, Sink::accumulator(*accumulator));
        }
        let started = runtime.block_on(builder.start());
        let engine =
            started.map_err(|source| BenchError::Start { variant: "ours", source: source.into() })?;
        Ok(Self { runtime, engine })
    }

    /// Brings one more package up.
    pub(super) fn deploy(&self, package: Package, sinks: Sinks) -> Result<(), BenchError> {
        let deployed = self.runtime.block_on(self.engine.deploy(package, sinks));
        deployed.map_err(|source| BenchError::Start { variant: "ours", source: source.into() })
    }

    /// What a library of this engine is given.
    pub(super) fn services(&self) -> Arc<dyn HostServices> {
        self.engine.services()
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn accumulator(&self, name: &str) -> Result<AccumulatorHandle<Event>, BenchError> {
        let found = self.engine.accumulator(name);
        found.map_err(|source| BenchError::Start { variant: "ours", source: source.into() })
    }

    /// Runs `task` on the engine's own worker, as a producer inside the application does.
    pub(super) fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T, BenchError>> + Send + 'static,
    ) -> Result<T, BenchError> {
        self.runtime.block_on(self.runtime.spawn(task)).map_err(|_| stopped())?
    }

    /// The same for a task that feeds the engine and waits for what comes out.
    pub(super) fn feed(
        &self,
        task: impl Future<Output = Result<(), BenchError>> + Send + 'static,
    ) -> Result<(), BenchError> {
        let engine = self.engine.clone();
        self.run(async move {
            match tokio::time::timeout(LOST, task).await {
                Ok(done) => done,
                Err(_) => Err(BenchError::Lost { variant: "ours", limit: LOST, left: left(&engine).await }),
            }
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.runtime.block_on(self.engine.shutdown(Duration::from_secs(5)));
    }
}

/// A saturated engine.
pub(super) struct Saturated {
    host: Host,
    feed: Feed,
    /// Events go to these in turn.
    entries: Vec<AccumulatorHandle<Event>>,
    tally: &'static Tally,
}

impl Saturated {
    pub(super) fn start(
        feed: Feed,
        package: Package,
        links: &[Link],
        entries: &[&str],
        tally: &'static Tally,
    ) -> Result<Box<dyn Running>, BenchError> {
        Self::over(Host::start(vec![package], links, Placement::Current)?, feed, entries, tally)
    }

    /// The same over an engine that is up.
    pub(super) fn over(
        host: Host,
        feed: Feed,
        entries: &[&str],
        tally: &'static Tally,
    ) -> Result<Box<dyn Running>, BenchError> {
        let entries = entries.iter().map(|name| host.accumulator(name)).collect::<Result<_, _>>()?;
        Ok(Box::new(Self { host, feed, entries, tally }))
    }
}

impl Running for Saturated {
    fn run(&mut self, n_events: u64) -> Result<Outcome, BenchError> {
        let (entries, tally, feed) = (self.entries.clone(), self.tally, self.feed);
        tally.clear();
        self.host.feed(async move {
            match (feed, &entries[..]) {
                (Feed::Batched, _) => batched(&entries, n_events).await?,
                (_, [only]) => one_by_one(only, n_events).await?,
                (_, [left, right]) => alternating(left, right, n_events).await?,
                _ => return Err(stopped()),
            }
            drained(tally, n_events).await;
            Ok(())
        })?;
        Ok(tally.outcome())
    }
}

async fn one_by_one(entry: &AccumulatorHandle<Event>, n_events: u64) -> Result<(), BenchError> {
    for event in Source::new().take(n_events as usize) {
        entry.push(event).await.map_err(|_| stopped())?;
    }
    Ok(())
}

async fn alternating(
    left: &AccumulatorHandle<Event>,
    right: &AccumulatorHandle<Event>,
    n_events: u64,
) -> Result<(), BenchError> {
    for event in Source::new().take(n_events as usize) {
        let side = if event.sequence % 2 == 0 { left } else { right };
        side.push(event).await.map_err(|_| stopped())?;
    }
    Ok(())
}

async fn batched(entries: &[AccumulatorHandle<Event>], n_events: u64) -> Result<(), BenchError> {
    let mut source = Source::new();
    let mut left = n_events as usize;
    while left > 0 {
        let n = left.min(BATCH);
        left -= n;
        if let [only] = entries {
            only.push_batch(source.by_ref().take(n)).await.map_err(|_| stopped())?;
            continue;
        }
        let mut parts: Vec<Vec<Event>> = entries.iter().map(|_| Vec::with_capacity(n)).collect();
        for event in source.by_ref().take(n) {
            parts[event.sequence as usize % entries.len()].push(event);
        }
        for (entry, part) in entries.iter().zip(parts) {
            entry.push_batch(part).await.map_err(|_| stopped())?;
        }
    }
    Ok(())
}

/// Returns once the last of `n_events` went through the last node. A turn that has begun is over by then:
/// it has the worker that this runs on.
async fn drained(tally: &Tally, n_events: u64) {
    while tally.firings() == 0 || tally.outcome().last + 1 < n_events {
        tokio::task::yield_now().await;
    }
}

/// What is still in the engine, for the message.
async fn left(engine: &Engine) -> String {
    let (letters, counters) = (engine.dead_letters().list(), engine.counters());
    format!("{}; {} dead letters, {counters:?}", engine.unsettled().await, letters.len())
}

pub(super) fn stopped() -> BenchError {
    BenchError::Stopped { variant: "ours" }
}
