//! Real departures through accumulators, reactors and graphs, to a table of the worst airports.
//!
//! ```text
//! cargo run --release --example flights
//! cargo run --release --example flights -- --all flights-3m.csv.zst --json
//! cargo run --release --example flights -- --chaos 7
//! cargo run --release --example flights -- --durable journal --kills 40
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]

use acequia::Clock;
use acequia::replay::ReactorReport;
use acequia_examples::flights::progress::Progress;
use acequia_examples::flights::{self, Flown, Options, chaos, kill, report, run};
use acequia_examples::{plain, slices};
use clap::Parser;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Stream real departures through Acequia.
#[derive(Debug, Parser)]
struct Arguments {
    /// Read this file (CSV, possibly compressed with zstd) instead of the slice in the repository.
    #[arg(long, value_name = "PATH")]
    all: Option<PathBuf>,
    /// Make nodes panic at random, by this seed.
    #[arg(long, value_name = "SEED")]
    chaos: Option<u64>,
    /// Keep a journal in this folder: killed and started again, the run goes on where it was, and ends with
    /// the same table.
    #[arg(long, value_name = "DIR", conflicts_with = "chaos")]
    durable: Option<PathBuf>,
    /// Kill the durable run that often at random, with SIGKILL, before it may end.
    #[arg(long, value_name = "N", requires = "durable")]
    kills: Option<u32>,
    /// Go through what a durable run has recorded in this folder again, and compare.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["durable", "chaos"])]
    replay: Option<PathBuf>,
    /// Read no more than this many departures a second.
    #[arg(long, value_name = "ROWS")]
    rate: Option<u32>,
    /// Say so once the engine runs.
    #[arg(long, hide = true)]
    announce: bool,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Compare with the plain loop, and fail if the two differ.
    #[arg(long, hide = true)]
    verify: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    fly(Arguments::parse()).await.unwrap_or_else(|error| {
        eprintln!("flights: {error}");
        ExitCode::FAILURE
    })
}

async fn fly(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    if let Some(folder) = arguments.replay {
        return replay(folder);
    }
    if let Some(kills) = arguments.kills {
        eprintln!("killed {} times", kill::run_and_kill(kills)?);
    }
    let path = arguments.all.unwrap_or_else(slices::flights);
    let options = Options { path, chaos: arguments.chaos, durable: arguments.durable, rate: arguments.rate };
    if options.chaos.is_some() {
        chaos::silence();
    }
    let progress = Progress::on_terminal();
    let mut announces = arguments.announce;
    let flown = run(&options, |now| {
        if std::mem::take(&mut announces) {
            println!("{}", kill::STARTED);
        }
        progress.show(now);
    })
    .await;
    progress.end();
    let flown = flown?;
    if arguments.json {
        println!("{}", serde_json::to_string(&report::Report::from(&flown))?);
    } else {
        println!("{}", report::text(&flown));
    }
    if let Some(recovery) = &flown.recovery {
        eprintln!("journal: {} records, recovered {} times", recovery.records, recovery.recoveries);
    }
    if arguments.verify || options.chaos.is_some() || arguments.kills.is_some() {
        return verify(&options.path, &flown);
    }
    Ok(ExitCode::SUCCESS)
}

/// Go through a journal again, and say how many results were compared, reactor by reactor.
fn replay(folder: PathBuf) -> Result<ExitCode, Box<dyn Error>> {
    let report = flights::replay(folder).map_err(|error| error.to_string())?;
    for reactor in &report.reactors {
        let ReactorReport { reactor, turns, events, firings_now, compared, differing, stage, .. } = reactor;
        println!(
            "{reactor}: {turns} turns, {events} events, {firings_now} firings, {compared} results compared, {differing} turns differ; {stage}"
        );
    }
    println!("{}", if report.is_equal() { "equal".to_owned() } else { report.to_string() });
    Ok(if report.is_equal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Run the plain loop over the rows that came through, and compare.
fn verify(path: &Path, flown: &Flown) -> Result<ExitCode, Box<dyn Error>> {
    let clock = Clock::monotonic();
    let expected = plain::sum(path, &flown.dead_rows())?;
    let took = clock.now().as_nanos() as f64 / 1e9;
    let equal = flown.gathered.summary == expected;
    let (told, without) = (if equal { "equal" } else { "DIFFERENT" }, flown.dead.len());
    // Beside the result, which may be JSON.
    eprintln!(
        "plain loop without {without} rows: {told}, in {took:.2} s against {:.2} s",
        flown.took.as_secs_f64()
    );
    Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
