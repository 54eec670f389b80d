//! `tokio`: what a competent user writes by hand. One task per stage, bounded `mpsc`, one worker.
//!
//! Two hops: source task, accumulator task, reactor task, which calls its graphs in place (for `fan8`
//! all eight: the measured 350 ns belong to that design, not to a task per graph). `chain4` has five
//! hops: four reactors, and one accumulator in front.
//!
//! The two hops share the 256 events that may be alive; measured, channels of 256 each are no faster. The
//! three further channels of `chain4` hold 128 more each, which spares this baseline task switches. One
//! worker is its best setting too: with two, `lin` costs 1.6 times the wall time and 2.6 times the CPU time.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::error::BenchError;
use crate::event::{ALIVE, Event, Source};
use crate::harness::{Mode, Running, Start, Variant};
use crate::latency::{Latencies, Light, Probe, Side, from_inside, from_outside};
use crate::nodes;
use crate::tally::{Outcome, Tally};

/// What one of two hops may hold.
const HOP: usize = ALIVE / 2;

/// The variant named `tokio`.
pub(crate) const fn variant(start: Start) -> Variant {
    Variant { name: "tokio", mode: Mode::Sequential, start }
}

pub(crate) fn lin() -> Result<Box<dyn Running>, BenchError> {
    started(Shape::Lin)
}

pub(crate) fn join() -> Result<Box<dyn Running>, BenchError> {
    started(Shape::Join)
}

pub(crate) fn fan8() -> Result<Box<dyn Running>, BenchError> {
    started(Shape::Fan8)
}

pub(crate) fn chain4() -> Result<Box<dyn Running>, BenchError> {
    started(Shape::Chain4)
}

/// One event at a time through the tasks of `lin`.
pub(crate) fn latency(side: Side, light: Light) -> Result<Latencies, BenchError> {
    let runtime = runtime("tokio")?;
    let probe = Arc::new(Probe::new());
    let (sender, to_accumulator) = channel(HOP);
    let (accumulated, to_reactor) = channel(HOP);
    runtime.handle().spawn(accumulator(to_accumulator, accumulated));
    let at_end = probe.clone();
    runtime.handle().spawn(reactor(to_reactor, move |event| at_end.seen(nodes::line(&event))));
    let push = move |event| sender.try_send(event).map_err(|_| stopped());
    match side {
        Side::Outside => from_outside(light, &probe, push),
        Side::Inside => {
            let task = runtime
                .handle()
                .spawn(from_inside(light, probe, move |event| std::future::ready(push(event))));
            runtime.block_on(task).map_err(|_| stopped())?
        }
    }
}

/// A runtime with one worker thread, as the measured figures had.
pub(crate) fn runtime(variant: &'static str) -> Result<Runtime, BenchError> {
    let built = Builder::new_multi_thread().worker_threads(1).enable_time().build();
    built.map_err(|source| BenchError::Start { variant, source: source.into() })
}

#[derive(Clone, Copy)]
enum Shape {
    Lin,
    Join,
    Fan8,
    Chain4,
}

struct Tasks {
    runtime: Runtime,
    shape: Shape,
}

fn started(shape: Shape) -> Result<Box<dyn Running>, BenchError> {
    Ok(Box::new(Tasks { runtime: runtime("tokio")?, shape }))
}

impl Running for Tasks {
    fn run(&mut self, n_events: u64) -> Result<Outcome, BenchError> {
        let tally = Arc::new(Tally::default());
        let last = tally.clone();
        match self.shape {
            Shape::Lin => self.one_source(n_events, move |to_reactor| {
                reactor(to_reactor, move |event| last.record(nodes::line(&event)))
            }),
            Shape::Fan8 => self.one_source(n_events, move |to_reactor| {
                reactor(to_reactor, move |event| (0..8).for_each(|_| last.record(nodes::line(&event))))
            }),
            Shape::Chain4 => self.chain(n_events, last),
            Shape::Join => self.join(n_events, last),
        }?;
        Ok(tally.outcome())
    }
}

impl Tasks {
    fn one_source<F, R>(&self, n_events: u64, reactor: F) -> Result<(), BenchError>
    where
        F: FnOnce(Receiver<Event>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let (sender, to_accumulator) = channel(HOP);
        let (accumulated, to_reactor) = channel(HOP);
        let handle = self.runtime.handle();
        handle.spawn(accumulator(to_accumulator, accumulated));
        let reactor = handle.spawn(reactor(to_reactor));
        handle.spawn(source(sender, n_events));
        self.runtime.block_on(reactor).map_err(|_| stopped())
    }

    fn chain(&self, n_events: u64, tally: Arc<Tally>) -> Result<(), BenchError> {
        let handle = self.runtime.handle().clone();
        self.one_source(n_events, move |mut upstream| {
            for _ in 0..3 {
                let (sender, downstream) = channel(HOP);
                handle.spawn(link(upstream, sender));
                upstream = downstream;
            }
            reactor(upstream, move |event| tally.record(nodes::chain_end(&nodes::link(&event))))
        })
    }

    fn join(&self, n_events: u64, tally: Arc<Tally>) -> Result<(), BenchError> {
        let handle = self.runtime.handle();
        let (left_sender, left) = self.accumulated();
        let (right_sender, right) = self.accumulated();
        let reactor = handle.spawn(pairs(left, right, tally));
        handle.spawn(alternating_source(left_sender, right_sender, n_events));
        self.runtime.block_on(reactor).map_err(|_| stopped())
    }

    fn accumulated(&self) -> (Sender<Event>, Receiver<Event>) {
        let (sender, to_accumulator) = channel(ALIVE / 4);
        let (accumulated, to_reactor) = channel(ALIVE / 4);
        self.runtime.handle().spawn(accumulator(to_accumulator, accumulated));
        (sender, to_reactor)
    }
}

async fn source(sender: Sender<Event>, n_events: u64) {
    for event in Source::new().take(n_events as usize) {
        if sender.send(event).await.is_err() {
            return;
        }
    }
}

async fn alternating_source(left: Sender<Event>, right: Sender<Event>, n_events: u64) {
    for event in Source::new().take(n_events as usize) {
        let side = if event.sequence % 2 == 0 { &left } else { &right };
        if side.send(event).await.is_err() {
            return;
        }
    }
}

async fn accumulator(mut events: Receiver<Event>, reactor: Sender<Event>) {
    while let Some(event) = events.recv().await {
        if reactor.send(event).await.is_err() {
            return;
        }
    }
}

async fn reactor(mut events: Receiver<Event>, graph: impl Fn(Event)) {
    while let Some(event) = events.recv().await {
        graph(event);
    }
}

async fn link(mut events: Receiver<Event>, next: Sender<Event>) {
    while let Some(event) = events.recv().await {
        if next.send(nodes::link(&event)).await.is_err() {
            return;
        }
    }
}

async fn pairs(mut left: Receiver<Event>, mut right: Receiver<Event>, tally: Arc<Tally>) {
    while let Some(first) = left.recv().await {
        let Some(second) = right.recv().await else { return };
        tally.record(nodes::pair_line(&first, &second));
    }
}

fn stopped() -> BenchError {
    BenchError::Stopped { variant: "tokio" }
}
