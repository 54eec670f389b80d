//! `ractor`: an actor per stage, a cast per event, 256 events outstanding.
//!
//! Mailboxes are unbounded, so a [`Window`] holds the source back. Graphs run in place in their reactor's
//! actor. One worker thread, like `tokio`.

use std::collections::VecDeque;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use tokio::runtime::Runtime;

use super::tokio::runtime;
use crate::error::BenchError;
use crate::event::{ALIVE, Event, Source};
use crate::harness::{Mode, Running, Start, Variant};
use crate::latency::{Latencies, Light, Probe, Side, from_inside, from_outside};
use crate::nodes;
use crate::tally::{Outcome, Tally};
use crate::window::Window;

/// The variant named `ractor`.
pub(crate) const fn variant(start: Start) -> Variant {
    Variant { name: "ractor", mode: Mode::Sequential, start }
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

/// One event at a time through the actors of `lin`.
pub(crate) fn latency(side: Side, light: Light) -> Result<Latencies, BenchError> {
    let runtime = runtime("ractor")?;
    let probe = Arc::new(Probe::new());
    let at_end = probe.clone();
    let entry = runtime.block_on(async {
        let reactor = spawn(Stage::Reactor(Box::new(move |event| at_end.seen(nodes::line(&event))))).await?;
        spawn(Stage::Accumulator(reactor)).await
    })?;
    let push = move |event| entry.cast(StageMsg::Event { event }).map_err(|_| stopped());
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

#[derive(Clone, Copy)]
enum Shape {
    Lin,
    Join,
    Fan8,
    Chain4,
}

struct Actors {
    runtime: Runtime,
    shape: Shape,
}

fn started(shape: Shape) -> Result<Box<dyn Running>, BenchError> {
    Ok(Box::new(Actors { runtime: runtime("ractor")?, shape }))
}

impl Running for Actors {
    fn run(&mut self, n_events: u64) -> Result<Outcome, BenchError> {
        let tally = Arc::new(Tally::default());
        let window = Arc::new(Window::new(ALIVE));
        let entries = self.runtime.block_on(entries(self.shape, &tally, &window))?;
        let task = self.runtime.handle().spawn(source(entries, window, n_events));
        self.runtime.block_on(task).map_err(|_| stopped())??;
        Ok(tally.outcome())
    }
}

/// One stage; which one, its state says.
struct StageActor;

enum StageMsg {
    /// An event on its way to the next stage.
    Event { event: Event },
    /// An event of the second accumulator of `join`.
    Right { event: Event },
}

enum Stage {
    Accumulator(ActorRef<StageMsg>),
    RightAccumulator(ActorRef<StageMsg>),
    /// One of the first three reactors of `chain4`.
    Link(ActorRef<StageMsg>),
    Reactor(Box<dyn Fn(Event) + Send>),
    Pairs {
        left: VecDeque<Event>,
        right: VecDeque<Event>,
        fire: Box<dyn Fn(Event, Event) + Send>,
    },
}

impl Actor for StageActor {
    type Msg = StageMsg;
    type State = Stage;
    type Arguments = Stage;

    async fn pre_start(&self, _: ActorRef<StageMsg>, stage: Stage) -> Result<Stage, ActorProcessingErr> {
        Ok(stage)
    }

    async fn handle(
        &self,
        _: ActorRef<StageMsg>,
        message: StageMsg,
        stage: &mut Stage,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            StageMsg::Event { event } => stage.on_event(event),
            StageMsg::Right { event } => stage.on_right(event),
        }
    }
}

impl Stage {
    fn on_event(&mut self, event: Event) -> Result<(), ActorProcessingErr> {
        match self {
            Stage::Accumulator(reactor) => reactor.cast(StageMsg::Event { event })?,
            Stage::RightAccumulator(reactor) => reactor.cast(StageMsg::Right { event })?,
            Stage::Link(next) => next.cast(StageMsg::Event { event: nodes::link(&event) })?,
            Stage::Reactor(graph) => graph(event),
            Stage::Pairs { left, .. } => {
                left.push_back(event);
                self.fire_pairs();
            }
        }
        Ok(())
    }

    fn on_right(&mut self, event: Event) -> Result<(), ActorProcessingErr> {
        if let Stage::Pairs { right, .. } = self {
            right.push_back(event);
            self.fire_pairs();
        }
        Ok(())
    }

    fn fire_pairs(&mut self) {
        let Stage::Pairs { left, right, fire } = self else { return };
        while !left.is_empty() && !right.is_empty() {
            if let (Some(first), Some(second)) = (left.pop_front(), right.pop_front()) {
                fire(first, second);
            }
        }
    }
}

async fn spawn(stage: Stage) -> Result<ActorRef<StageMsg>, BenchError> {
    let spawned = Actor::spawn(None, StageActor, stage).await;
    let (actor, _) =
        spawned.map_err(|source: SpawnErr| BenchError::Start { variant: "ractor", source: source.into() })?;
    Ok(actor)
}

/// Spawns the stages, last first, and returns the accumulators.
async fn entries(
    shape: Shape,
    tally: &Arc<Tally>,
    window: &Arc<Window>,
) -> Result<Vec<ActorRef<StageMsg>>, BenchError> {
    let (tally, window) = (tally.clone(), window.clone());
    let mut reactor = spawn(match shape {
        Shape::Lin => Stage::Reactor(Box::new(move |event| {
            tally.record(nodes::line(&event));
            window.finish();
        })),
        Shape::Fan8 => Stage::Reactor(Box::new(move |event| {
            (0..8).for_each(|_| tally.record(nodes::line(&event)));
            window.finish();
        })),
        Shape::Chain4 => Stage::Reactor(Box::new(move |event| {
            tally.record(nodes::chain_end(&nodes::link(&event)));
            window.finish();
        })),
        Shape::Join => pairs(tally, window),
    })
    .await?;
    if let Shape::Chain4 = shape {
        for _ in 0..3 {
            reactor = spawn(Stage::Link(reactor)).await?;
        }
    }
    let mut entries = vec![spawn(Stage::Accumulator(reactor.clone())).await?];
    if let Shape::Join = shape {
        entries.push(spawn(Stage::RightAccumulator(reactor)).await?);
    }
    Ok(entries)
}

fn pairs(tally: Arc<Tally>, window: Arc<Window>) -> Stage {
    let fire = Box::new(move |left: Event, right: Event| {
        tally.record(nodes::pair_line(&left, &right));
        window.finish();
        window.finish();
    });
    Stage::Pairs { left: VecDeque::new(), right: VecDeque::new(), fire }
}

/// Sends to the accumulators in turn, then waits until the last event is finished. The actors
/// end with their runtime.
async fn source(
    entries: Vec<ActorRef<StageMsg>>,
    window: Arc<Window>,
    n_events: u64,
) -> Result<(), BenchError> {
    let mut source = Source::new();
    for sent in 0..n_events {
        window.admit(sent).await;
        let entry = &entries[sent as usize % entries.len()];
        entry.cast(StageMsg::Event { event: source.event() }).map_err(|_| stopped())?;
    }
    window.drained(n_events).await;
    Ok(())
}

fn stopped() -> BenchError {
    BenchError::Stopped { variant: "ractor" }
}
