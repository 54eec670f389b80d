//! A node that decides by an enum which way a value goes: unit, tuple and struct variants.
//!
//! `cargo run --release --example routing`

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use acequia::{Engine, Package, Sink, computation_graph, passthrough_accumulator, reactor};
use acequia_examples::market::{self, Day};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Trading days of an index.
#[passthrough_accumulator]
fn days(day: Day) -> Day {
    day
}

/// Fires once a day; `sequential` passes over none.
#[reactor(accumulators = [days], criteria = when_any(days), strategy = sequential)]
struct Market;

/// Each variant leads to a node of its own and brings its fields: none, all by position, or those that
/// the node's parameters are named after.
#[computation_graph(
    trigger = reactor(Market),
    graph = {
        decide(days) => { Crash -> halt -> note, Swing -> alert -> note, Calm -> [] },
    }
)]
mod moves {
    use acequia_examples::market::Day;

    pub(super) enum Move {
        Crash { date: String, percent: f64, volume: u64 },
        Swing(String, f64),
        Calm,
    }

    fn decide(day: &Day) -> Move {
        let percent = 100.0 * (day.close - day.open) / day.open;
        match percent {
            p if p <= -4.0 => Move::Crash { date: day.date.clone(), percent, volume: day.volume },
            p if p.abs() >= 3.5 => Move::Swing(day.date.clone(), p),
            _ => Move::Calm,
        }
    }

    // By name, so the order is free.
    fn halt(percent: &f64, date: &String, volume: &u64) -> String {
        format!("{date} crash {percent:+.2} % at a volume of {volume}")
    }

    // By position.
    fn alert(date: &String, percent: &f64) -> String {
        format!("{date} swing {percent:+.2} %")
    }

    // Branches that exclude each other meet in one parameter.
    fn note(text: &String) -> String {
        text.clone()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let package = Package::new("routing").with_reactor::<Market>().with_graph::<moves::Graph>();
    let n_notes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&n_notes);
    let print = Sink::callback(move |note: &String| {
        counted.fetch_add(1, Ordering::Relaxed);
        println!("{note}");
    });
    let engine = Engine::builder().package(package).sink("moves", "note", print).start().await?;
    let days = market::days()?;
    let n_days = days.len() as u64;
    engine.accumulator::<Day>("days")?.push_batch(days).await?;
    engine.shutdown(Duration::from_secs(5)).await;
    let n_notes = n_notes.load(Ordering::Relaxed);
    println!("{n_notes} of {n_days} days stood out; the other {} went the calm way", n_days - n_notes);
    Ok(())
}
