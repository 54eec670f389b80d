//! A source of one's own: earthquakes read from a file, oldest first, with offsets. The source dies on the
//! way; the engine starts it again, and it goes on behind the last event that was accepted.
//!
//! `cargo run --release --example custom_source`

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use acequia::{
    Engine, Failure, Package, Sink, SourceDecl, SourceHealth, SourceOut, computation_graph,
    polling_accumulator, reactor, stream_accumulator,
};
use acequia_examples::slices;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One earthquake.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quake {
    magnitude: f64,
    place: String,
}

/// Where the source is to die, once.
const BREAKS_AT: u64 = 250;
static BROKE: AtomicBool = AtomicBool::new(false);

/// The source: an async function that pushes. `push_at` notes the offset of what was accepted, and
/// `resume_after` tells it to the next run.
fn feed() -> SourceDecl {
    SourceDecl::run(|out: SourceOut<Quake>| async move {
        let reading = tokio::task::spawn_blocking(|| std::fs::read(slices::earthquakes()));
        let text = reading.await.map_err(Failure::error)?.map_err(Failure::error)?;
        let resume = out.resume_after().map_or(0, |offset| offset + 1);
        if resume > 0 {
            println!("the source is back and goes on at event {resume}");
        }
        for (offset, quake) in (0_u64..).zip(quakes(&text)?).skip_while(|(offset, _)| *offset < resume) {
            if offset == BREAKS_AT && !BROKE.swap(true, Ordering::Relaxed) {
                return Err(Failure::error("the connection broke"));
            }
            out.push_at(offset, quake).await?;
        }
        Ok(())
    })
}

/// The events of the feed, oldest first; it has the newest first.
fn quakes(text: &[u8]) -> Result<Vec<Quake>, Failure> {
    let feed: serde_json::Value = serde_json::from_slice(text).map_err(Failure::error)?;
    let features = feed["features"].as_array().map(Vec::as_slice).unwrap_or_default();
    let quake = |feature: &serde_json::Value| {
        let properties = &feature["properties"];
        Some(Quake {
            magnitude: properties["mag"].as_f64()?,
            place: properties["place"].as_str()?.to_owned(),
        })
    };
    Ok(features.iter().rev().filter_map(quake).collect())
}

/// The strongest so far; the state is the author's, and survives restarts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Strongest {
    n: u64,
    magnitude: f64,
}

/// Lets an earthquake through if it is the strongest so far.
#[stream_accumulator(source = feed, state = Strongest)]
fn records(seen: &mut Strongest, quake: &Quake) -> Option<(u64, Quake)> {
    seen.n += 1;
    if quake.magnitude <= seen.magnitude {
        return None;
    }
    seen.magnitude = quake.magnitude;
    Some((seen.n, quake.clone()))
}

#[reactor(accumulators = [records], criteria = when_any(records), strategy = sequential)]
struct Records;

#[computation_graph(trigger = reactor(Records), graph = { tell(records) })]
mod strongest {
    use super::Quake;

    fn tell(record: &(u64, Quake)) -> String {
        let (n, quake) = record;
        format!("event {n}: magnitude {:.1}, {}", quake.magnitude, quake.place)
    }
}

/// The other way to have a source: a function that is asked at start and then each interval. `None`
/// means that nothing is new.
#[polling_accumulator(interval = "20ms")]
async fn file_size() -> Option<u64> {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let length = std::fs::metadata(slices::earthquakes()).ok()?.len();
    (!TOLD.swap(true, Ordering::Relaxed)).then_some(length)
}

#[reactor(accumulators = [file_size], criteria = when_any(file_size))]
struct Size;

#[computation_graph(trigger = reactor(Size), graph = { size(file_size) })]
mod sizes {
    fn size(bytes: &u64) -> String {
        format!("polled: the feed has {bytes} bytes")
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let package = Package::new("earthquakes")
        .with_reactor::<Records>()
        .with_graph::<strongest::Graph>()
        .with_reactor::<Size>()
        .with_graph::<sizes::Graph>();
    let print = || Sink::callback(|text: &String| println!("{text}"));
    let builder = Engine::builder().package(package);
    let engine = builder.sink("strongest", "tell", print()).sink("sizes", "size", print()).start().await?;
    // A dead source shows at once: the accumulator is linked to it.
    let mut health = SourceHealth::default();
    while health != SourceHealth::Finished {
        let now = engine.source_health("records")?;
        if now != health {
            println!("the source is {now:?}");
            health = now;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let report = engine.shutdown(Duration::from_secs(5)).await;
    // Every event exactly once, although two runs of the source read the file.
    println!("ledger: {}", report.ledger.edge("Records/events/records").unwrap_or_default());
    Ok(())
}
