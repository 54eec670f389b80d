//! The smallest engine: numbers in, their squares out.
//!
//! `cargo run --release --example hello`

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use acequia::{Engine, Package, Sink, computation_graph, passthrough_accumulator, reactor};
use std::time::Duration;

/// Turns each event into a boundary; here it hands it on as it is.
#[passthrough_accumulator]
fn numbers(value: u64) -> u64 {
    value
}

/// Fires at every boundary, one after another.
#[reactor(accumulators = [numbers], criteria = when_any(numbers), strategy = sequential)]
struct Numbers;

/// Runs at every firing. A node that nothing follows is a terminal.
#[computation_graph(trigger = reactor(Numbers), graph = { square(numbers) -> tell })]
mod squares {
    fn square(value: &u64) -> u64 {
        value * value
    }

    fn tell(square: &u64) -> String {
        format!("hello, {square}")
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let package = Package::new("hello").with_reactor::<Numbers>().with_graph::<squares::Graph>();
    let print = Sink::callback(|text: &String| println!("{text}"));
    let engine = Engine::builder().package(package).sink("squares", "tell", print).start().await?;
    let numbers = engine.accumulator::<u64>("numbers")?;
    for n in 1..=5 {
        numbers.push(n).await?;
    }
    let report = engine.shutdown(Duration::from_secs(5)).await;
    println!("ledger: {}", report.ledger.events());
    Ok(())
}
