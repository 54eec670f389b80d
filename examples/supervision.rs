//! One graph panics beside a healthy one: failed outcomes, dead letters and their replay, quarantine and
//! pardon, and the supervision tree.
//!
//! `cargo run --release --example supervision`

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]
#![expect(clippy::panic, reason = "a panic is what this is about")]

use acequia::core::letter::Place;
use acequia::{
    ChildStatus, Engine, FaultBudget, LetterSummary, Outcome, Package, Sink, SubscriberOutcome,
    computation_graph, passthrough_accumulator, reactor,
};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

#[passthrough_accumulator]
fn numbers(value: i64) -> i64 {
    value
}

#[reactor(accumulators = [numbers], criteria = when_any(numbers), strategy = sequential)]
struct Numbers;

/// Whether the fault in `fragile` was mended.
static MENDED: AtomicBool = AtomicBool::new(false);

#[computation_graph(trigger = reactor(Numbers), graph = { invert(numbers) })]
mod fragile {
    use super::{MENDED, Ordering};

    fn invert(value: &i64) -> i64 {
        if *value % 4 == 0 && !MENDED.load(Ordering::Relaxed) {
            std::panic::panic_any(format!("{value} is more than I can bear"));
        }
        -value
    }
}

#[computation_graph(trigger = reactor(Numbers), graph = { double(numbers) })]
mod healthy {
    fn double(value: &i64) -> i64 {
        value * 2
    }
}

async fn push(engine: &Engine, numbers: std::ops::Range<i64>) -> Result<(), Box<dyn Error>> {
    engine.accumulator::<i64>("numbers")?.push_batch(numbers).await?;
    engine.settled(Duration::from_secs(5)).await;
    Ok(())
}

async fn tree(engine: &Engine) {
    for (package, children) in engine.tree().await {
        println!("  {package}");
        for ChildStatus { name, actor, status } in children {
            println!("    {name} [{}] {status}", actor.as_deref().unwrap_or("no actor"));
        }
    }
}

/// The newest firings, as the log has them: one outcome a graph.
async fn firings(engine: &Engine, n: usize) -> Result<(), Box<dyn Error>> {
    for record in engine.reactor("Numbers")?.firings(n).await {
        let told = |outcome: &SubscriberOutcome| match &outcome.outcome {
            Outcome::Failed(failure) => format!("{} failed ({failure})", outcome.graph),
            other => format!("{} {other:?}", outcome.graph),
        };
        let outcomes: Vec<String> = record.outcomes.iter().map(told).collect();
        println!("  firing {}: {}", record.id.0, outcomes.join(", "));
    }
    Ok(())
}

fn letters(engine: &Engine) {
    for letter in engine.dead_letters().list() {
        let LetterSummary { id, place, value, why, .. } = letter;
        println!("  dead letter {id}: {value} at {place}, counted as {why}");
    }
}

/// The panics of this example are told by the engine; the default hook need not.
fn silence() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<String>().is_none_or(|text| !text.ends_with("I can bear")) {
            told(panic);
        }
    }));
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    silence();
    // Two tries an item; the third dead letter within a minute quarantines the graph.
    let budget = FaultBudget { attempts: 2, dead_letters: 3, faults: 100, window: Duration::from_secs(60) };
    let package = Package::new("numbers")
        .with_reactor::<Numbers>()
        .graph(fragile::graph().budget(budget))
        .with_graph::<healthy::Graph>();
    let counts = [Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0))];
    let count = |at: usize| {
        let count = Arc::clone(&counts[at]);
        Sink::callback(move |_: &i64| {
            count.fetch_add(1, Ordering::Relaxed);
        })
    };
    let builder = Engine::builder().package(package);
    let engine =
        builder.sink("fragile", "invert", count(0)).sink("healthy", "double", count(1)).start().await?;
    let told = |when: &str| {
        let [fragile, healthy] = [&counts[0], &counts[1]].map(|count| count.load(Ordering::Relaxed));
        println!("{when}: fragile yielded {fragile}, healthy {healthy}");
    };

    println!("the tree at start");
    tree(&engine).await;
    push(&engine, 1..8).await?;
    told("\nafter 1 to 7");
    firings(&engine, 5).await?;
    letters(&engine);

    push(&engine, 8..14).await?;
    told("\nafter 8 to 13, with a third dead letter");
    letters(&engine);
    println!("the tree now");
    tree(&engine).await;

    MENDED.store(true, Ordering::Relaxed);
    println!("\nmended; pardoned: {}", engine.pardon("numbers", "graph fragile").await);
    push(&engine, 14..17).await?;
    told("after 14 to 16");
    for letter in engine.dead_letters().at(&Place::Graph("fragile".into())) {
        engine.replay(letter).await?;
    }
    engine.settled(Duration::from_secs(5)).await;
    told("after the replay of the dead letters, to fragile alone");
    println!("\nthe tree at the end");
    tree(&engine).await;
    let report = engine.shutdown(Duration::from_secs(5)).await;
    let deliveries = report.ledger.edge("Numbers/deliveries/fragile").unwrap_or_default();
    println!("ledger of fragile's deliveries: {deliveries}");
    Ok(())
}
