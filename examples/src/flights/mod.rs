//! Real departures, from a file to a table of the worst airports.
//!
//! [`flow`] is what they flow through, `reader` where they come from. [`run`] puts the two into an
//! engine and gathers what its terminals yield; nothing in the result was computed elsewhere.

pub mod chaos;
pub mod departure;
pub mod flow;
mod gather;
pub mod hour;
pub mod kill;
pub mod live;
pub mod progress;
mod reader;
pub mod report;
mod tally;

pub use gather::Gathered;

use acequia::core::cell::EdgeKind;
use acequia::core::graph::GraphBuildError;
use acequia::core::ledger::Imbalance;
use acequia::replay::{Replay, Report};
use acequia::{
    Engine, Entry, Failure, FaultBudget, Guarantee, LetterSummary, Package, Placement, ReactorDef, Recovery,
    ShutdownReport, StartError,
};
use chaos::Chaos;
use departure::Departure;
use live::{Glance, Live};
use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often whoever looks on gets a glance.
const GLANCES: Duration = Duration::from_millis(100);

/// How long accepted departures may take to come through once the file is read.
const DRAIN: Duration = Duration::from_secs(120);

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The departures, as CSV, possibly compressed with zstd.
    pub path: PathBuf,
    /// Make nodes panic, by this seed.
    pub chaos: Option<u64>,
    /// Keep a journal in this folder, and go on where it ends.
    pub durable: Option<PathBuf>,
    /// Read no more than this many departures a second.
    pub rate: Option<u32>,
}

/// What came of it.
#[derive(Debug)]
pub struct Flown {
    /// What the terminals yielded.
    pub gathered: Gathered,
    /// Firings by reactor.
    pub firings: BTreeMap<String, u64>,
    /// Departures that were given up.
    pub dead: Vec<Dead>,
    /// The edge on which departures come in.
    pub ledger: Entry,
    /// The edge on which they reach the graph that may give them up.
    pub deliveries: Entry,
    /// From the engine's start to the last output.
    pub took: Duration,
    /// What a durable run found in its journal.
    pub recovery: Option<Recovery>,
}

/// A departure that was given up.
#[derive(Debug, Clone)]
pub struct Dead {
    /// It.
    pub departure: Departure,
    /// What its last attempt failed with.
    pub cause: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// A run that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum FlightsError {
    /// The engine did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The departures could not be read.
    #[error("the departures cannot be read: {0}")]
    Source(Failure),
    /// An edge of the engine does not balance.
    #[error("{0}: {1}")]
    Ledger(String, Imbalance),
    /// The graph of the tallies is not well formed.
    #[error(transparent)]
    Graph(#[from] GraphBuildError),
    /// The tallies could not be asked for their table.
    #[error("the table could not be asked for: {0}")]
    Table(String),
    /// Something was left after the deadline.
    #[error("the engine stopped with work left: {0}")]
    Unsettled(String),
    /// A dead letter that is not a departure.
    #[error("{} gave up what is no departure: {}", .0.place, .0.value)]
    Letter(Box<LetterSummary>),
}

impl Flown {
    /// Rows that are not in the table, because they died.
    pub fn dead_rows(&self) -> HashSet<u32> {
        self.dead.iter().map(|dead| dead.departure.row).collect()
    }

