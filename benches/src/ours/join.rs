//! `join`: pairs of two accumulators through the graph of `lin`.

use acequia::{Package, computation_graph, passthrough_accumulator, reactor};

use super::host::{Feed, Saturated};
use crate::error::BenchError;
use crate::event::Event;
use crate::harness::Running;
use crate::tally::Tally;

static TALLY: Tally = Tally::new();

#[passthrough_accumulator(capacity = 64)]
fn left(event: Event) -> Event {
    event
}

#[passthrough_accumulator(capacity = 64)]
fn right(event: Event) -> Event {
    event
}

#[reactor(accumulators = [left, right], criteria = when_all(left, right))]
struct Pairs;

#[computation_graph(trigger = reactor(Pairs), graph = { score(left, right) -> adjust -> publish })]
mod pairs {
    use super::TALLY;
    use crate::event::Event;
    use crate::nodes::{self, Adjusted, Scored};
    use crate::tally::Published;

    fn score(left: &Event, right: &Event) -> Scored {
        nodes::score_pair(left, right)
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

pub(super) fn join(feed: Feed) -> Result<Box<dyn Running>, BenchError> {
    let package = Package::new("join").reactor(feed.reactor::<Pairs>()).with_graph::<pairs::Graph>();
    Saturated::start(feed, package, &[], &["left", "right"], &TALLY)
}
