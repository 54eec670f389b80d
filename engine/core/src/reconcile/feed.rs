//! Sinks at terminals, and feeds: sinks that lead into an accumulator.

use super::actual::Actual;
use super::plan::GraphRecord;
use super::share::Shares;
use crate::id::{AccumulatorName, GraphName, ReactorName, TerminalName};
use crate::payload::PayloadType;
use std::collections::BTreeSet;

/// A sink that somebody wants at a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkDecl {
    /// The graph.
    pub graph: GraphName,
    /// Its terminal.
    pub terminal: TerminalName,
    /// The type that the sink takes; any, if none.
    pub payload: Option<PayloadType>,
    /// The accumulator that it feeds, if it does.
    pub feeds: Option<AccumulatorName>,
}

/// A terminal that feeds an accumulator. In the order of the fields, so that those of one accumulator lie together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feed {
    /// The accumulator.
    pub accumulator: AccumulatorName,
    /// The graph.
    pub graph: GraphName,
    /// Its terminal.
    pub terminal: TerminalName,
    /// The reactor that the graph is bound to.
    pub from: ReactorName,
    /// The reactor of the accumulator, or its own cell if it is shared.
    pub to: ReactorName,
}

impl Feed {
    /// What lies before all that feed `accumulator`.
    pub(super) fn least_of(accumulator: &AccumulatorName) -> Self {
        Self {
            accumulator: accumulator.clone(),
            graph: "".into(),
            terminal: "".into(),
            from: "".into(),
            to: "".into(),
        }
    }
}

/// A sink that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// There is no such graph.
    #[error("E0401: graph {graph} is not deployed; deploy it first or correct the name")]
    UnknownGraph {
        /// The name.
        graph: GraphName,
    },
    /// The graph has no such terminal.
    #[error("E0402: graph {graph} has no terminal {terminal}; it has {known:?}")]
    UnknownTerminal {
        /// The graph.
        graph: GraphName,
        /// The name.
        terminal: TerminalName,
        /// Those it has.
        known: Vec<TerminalName>,
    },
    /// The sink takes another type.
    #[error(
        "E0403: terminal {graph}.{terminal} yields {offered}, the sink takes {wanted}; use the terminal's type"
    )]
    TypeMismatch {
        /// The graph.
        graph: GraphName,
        /// The terminal.
        terminal: TerminalName,
        /// The terminal's type.
        offered: &'static str,
        /// The sink's type.
        wanted: String,
    },
    /// The accumulator that it feeds is not there.
    #[error("E0404: the sink of {graph}.{terminal} feeds accumulator {accumulator}, which is not deployed")]
    UnknownAccumulator {
        /// The graph.
        graph: GraphName,
        /// The terminal.
        terminal: TerminalName,
        /// The accumulator.
        accumulator: AccumulatorName,
    },
    /// Feeding that accumulator would close a circle.
    #[error(
        "E0405: feeding {accumulator} from {graph}.{terminal} closes a cycle: {path}; break it with a source of your own"
    )]
    Cycle {
        /// The graph.
        graph: GraphName,
        /// The terminal.
        terminal: TerminalName,
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The reactors on the cycle.
        path: String,
    },
    /// The engine is stopping.
    #[error("E0406: the engine is stopping; attach sinks to a running one")]
    Stopping,
}

/// Check a sink against what is loaded; the feed that it makes, if it makes one.
///
/// # Errors
/// [`SinkError`], naming what does not fit.
pub fn check_sink(actual: &Actual, sink: &SinkDecl) -> Result<Option<Feed>, SinkError> {
    let (graph, terminal) = (sink.graph.clone(), sink.terminal.clone());
    let bound =
        actual.graphs.get(&graph).and_then(|owned| Some((&owned.value, owned.value.reactor.clone()?)));
    // What a trigger-less graph yields goes to whoever invoked it.
    let Some((record, from)) = bound else { return Err(SinkError::UnknownGraph { graph }) };
    let offered = offered(record, sink)?;
    if let Some(wanted) = sink.payload.filter(|wanted| !wanted.fits(offered)) {
        let (offered, wanted) = (offered.name(), wanted.name().to_owned());
        return Err(SinkError::TypeMismatch { graph, terminal, offered, wanted });
    }
    let Some(accumulator) = sink.feeds.clone() else { return Ok(None) };
    let Some((to, offer)) = actual.offer(&accumulator) else {
        return Err(SinkError::UnknownAccumulator { graph, terminal, accumulator });
    };
    if !offer.event.fits(offered) {
        let (offered, wanted) = (offered.name(), offer.event.name().to_owned());
        return Err(SinkError::TypeMismatch { graph, terminal, offered, wanted });
    }
    if let Some(path) = path(&actual.feeds, &actual.shares, &to, &from) {
        let path = format!("{from} -> {path}");
        return Err(SinkError::Cycle { graph, terminal, accumulator, path });
    }
    Ok(Some(Feed { graph, terminal, from, accumulator, to }))
}

fn offered(record: &GraphRecord, sink: &SinkDecl) -> Result<PayloadType, SinkError> {
    let known = record.terminals.iter().find(|(name, _)| *name == sink.terminal);
    known.map(|(_, payload)| *payload).ok_or_else(|| SinkError::UnknownTerminal {
        graph: sink.graph.clone(),
        terminal: sink.terminal.clone(),
        known: record.terminals.iter().map(|(name, _)| name.clone()).collect(),
    })
}

/// How events get from one cell to another, through sinks and through what reactors share, if they do.
pub fn path(feeds: &BTreeSet<Feed>, shares: &Shares, from: &ReactorName, to: &ReactorName) -> Option<String> {
    let mut ways = vec![vec![from.clone()]];
    let mut seen = BTreeSet::from([from.clone()]);
    while let Some(way) = ways.pop() {
        let last = way[way.len() - 1].clone();
        if last == *to {
            return Some(way.iter().map(ReactorName::as_str).collect::<Vec<_>>().join(" -> "));
        }
        let fed = feeds.iter().filter(|feed| feed.from == last).map(|feed| &feed.to);
        let shared = shares.get(&last).into_iter().flat_map(|share| &share.value.reactors);
        for next in fed.chain(shared) {
            if seen.insert(next.clone()) {
                ways.push(way.iter().cloned().chain([next.clone()]).collect());
            }
        }
    }
    None
}
