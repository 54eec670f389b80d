//! A producer that is faster than its graph: who waits, what is dropped, and what the counters say.
//!
//! `cargo run --release --example backpressure`

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use acequia::{
    AccumulatorDecl, Clock, Dropped, Engine, Entry, GraphBuilder, GraphDecl, GraphPlacement, Overflow,
    Package, PushError, ReactorDecl, Settled, Strategy, when_any,
};
use std::error::Error;
use std::time::Duration;

/// Events that each producer wants to get rid of.
const N: u64 = 300;

/// How long the graph takes over each.
const WORK: Duration = Duration::from_micros(200);

/// A package of its own for each policy: an accumulator with room for 8 events, and a slow graph on
/// blocking threads with room for 8 firings.
fn slow(name: &str, events: Overflow, firings: Overflow) -> Result<Package, Box<dyn Error>> {
    let accumulator = AccumulatorDecl::passthrough::<u64>(name).capacity(8).overflow(events);
    let reactor = format!("{name}_reactor");
    let decl = ReactorDecl::new(reactor.clone(), vec![accumulator], when_any([name]));
    let graph = work(name, &reactor)?.overflow(firings).delivery_capacity(8);
    Ok(Package::new(name).reactor(decl.strategy(Strategy::Sequential)).graph(graph))
}

fn work(name: &str, reactor: &str) -> Result<GraphDecl, Box<dyn Error>> {
    let mut graph = GraphBuilder::new(format!("{name}_graph"));
    let number = graph.source::<u64>(name);
    let worked = graph.node("worked", (number,), |(number,)| {
        std::thread::park_timeout(WORK);
        *number
    });
    graph.terminal(worked);
    Ok(graph.on(reactor).build()?.placement(GraphPlacement::Blocking))
}

fn told(entry: &Entry) -> String {
    let [superseded, overflow] =
        [entry.settled_as(Settled::Superseded), entry.dropped_for(Dropped::Overflow)];
    format!("{entry}; of these {superseded} superseded, {overflow} dropped(overflow)")
}

/// `try_push` never waits: when there is no room it hands the event back and says when to come again.
async fn try_push(engine: &Engine) -> Result<(), Box<dyn Error>> {
    let handle = engine.accumulator::<u64>("waits")?;
    let (mut refused, mut hint) = (0_u64, Duration::ZERO);
    for mut event in 0..N {
        while let Err(error) = handle.try_push(event) {
            let PushError::Full { item, retry_after } = error else {
                return Err("the engine stopped".into());
            };
            (event, hint, refused) = (item, retry_after, refused + 1);
            tokio::time::sleep(retry_after).await;
        }
    }
    println!("try_push: {N} events in, {refused} times Full, the last time with retry_after {hint:?}");
    Ok(())
}

/// `push` waits for room: the producer becomes as slow as its graph.
async fn push(engine: &Engine, clock: &Clock) -> Result<(), Box<dyn Error>> {
    let handle = engine.accumulator::<u64>("waits")?;
    let began = clock.now();
    for event in 0..N {
        handle.push(event).await?;
    }
    println!("push: {N} events in, within {:?}, at {WORK:?} and more each", clock.now().since(began));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let policies = [
        ("waits", Overflow::Block, Overflow::Block, "the producer waits for the graph"),
        ("newest", Overflow::DropNewest, Overflow::Block, "a full ring drops the new event"),
        ("oldest", Overflow::DropOldest, Overflow::Block, "a full ring drops its oldest event"),
        ("coalesce", Overflow::Block, Overflow::Coalesce, "a full delivery ring keeps the newest firing"),
        (
            "letters",
            Overflow::Block,
            Overflow::DeadLetter,
            "what a full delivery ring has no room for is kept",
        ),
    ];
    let mut builder = Engine::builder();
    for (name, events, firings, _) in policies {
        builder = builder.package(slow(name, events, firings)?);
    }
    let engine = builder.start().await?;
    try_push(&engine).await?;
    push(&engine, &engine.clock()).await?;
    for (name, ..) in &policies[1..] {
        let handle = engine.accumulator::<u64>(name)?;
        for event in 0..N {
            handle.push(event).await?;
        }
    }
    let report = engine.shutdown(Duration::from_secs(10)).await;
    for (name, _, _, what) in policies {
        println!("\n{name}: {what}");
        for edge in
            [format!("{name}_reactor/events/{name}"), format!("{name}_reactor/deliveries/{name}_graph")]
        {
            println!("  {edge}: {}", told(&report.ledger.edge(&edge).unwrap_or_default()));
        }
    }
    println!("\ndead letters: {}", engine.dead_letters().len());
    println!("every edge balances: {}", report.ledger.check().is_ok() && report.unsettled.is_empty());
    Ok(())
}
