//! Refused unloads, and parts that panic.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acequia::library::Library;
use acequia::{
    AccumulatorDecl, Engine, GraphBuilder, GraphDecl, Package, Placement, ReactorDecl, Sink, Strategy, Trust,
    UnloadError, when_any,
};

use super::host::{Host, stopped};
use crate::error::BenchError;
use crate::packages;
use crate::resources::Stopwatch;

/// Refused unloads that are timed as one.
const UNLOADS: u32 = 200;

/// How many of them warm up before the first is timed.
const WARM: u32 = 20;

/// The event on which the graph panics.
const PANICS: i64 = i64::MIN;

fn failed(source: impl std::error::Error + Send + Sync + 'static) -> BenchError {
    BenchError::Start { variant: "deploy", source: Box::new(source) }
}

fn reactor(name: &str, accumulator: &str) -> ReactorDecl {
    let accumulators = vec![AccumulatorDecl::passthrough::<i64>(accumulator)];
    ReactorDecl::new(name, accumulators, when_any([accumulator])).strategy(Strategy::Sequential)
}

fn graph(
    name: &str,
    reactor: &str,
    accumulator: &str,
    node: impl Fn(&i64) -> i64 + Send + Sync + 'static,
) -> Result<GraphDecl, BenchError> {
    let mut graph = GraphBuilder::new(name);
    let event = graph.source::<i64>(accumulator);
    let out = graph.node("scale", (event,), move |(event,): (&i64,)| node(event));
    graph.terminal(out);
    graph.on(reactor).build().map_err(failed)
}

/// An engine with a publisher whose subscribers hold it, and others elsewhere.
pub(crate) struct Held {
    host: Host,
    seen: Arc<AtomicU64>,
}

impl Held {
    /// With `n_holding` subscribers that hold the publisher, and `n_elsewhere` at another package's reactor.
    pub(crate) fn start(n_holding: usize, n_elsewhere: usize) -> Result<Self, BenchError> {
        let host = Host::start(Vec::new(), &[], Placement::Current)?;
        let seen = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&seen);
        let counting = graph("bound", "Held", "held", move |event| {
            counted.fetch_add(1, Ordering::Relaxed);
            *event
        })?;
        host.deploy(Package::new("publisher").reactor(reactor("Held", "held")), Vec::new())?;
        host.deploy(Package::new("subscriber").graph(counting), Vec::new())?;
        let mut holding = Package::new("holding");
        for number in 1..n_holding {
            holding = holding.graph(graph(&format!("held{number}"), "Held", "held", |event| *event)?);
        }
        host.deploy(holding, Vec::new())?;
        host.deploy(Package::new("other").reactor(reactor("Other", "other")), Vec::new())?;
        let mut elsewhere = Package::new("elsewhere");
        for number in 0..n_elsewhere {
            elsewhere = elsewhere.graph(graph(&format!("other{number}"), "Other", "other", |event| *event)?);
        }
        host.deploy(elsewhere, Vec::new())?;
        Ok(Self { host, seen })
    }

    /// Let `n` events fire.
    pub(crate) fn fire(&self, n: u64) -> Result<(), BenchError> {
        let events = self.host.engine().accumulator::<i64>("held").map_err(failed)?;
        let (seen, wanted) = (Arc::clone(&self.seen), self.seen.load(Ordering::Relaxed) + n);
        self.host.feed(async move {
            let mut left = i64::try_from(n).unwrap_or(i64::MAX);
            while left > 0 {
                let portion = left.min(256);
                events.push_batch(0..portion).await.map_err(|_| stopped())?;
                left -= portion;
            }
            while seen.load(Ordering::Relaxed) < wanted {
                tokio::task::yield_now().await;
            }
            Ok(())
        })
    }

    /// How long the answer of a refused unload takes by itself.
    pub(crate) fn answer(&self) -> Result<Duration, BenchError> {
        let engine = self.host.engine().clone();
        let refused = self.host.run(async move { Ok(engine.unload("publisher").await) })?;
        match refused {
            Err(refusal) => Ok(answer_alone(&refusal)),
            Ok(_) => Err(BenchError::NotRefused { said: "it was unloaded".to_owned() }),
        }
    }

    /// How long a refused unload takes. Each must name the subscriber, and the publisher must stay.
    pub(crate) fn refused(&self) -> Result<Duration, BenchError> {
        let engine = self.host.engine().clone();
        self.host.run(async move {
            for _ in 0..WARM {
                refuse(&engine).await?;
            }
            let stopwatch = Stopwatch::start();
            for _ in 0..UNLOADS {
                refuse(&engine).await?;
            }
            let took = stopwatch.used().wall / UNLOADS;
            let stays = engine.packages().iter().any(|package| package.name.as_str() == "publisher");
            if stays { Ok(took) } else { Err(BenchError::NotRefused { said: "it is gone".to_owned() }) }
        })
    }
}

/// How long it takes to copy a refusal and to write it down: what any answer with these names costs.
fn answer_alone(refusal: &UnloadError) -> Duration {
    let stopwatch = Stopwatch::start();
    for _ in 0..UNLOADS {
        black_box(black_box(refusal).clone().to_string());
    }
    stopwatch.used().wall / UNLOADS
}

async fn refuse(engine: &Engine) -> Result<(), BenchError> {
    match engine.unload("publisher").await {
        Err(refusal) if refusal.to_string().contains("\"bound\" (subscriber)") => Ok(()),
        Err(other) => Err(BenchError::NotRefused { said: other.to_string() }),
        Ok(_) => Err(BenchError::NotRefused { said: "it was unloaded".to_owned() }),
    }
}

/// Where a graph runs that panics.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    InProcess,
    Library,
}

/// From the push of an event on which the graph panics, at every attempt, to the output of the next event.
pub(crate) fn recovery(place: Place) -> Result<Duration, BenchError> {
    let host = Host::start(Vec::new(), &[], Placement::Current)?;
    let package = match place {
        Place::InProcess => {
            let scale = graph("scaled", "Numbers", "numbers", |event| {
                assert!(*event != PANICS, "no number to be scaled");
                event * 10
            })?;
            Package::new("versioned").reactor(reactor("Numbers", "numbers")).graph(scale)
        }
        Place::Library => {
            let library =
                Library::open(packages::built("versioned", &[]), &Trust::optional()).map_err(failed)?;
            library.package(host.services())
        }
    };
    let (sum, seen) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let (added, counted) = (Arc::clone(&sum), Arc::clone(&seen));
    let sink = Sink::callback(move |value: &i64| {
        added.fetch_add(value.unsigned_abs(), Ordering::Relaxed);
        counted.fetch_add(1, Ordering::Release);
    });
    host.deploy(package, vec![("scaled".into(), "scale".into(), sink)])?;
    let numbers = host.engine().accumulator::<i64>("numbers").map_err(failed)?;
    host.run(async move {
        let came = async |n: u64| {
            while seen.load(Ordering::Acquire) < n {
                tokio::task::yield_now().await;
            }
        };
        numbers.push(1).await.map_err(|_| stopped())?;
        came(1).await;
        let stopwatch = Stopwatch::start();
        for event in [PANICS, 2] {
            numbers.push(event).await.map_err(|_| stopped())?;
        }
        came(2).await;
        let took = stopwatch.used().wall;
        match sum.load(Ordering::Relaxed) {
            30 => Ok(took),
            sum => Err(BenchError::WrongSum { variant: "recovery", sum, expected: 30 }),
        }
    })
}
