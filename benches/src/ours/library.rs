//! `lin` as a native library, and the same in process: both fed in batches, both ending in a sink.

use std::path::PathBuf;
use std::time::Duration;

use acequia::{
    Package, Placement, Sink, Trust, computation_graph, library::Library, passthrough_accumulator, reactor,
};

use super::host::{Feed, Host, Saturated};
use crate::error::BenchError;
use crate::event::Event;
use crate::harness::Running;
use crate::packages;
use crate::resources::Stopwatch;
use crate::tally::{Published, Tally};

/// What the sink records into. One engine at a time runs.
static TALLY: Tally = Tally::new();

#[passthrough_accumulator(capacity = 96)]
fn events(event: Event) -> Event {
    event
}

#[reactor(accumulators = [events], criteria = when_any(events), strategy = sequential)]
struct Line;

#[computation_graph(trigger = reactor(Line), graph = { score(events) -> adjust -> publish })]
mod line {
    use crate::event::Event;
    use crate::nodes::{self, Adjusted, Scored};
    use crate::tally::Published;

    fn score(event: &Event) -> Scored {
        nodes::score(event)
    }

    fn adjust(scored: &Scored) -> Adjusted {
        nodes::adjust(scored)
    }

    fn publish(adjusted: &Adjusted) -> Published {
        nodes::publish(adjusted)
    }
}

fn sink() -> Sink {
    Sink::callback(|published: &Published| TALLY.record(*published))
}

pub(super) fn in_process() -> Result<Box<dyn Running>, BenchError> {
    let host = Host::start(Vec::new(), &[], Placement::Current)?;
    let package = Package::new("lin").with_reactor::<Line>().with_graph::<line::Graph>();
    host.deploy(package, vec![("line".into(), "publish".into(), sink())])?;
    Saturated::over(host, Feed::Batched, &["events"], &TALLY)
}

pub(super) fn in_library() -> Result<Box<dyn Running>, BenchError> {
    let host = Host::start(Vec::new(), &[], Placement::Current)?;
    let package = load(&host, &packages::built("lin", &[]))?;
    host.deploy(package, vec![("line".into(), "publish".into(), sink())])?;
    Saturated::over(host, Feed::Batched, &["events"], &TALLY)
}

fn load(host: &Host, path: &PathBuf) -> Result<Package, BenchError> {
    let started = Library::open(path, &Trust::optional()).and_then(|library| library.init(host.services()));
    let instance =
        started.map_err(|source| BenchError::Start { variant: "library", source: source.into() })?;
    Ok(instance.package())
}

/// How long it takes to judge and read a library that the system has mapped, start it and make
/// declarations of it.
pub(super) fn load_time() -> Result<Duration, BenchError> {
    let host = Host::start(Vec::new(), &[], Placement::Current)?;
    let path = packages::library("lin", &[]);
    load(&host, &path)?;
    let stopwatch = Stopwatch::start();
    load(&host, &path)?;
    Ok(stopwatch.used().wall)
}
