//! `lin`, and `fan8`, which is eight of its graphs on one reactor.

use acequia::{GraphDef, Package, computation_graph, passthrough_accumulator, reactor};

use super::host::{Feed, Saturated};
use crate::error::BenchError;
use crate::event::Event;
use crate::harness::Running;
use crate::tally::Tally;

/// The graph's nodes are plain functions, so what they record into is a static. One engine at a time runs.
static TALLY: Tally = Tally::new();

#[passthrough_accumulator(capacity = 128)]
fn events(event: Event) -> Event {
    event
}

#[reactor(accumulators = [events], criteria = when_any(events))]
struct Line;

#[computation_graph(trigger = reactor(Line), graph = { score(events) -> adjust -> publish })]
mod line {
    use super::TALLY;
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
        let published = nodes::publish(adjusted);
        TALLY.record(published);
        published
    }
}

pub(super) fn lin(feed: Feed) -> Result<Box<dyn Running>, BenchError> {
    let package = Package::new("lin").reactor(feed.reactor::<Line>()).with_graph::<line::Graph>();
    Saturated::start(feed, package, &[], &["events"], &TALLY)
}

pub(super) fn fan8(feed: Feed) -> Result<Box<dyn Running>, BenchError> {
    let mut package = Package::new("fan8").reactor(feed.reactor::<Line>());
    for number in 0..8 {
        package = package.graph(line::Graph::decl().named(format!("line{number}")));
    }
    Saturated::start(feed, package, &[], &["events"], &TALLY)
}
