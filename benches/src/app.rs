//! The program: reads its arguments, runs the workloads, prints the results.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::probe::{self, Probe};
use crate::workload::{Scale, Workload};
use crate::{json, table, workload};

/// Which form of the program runs.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// What the arguments ask for.
    Asked,
    /// The quick form, for `cargo bench`, which has built the counting program already.
    Quick {
        /// Path of the counting program.
        counted: &'static str,
    },
}

/// Compares Acequia with its baselines and marks each bar met or missed.
#[derive(Debug, Parser)]
#[command(name = "acequia-benches")]
struct Arguments {
    /// What to run; everything if left out.
    workloads: Vec<Workload>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Fewer events and repeats: a look, not a measurement.
    #[arg(long)]
    quick: bool,
    /// The departures, as CSV compressed with zstd.
    #[arg(long, value_name = "PATH")]
    flights: Option<PathBuf>,
    /// Where `durable` writes: it measures this disk. Beside the program if left out.
    #[arg(long, value_name = "PATH")]
    folder: Option<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
    /// Measure one figure, as a child of this program.
    #[arg(long, hide = true, requires = "subject")]
    probe: Option<Probe>,
    /// Whose figure.
    #[arg(long, hide = true)]
    subject: Option<String>,
}

/// Runs the program. It fails on a wrong answer; a missed bar is a result.
pub fn run(form: Form) -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (arguments.probe, &arguments.subject) {
        (Some(probe), Some(subject)) => answer(probe, subject, arguments.quick),
        _ => measure(form, &arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            explain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn answer(probe: Probe, subject: &str, quick: bool) -> Result<(), Box<dyn Error>> {
    let figure = probe::answer(probe, subject, quick)?;
    Ok(writeln!(std::io::stdout(), "{figure}")?)
}

fn measure(form: Form, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let (quick, counted) = match form {
        Form::Asked => (arguments.quick, probe::counting_program()),
        Form::Quick { counted } => (true, Some(PathBuf::from(counted))),
    };
    let mut progress = std::io::stderr();
    if counted.is_none() {
        writeln!(progress, "allocations are not counted: acequia-benches-counted is not there")?;
    }
    let scale =
        Scale { quick, flights: arguments.flights.clone(), counted, folder: arguments.folder.clone() };
    let all = Workload::value_variants();
    let asked = if arguments.workloads.is_empty() { all } else { &arguments.workloads };
    let mut rows = Vec::new();
    for asked in asked {
        writeln!(progress, "{}", format!("{asked:?}").to_lowercase())?;
        rows.extend(workload::run(*asked, &scale)?);
    }
    let text = if arguments.json { json::render(&rows)? } else { table::render(&rows) };
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// The error and its causes, on one line each.
fn explain(error: &dyn Error) {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "{error}");
        cause = error.source();
    }
}
