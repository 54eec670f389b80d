//! `latency`: `lin` with a clock in its last node, and the ways to push one event.

use std::future::ready;
use std::sync::{Arc, LazyLock};

use acequia::{Package, Placement, computation_graph, passthrough_accumulator, reactor};

use super::host::{Host, stopped};
use crate::error::BenchError;
use crate::event::Event;
use crate::latency::{Latencies, Light, Probe, Side, from_inside, from_outside};

static PROBE: LazyLock<Arc<Probe>> = LazyLock::new(|| Arc::new(Probe::new()));

const BUSY: Placement = Placement::Shards { n: 1, busy_poll: true };

#[passthrough_accumulator]
fn events(event: Event) -> Event {
    event
}

#[reactor(accumulators = [events], criteria = when_any(events), strategy = sequential)]
struct Line;

#[computation_graph(trigger = reactor(Line), graph = { score(events) -> adjust -> publish })]
mod line {
    use super::PROBE;
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
        PROBE.seen(published);
        published
    }
}

/// The engine sleeps between events, and is woken.
pub(super) fn woken(side: Side, light: Light) -> Result<Latencies, BenchError> {
    pushed(Placement::Current, side, light)
}

/// A shard on a core of its own looks for events all the time.
pub(super) fn busy(side: Side, light: Light) -> Result<Latencies, BenchError> {
    pushed(BUSY, side, light)
}

/// The pushing thread runs the turn.
pub(super) fn inline(_: Side, light: Light) -> Result<Latencies, BenchError> {
    let host = started(Placement::Current)?;
    let entry = host.accumulator("events")?;
    from_outside(light, &PROBE, move |event| entry.push_inline(event).map(drop).map_err(|_| stopped()))
}

fn pushed(placement: Placement, side: Side, light: Light) -> Result<Latencies, BenchError> {
    let host = started(placement)?;
    let entry = host.accumulator("events")?;
    let push = move |event| entry.try_push(event).map(drop).map_err(|_| stopped());
    match side {
        Side::Outside => from_outside(light, &PROBE, push),
        Side::Inside => host.run(from_inside(light, PROBE.clone(), move |event| ready(push(event)))),
    }
}

fn started(placement: Placement) -> Result<Host, BenchError> {
    PROBE.clear();
    let package = Package::new("latency").with_reactor::<Line>().with_graph::<line::Graph>();
    Host::start(vec![package], &[], placement)
}
