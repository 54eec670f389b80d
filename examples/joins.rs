//! Any versus all, over two feeds of one index: closes, and volumes that come five days at a time.
//!
//! `cargo run --release --example joins`

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use acequia::{
    AccumulatorDecl, CriteriaDecl, Engine, GraphBuilder, Package, ReactorDecl, Receiver, Strategy, when_all,
    when_any,
};
use acequia_examples::market::{self, Day};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::time::Duration;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Close {
    day: usize,
    close: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Volume {
    day: usize,
    shares: u64,
}

/// What a firing saw of the two feeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Seen {
    close_of: Option<usize>,
    volume_of: Option<usize>,
    dollars: Option<f64>,
}

/// A reactor over both feeds and a graph that joins them: the same twice, but for the criteria. Written
/// with the builder, because macros make one of a kind.
fn join(name: &str, criteria: fn([String; 2]) -> CriteriaDecl) -> Result<Package, Box<dyn Error>> {
    let [closes, volumes] = [format!("{name}_closes"), format!("{name}_volumes")];
    let reactor = ReactorDecl::new(
        name,
        vec![
            AccumulatorDecl::passthrough::<Close>(closes.clone()).capacity(1024),
            AccumulatorDecl::passthrough::<Volume>(volumes.clone()).capacity(1024),
        ],
        criteria([closes.clone(), volumes.clone()]),
    );
    let mut graph = GraphBuilder::new(format!("{name}_graph"));
    let close = graph.source::<Close>(&closes).optional();
    let volume = graph.source::<Volume>(&volumes).optional();
    let seen = graph.node("seen", (close, volume), |(close, volume)| Seen {
        close_of: close.map(|close| close.day),
        volume_of: volume.map(|volume| volume.day),
        dollars: close.zip(volume).map(|(close, volume)| close.close * volume.shares as f64),
    });
    graph.terminal(seen);
    // `sequential`: under `when_any` each boundary fires once, over what is known of the other feed; under
    // `when_all` the k-th of one meets the k-th of the other, however late it is.
    let package = Package::new(name).reactor(reactor.strategy(Strategy::Sequential));
    Ok(package.graph(graph.on(name).build()?))
}

async fn feed(engine: &Engine, name: &str, days: &[Day]) -> Result<(), Box<dyn Error>> {
    let closes = engine.accumulator::<Close>(&format!("{name}_closes"))?;
    let volumes = engine.accumulator::<Volume>(&format!("{name}_volumes"))?;
    for (week, days) in days.chunks(5).enumerate() {
        let at = |day: usize| week * 5 + day;
        let numbered = || days.iter().enumerate();
        closes.push_batch(numbered().map(|(n, day)| Close { day: at(n), close: day.close })).await?;
        volumes.push_batch(numbered().map(|(n, day)| Volume { day: at(n), shares: day.volume })).await?;
    }
    Ok(())
}

fn tell(name: &str, seen: &mut Receiver<Seen>) {
    let seen: Vec<Seen> = std::iter::from_fn(|| seen.try_recv()).collect();
    let same_day = seen.iter().filter(|seen| seen.close_of == seen.volume_of).count();
    let half = seen.iter().filter(|seen| seen.dollars.is_none()).count();
    println!(
        "{name}: {} firings, {same_day} with both of the same day, {half} with one feed only",
        seen.len()
    );
    let dollars: f64 =
        seen.iter().filter(|seen| seen.close_of == seen.volume_of).filter_map(|s| s.dollars).sum();
    println!("  traded on days that met: {:.3} trillion points times shares", dollars / 1e12);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let days = market::days()?;
    let builder = Engine::builder().package(join("any", when_any)?).package(join("all", when_all)?);
    let engine = builder.start().await?;
    let mut any = engine.subscribe::<Seen>("any_graph", "seen", 2048).await?;
    let mut all = engine.subscribe::<Seen>("all_graph", "seen", 2048).await?;
    for name in ["any", "all"] {
        feed(&engine, name, &days).await?;
    }
    println!("two feeds of {} trading days, volumes five days at a time", days.len());
    engine.settled(Duration::from_secs(5)).await;
    tell("when_any", &mut any);
    tell("when_all", &mut all);
    let report = engine.shutdown(Duration::from_secs(5)).await;
    println!("ledger: {}", report.ledger.events());
    Ok(())
}
