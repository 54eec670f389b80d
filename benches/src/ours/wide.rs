//! `wide`: so many reactors, each with an accumulator and a graph of its own.

use std::sync::Arc;

use acequia::{
    AccumulatorDecl, AccumulatorHandle, GraphBuilder, GraphDecl, Package, Placement, ReactorDecl, Strategy,
    when_any,
};

use super::host::{Host, stopped};
use crate::error::BenchError;
use crate::event::{Event, Source};
use crate::nodes::{self, Adjusted, Scored};
use crate::tally::{Outcome, Tally};
use crate::window::Window;
use crate::workload::wide::{OUTSTANDING, Wide};

/// Reactors of one package.
const PER_PACKAGE: usize = 1_000;

/// What all reactors record into.
struct Board {
    tallies: Vec<Tally>,
    window: Window,
}

struct Reactors {
    host: Host,
    entries: Arc<[AccumulatorHandle<Event>]>,
    board: Arc<Board>,
    sent: u64,
}

pub(super) fn start(n_reactors: usize) -> Result<Box<dyn Wide>, BenchError> {
    let tallies = (0..n_reactors).map(|_| Tally::new()).collect();
    let board = Arc::new(Board { tallies, window: Window::new(OUTSTANDING) });
    let mut packages = Vec::new();
    for first in (0..n_reactors).step_by(PER_PACKAGE) {
        let mut package = Package::new(format!("wide{first}"));
        for number in first..n_reactors.min(first + PER_PACKAGE) {
            package = package.reactor(reactor(number)).graph(graph(number, &board)?);
        }
        packages.push(package);
    }
    let host = Host::start(packages, &[], Placement::Current)?;
    let entries = (0..n_reactors)
        .map(|number| host.accumulator(&format!("events{number}")))
        .collect::<Result<_, _>>()?;
    Ok(Box::new(Reactors { host, entries, board, sent: 0 }))
}

fn reactor(number: usize) -> ReactorDecl {
    let events = format!("events{number}");
    // All that is outstanding may be one reactor's; the window is the only limit.
    let accumulator = AccumulatorDecl::passthrough::<Event>(events.clone()).capacity(OUTSTANDING);
    let mut decl = ReactorDecl::new(format!("Line{number}"), vec![accumulator], when_any([events]));
    decl.strategy = Strategy::Sequential;
    decl
}

/// The graph of `lin`, from closures: each records into a tally of its own.
fn graph(number: usize, board: &Arc<Board>) -> Result<GraphDecl, BenchError> {
    let mut graph = GraphBuilder::new(format!("line{number}"));
    let event = graph.source::<Event>(&format!("events{number}"));
    let scored = graph.node("score", (event,), |(event,)| nodes::score(event));
    let adjusted = graph.node("adjust", (scored,), |(scored,): (&Scored,)| nodes::adjust(scored));
    let board = board.clone();
    let published = graph.node("publish", (adjusted,), move |(adjusted,): (&Adjusted,)| {
        let published = nodes::publish(adjusted);
        board.tallies[number].record(published);
        board.window.finish();
        published
    });
    graph.terminal(published);
    let built = graph.on(format!("Line{number}")).build();
    built.map_err(|source| BenchError::Start { variant: "ours", source: source.into() })
}

impl Wide for Reactors {
    fn run(&mut self, order: &[u32]) -> Result<Vec<Outcome>, BenchError> {
        self.board.tallies.iter().for_each(Tally::clear);
        let (entries, board) = (self.entries.clone(), self.board.clone());
        let (order, mut sent) = (order.to_vec(), self.sent);
        self.sent += order.len() as u64;
        self.host.feed(async move {
            for (reactor, event) in order.iter().zip(Source::new()) {
                board.window.admit(sent).await;
                entries[*reactor as usize].push(event).await.map_err(|_| stopped())?;
                sent += 1;
            }
            board.window.drained(sent).await;
            Ok(())
        })?;
        Ok(self.board.tallies.iter().map(Tally::outcome).collect())
    }
}
