//! Two packages, compiled apart, that know of each other by name only: loaded, run, and unloaded.
//!
//! ```text
//! cargo run --release --example pricing
//! cargo run --release --example pricing -- --input prices.csv --json
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]

use acequia_examples::{market, pricing, slices};
use clap::Parser;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Walk through the tutorial of two packages.
#[derive(Debug, Parser)]
struct Arguments {
    /// Read this file (CSV: date, open, high, low, close, …) instead of the index in the repository.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Print one JSON object a step instead of a table.
    #[arg(long)]
    json: bool,
}

/// Signals that the table shows from either end.
const SHOWN: usize = 3;

#[tokio::main]
async fn main() -> ExitCode {
    walk(Arguments::parse()).await.unwrap_or_else(|error| {
        eprintln!("pricing: {error}");
        ExitCode::FAILURE
    })
}

async fn walk(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let days = market::read(&arguments.input.unwrap_or_else(slices::sp500))?;
    let packages = tokio::task::spawn_blocking(pricing::built).await??;
    let steps = pricing::run(&packages, &days).await?;
    if arguments.json {
        for step in &steps {
            println!("{}", serde_json::to_string(step)?);
        }
    } else {
        show(&steps);
    }
    let signals = steps.iter().filter_map(|step| step.signal.as_ref().map(serde_json::Value::as_f64));
    let as_expected = signals.eq(pricing::expected(&days));
    // Beside the result, which may be JSON.
    let told = if as_expected { "as a plain loop has them" } else { "NOT those of a plain loop" };
    eprintln!("{} days, {} signals, {told}", days.len(), 2 * days.len());
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every step, and of the signals the first and the last.
fn show(steps: &[pricing::Step]) {
    let mut table = comfy_table::Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(["step", "", "what came of it"]);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    let signals = steps.iter().filter(|step| step.signal.is_some()).count();
    let mut seen = 0;
    for step in steps {
        let came = match (&step.error, &step.signal) {
            (Some(error), _) => error.clone(),
            (None, Some(signal)) => signal.to_string(),
            (None, None) => String::new(),
        };
        if step.signal.is_some() {
            seen += 1;
            if seen == SHOWN + 1 && signals > 2 * SHOWN {
                table.add_row(["…".to_owned(), String::new(), format!("{} more", signals - 2 * SHOWN)]);
            }
            if seen > SHOWN && seen + SHOWN <= signals {
                continue;
            }
        }
        let ok = if step.ok { "done" } else { "refused" };
        table.add_row([step.step.as_str(), ok, &came]);
    }
    println!("{table}");
}