    /// Departures a second, end to end.
    pub fn events_per_s(&self) -> f64 {
        self.ledger.accepted as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

/// Let the departures of a file flow through an engine. `look` is called now and then.
///
/// # Errors
/// [`FlightsError`].
pub async fn run(options: &Options, mut look: impl FnMut(Glance)) -> Result<Flown, FlightsError> {
    let live = Arc::new(Live::default());
    let builder = Engine::builder().placement(Placement::Shards { n: 1, busy_poll: false });
    let builder = builder.dead_letter_capacity(1 << 20);
    let (sinks, builder) = match &options.durable {
        None => {
            let (gatherer, builder) = gather::attach(builder.package(package(options, &live)), &live);
            (Sinks::InMemory(gatherer), builder)
        }
        Some(folder) => {
            let package = durable(package(options, &live))?;
            let (newest, builder) = tally::attach(builder.package(package).journal(folder), &live);
            (Sinks::Tallied(newest), builder)
        }
    };
    let engine = builder.start().await?;
    let began = engine.clock().now();
    let mut glances = tokio::time::interval(GLANCES);
    let read = loop {
        tokio::select! {
            ended = live.source_end() => break ended,
            _ = glances.tick() => look(live.glance()),
        }
    };
    if let Err(failure) = read {
        engine.shutdown(Duration::ZERO).await;
        return Err(FlightsError::Source(failure));
    }
    if options.durable.is_some() {
        // What an earlier life had summed up already is told by nobody else.
        let tallies =
            engine.reactor(tally::TALLIES).map_err(|error| FlightsError::Table(error.to_string()))?;
        tallies.fire().await.map_err(|error| FlightsError::Table(error.to_string()))?;
    }
    let recovery = engine.recovery();
    // Refuses new events, closes the open hour and batch, and works off what is there.
    let report = engine.shutdown(DRAIN).await;
    let took = engine.clock().now().since(began);
    look(live.glance());
    let Edges { firings, departures, deliveries } = settle(&report)?;
    let dead = engine.dead_letters().list().into_iter().map(dead).collect::<Result<_, _>>()?;
    let gathered = sinks.end();
    Ok(Flown { gathered, firings, dead, ledger: departures, deliveries, took, recovery })
}

/// Go through what a durable run recorded in `folder` again, with the code of today.
///
/// # Errors
/// If it could not be gone through.
pub fn replay(folder: impl Into<PathBuf>) -> Result<Report, Box<dyn Error + Send + Sync>> {
    // Nothing is read from there: the events come from the journal.
    let options = Options { path: PathBuf::new(), chaos: None, durable: None, rate: None };
    let package = durable(package(&options, &Arc::new(Live::default())))?;
    Ok(Replay::of(folder).package(package).run()?)
}

/// Who holds what the terminals yield.
enum Sinks {
    InMemory(Arc<gather::Gatherer>),
    Tallied(Arc<tally::Newest>),
}

impl Sinks {
    fn end(&self) -> Gathered {
        match self {
            Self::InMemory(gatherer) => gatherer.end(),
            Self::Tallied(newest) => newest.end(),
        }
    }
}

/// The same with tallies, and nothing that a crash could take.
fn durable(package: Package) -> Result<Package, GraphBuildError> {
    let package = package.reactor(tally::reactor()).graph(tally::graph()?);
    Ok(package.map_reactors(|mut reactor| {
        let accumulators = std::mem::take(&mut reactor.accumulators);
        reactor.accumulators = accumulators.into_iter().map(|it| it.delivery(Guarantee::Durable)).collect();
        reactor
    }))
}

/// Everything that the departures flow through.
fn package(options: &Options, live: &Arc<Live>) -> Package {
    let mut departures = flow::Departures::decl();
    let source = reader::source(options.path.clone(), options.rate, Arc::clone(live));
    departures.accumulators =
        departures.accumulators.into_iter().map(|it| it.source(source.clone())).collect();
    let alerts = flow::alerts::graph().budget(FaultBudget::unlimited(3));
    let alerts = match options.chaos {
        Some(seed) => Chaos::new(seed).shake(alerts),
        None => alerts,
    };
    Package::new("flights")
        .reactor(departures)
        .with_reactor::<flow::Delays>()
        .with_reactor::<flow::Hours>()
        .with_reactor::<flow::Bulletin>()
        .graph(alerts)
        .with_graph::<flow::pace::Graph>()
        .with_graph::<flow::airports::Graph>()
        .with_graph::<flow::bulletin::Graph>()
}

/// What the edges say, once every one balances and nothing is left.
fn settle(report: &ShutdownReport) -> Result<Edges, FlightsError> {
    if let Err((edge, imbalance)) = report.ledger.check() {
        return Err(FlightsError::Ledger(edge.to_string(), imbalance));
    }
    if !report.unsettled.is_empty() {
        return Err(FlightsError::Unsettled(report.unsettled.to_string()));
    }
    let ledger = &report.ledger;
    let firings = ledger.edges.iter().filter(|(edge, _)| matches!(edge.kind, EdgeKind::Firings));
    Ok(Edges {
        firings: firings.map(|(edge, entry)| (edge.reactor.to_string(), entry.accepted)).collect(),
        departures: ledger.edge("Departures/events/departures").unwrap_or_default(),
        deliveries: ledger.edge("Departures/deliveries/alerts").unwrap_or_default(),
    })
}

struct Edges {
    firings: BTreeMap<String, u64>,
    departures: Entry,
    deliveries: Entry,
}

fn dead(letter: LetterSummary) -> Result<Dead, FlightsError> {
    let departure = letter.value.get(0).cloned().and_then(|value| serde_json::from_value(value).ok());
    match departure {
        Some(departure) => {
            Ok(Dead { departure, cause: letter.cause.unwrap_or(letter.why), attempts: letter.attempts })
        }
        None => Err(FlightsError::Letter(Box::new(letter))),
    }
}
