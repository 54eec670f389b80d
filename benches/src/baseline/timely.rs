//! `timely`: one worker, batched input, epochs of 1,024 events.
//!
//! The input is flushed and the worker stepped every 256 events, so that no more are alive; the epoch
//! moves on every 1,024. A stage is an operator; the nodes of a graph run in place in theirs. `fan8` is
//! eight operators in a row on one stream, which copies nothing.

use std::sync::Arc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::{Operator, OutputBuilderSession};
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{Input, Inspect};
use timely::dataflow::{InputHandleVec, StreamVec};
use timely::worker::Worker;

use crate::error::BenchError;
use crate::event::{ALIVE, Event, Source};
use crate::harness::{Mode, Running, Start, Variant};
use crate::nodes;
use crate::tally::{Outcome, Tally};

/// Events per logical time.
const EPOCH: u64 = 1_024;

/// The variant named `timely`.
pub(crate) const fn variant(start: Start) -> Variant {
    Variant { name: "timely", mode: Mode::Sequential, start }
}

pub(crate) fn lin() -> Result<Box<dyn Running>, BenchError> {
    Ok(Box::new(OneInput { build: line, firings_per_event: 1 }))
}

pub(crate) fn fan8() -> Result<Box<dyn Running>, BenchError> {
    Ok(Box::new(OneInput { build: fan, firings_per_event: 8 }))
}

pub(crate) fn chain4() -> Result<Box<dyn Running>, BenchError> {
    Ok(Box::new(OneInput { build: chain, firings_per_event: 1 }))
}

pub(crate) fn join() -> Result<Box<dyn Running>, BenchError> {
    Ok(Box::new(Joined))
}

type Events<'scope> = StreamVec<'scope, u64, Event>;

/// Output of the pairing operator; nothing is sent there, as the graph runs in place.
type Output<'a> = OutputBuilderSession<'a, u64, CapacityContainerBuilder<Vec<Event>>>;

struct OneInput {
    build: for<'scope> fn(Events<'scope>, Arc<Tally>),
    firings_per_event: u64,
}

impl Running for OneInput {
    fn run(&mut self, n_events: u64) -> Result<Outcome, BenchError> {
        let (build, firings_per_event) = (self.build, self.firings_per_event);
        Ok(timely::execute_directly(move |worker| {
            let tally = Arc::new(Tally::default());
            let mut input = InputHandleVec::new();
            worker.dataflow(|scope| build(accumulated(scope.input_from(&mut input)), tally.clone()));
            let mut source = Source::new();
            for sent in 1..=n_events {
                input.send(source.event());
                if sent % ALIVE as u64 == 0 || sent == n_events {
                    turn(&mut input, sent);
                    step(worker, &tally, sent * firings_per_event);
                }
            }
            tally.outcome()
        }))
    }
}

struct Joined;

impl Running for Joined {
    fn run(&mut self, n_events: u64) -> Result<Outcome, BenchError> {
        Ok(timely::execute_directly(move |worker| {
            let tally = Arc::new(Tally::default());
            let (mut left, mut right) = (InputHandleVec::new(), InputHandleVec::new());
            worker.dataflow(|scope| {
                let sides =
                    (accumulated(scope.input_from(&mut left)), accumulated(scope.input_from(&mut right)));
                pairs(sides.0, sides.1, tally.clone());
            });
            let mut source = Source::new();
            for sent in 1..=n_events {
                let side = if sent % 2 == 1 { &mut left } else { &mut right };
                side.send(source.event());
                if sent % ALIVE as u64 == 0 || sent == n_events {
                    turn(&mut left, sent);
                    turn(&mut right, sent);
                    step(worker, &tally, sent / 2);
                }
            }
            tally.outcome()
        }))
    }
}

/// Hands over what was sent, and ends the epoch where it ends.
fn turn(input: &mut InputHandleVec<u64, Event>, sent: u64) {
    if sent.is_multiple_of(EPOCH) {
        input.advance_to(sent / EPOCH);
    } else {
        input.flush();
    }
}

fn step(worker: &mut Worker, tally: &Tally, firings: u64) {
    while tally.firings() < firings {
        worker.step();
    }
}

/// The passthrough accumulator.
fn accumulated(events: Events<'_>) -> Events<'_> {
    events.map(|event| event)
}

fn line(events: Events<'_>, tally: Arc<Tally>) {
    events.inspect(move |event| tally.record(nodes::line(event)));
}

fn fan(mut events: Events<'_>, tally: Arc<Tally>) {
    for _ in 0..8 {
        let tally = tally.clone();
        events = events.inspect(move |event| tally.record(nodes::line(event)));
    }
}

fn chain(events: Events<'_>, tally: Arc<Tally>) {
    let next = |event: Event| nodes::link(&event);
    let end = events.map(next).map(next).map(next).map(next);
    end.inspect(move |event| tally.record(nodes::chain_end(event)));
}

fn pairs<'scope>(left: Events<'scope>, right: Events<'scope>, tally: Arc<Tally>) {
    let _: Events<'scope> = left.binary(right, Pipeline, Pipeline, "pairs", |_, _| {
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        move |left_input, right_input, _output: &mut Output<'_>| {
            left_input.for_each_time(|_, batches| batches.for_each(|batch| lefts.append(batch)));
            right_input.for_each_time(|_, batches| batches.for_each(|batch| rights.append(batch)));
            let n_pairs = lefts.len().min(rights.len());
            for (left, right) in lefts.drain(..n_pairs).zip(rights.drain(..n_pairs)) {
                tally.record(nodes::pair_line(&left, &right));
            }
        }
    });
}
