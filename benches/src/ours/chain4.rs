//! `chain4`: four reactors in a row; the terminal of each of the first three feeds the next accumulator.

use acequia::{Package, computation_graph, passthrough_accumulator, reactor};

use super::host::{Feed, Saturated};
use crate::error::BenchError;
use crate::event::Event;
use crate::harness::Running;
use crate::tally::Tally;

static TALLY: Tally = Tally::new();

macro_rules! link {
    ($accumulator:ident, $reactor:ident, $graph:ident) => {
        #[passthrough_accumulator(capacity = 128)]
        fn $accumulator(event: Event) -> Event {
            event
        }

        #[reactor(accumulators = [$accumulator], criteria = when_any($accumulator))]
        struct $reactor;

        #[computation_graph(
                                    trigger = reactor($reactor),
                                    graph = { weigh($accumulator) -> forward, forward($accumulator) -> [] }
                                )]
        mod $graph {
            use crate::event::Event;
            use crate::nodes;

            fn weigh(event: &Event) -> f64 {
                nodes::weigh(event)
            }

            fn forward(event: &Event, weight: &f64) -> Event {
                nodes::forward(event, *weight)
            }
        }
    };
}

link!(first, First, link1);
link!(second, Second, link2);
link!(third, Third, link3);

#[passthrough_accumulator(capacity = 128)]
fn fourth(event: Event) -> Event {
    event
}

#[reactor(accumulators = [fourth], criteria = when_any(fourth))]
struct Fourth;

#[computation_graph(
    trigger = reactor(Fourth),
    graph = { weigh(fourth) -> forward, forward(fourth) -> end }
)]
mod link4 {
    use super::TALLY;
    use crate::event::Event;
    use crate::nodes;
    use crate::tally::Published;

    fn weigh(event: &Event) -> f64 {
        nodes::weigh(event)
    }

    fn forward(event: &Event, weight: &f64) -> Event {
        nodes::forward(event, *weight)
    }

    fn end(event: &Event) -> Published {
        let published = nodes::chain_end(event);
        TALLY.record(published);
        published
    }
}

pub(super) fn chain4(feed: Feed) -> Result<Box<dyn Running>, BenchError> {
    let package = Package::new("chain4")
        .reactor(feed.reactor::<First>())
        .reactor(feed.reactor::<Second>())
        .reactor(feed.reactor::<Third>())
        .reactor(feed.reactor::<Fourth>())
        .with_graph::<link1::Graph>()
        .with_graph::<link2::Graph>()
        .with_graph::<link3::Graph>()
        .with_graph::<link4::Graph>();
    let links =
        [("link1", "forward", "second"), ("link2", "forward", "third"), ("link3", "forward", "fourth")];
    Saturated::start(feed, package, &links, &["first"], &TALLY)
}
