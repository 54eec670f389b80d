//! One accumulator, two reactors: an event is accepted once, worked once, and comes to both.
//!
//! `cargo run --release --example sharing`

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use acequia::{Engine, Package, Sink, computation_graph, passthrough_accumulator, reactor};
use std::time::Duration;

/// Prices in cents; a price of nothing is dropped, once for all who share it.
#[passthrough_accumulator]
fn prices(cents: u64) -> Option<u64> {
    (cents > 0).then_some(cents)
}

/// Sees the newest price.
#[reactor(accumulators = [prices], criteria = when_any(prices))]
struct Board;

/// Sees every price, in order.
#[reactor(accumulators = [prices], criteria = when_any(prices), strategy = sequential)]
struct Journal;

#[computation_graph(trigger = reactor(Board), graph = { show(prices) })]
mod board {
    fn show(cents: &u64) -> u64 {
        *cents
    }
}

#[computation_graph(trigger = reactor(Journal), graph = { note(prices) })]
mod journal {
    fn note(cents: &u64) -> u64 {
        *cents
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let package = Package::new("sharing")
        .with_reactor::<Board>()
        .with_reactor::<Journal>()
        .with_graph::<board::Graph>()
        .with_graph::<journal::Graph>();
    let engine = Engine::builder()
        .package(package)
        .sink("board", "show", Sink::callback(|cents: &u64| println!("board: now {cents}")))
        .sink("journal", "note", Sink::callback(|cents: &u64| println!("journal: {cents}")))
        .start()
        .await?;

    let entry = engine.accumulator::<u64>("prices")?;
    entry.push_batch([1_210, 0, 1_225, 1_190]).await?;

    let report = engine.shutdown(Duration::from_secs(5)).await;
    println!("ledger: {}", report.ledger.events());
    for (edge, entry) in &report.ledger.edges {
        let edge = edge.to_string();
        if edge.contains("/shares/") {
            println!("{edge}: {entry}");
        }
    }
    Ok(())
}
