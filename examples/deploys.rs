//! Two versions of a package, live: loaded, rolled back, pinned, refused to go, found again after a restart.
//!
//! ```text
//! cargo run --release --example deploys
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]

use acequia_examples::{deploys, market, pricing, slices};
use comfy_table::presets::UTF8_BORDERS_ONLY;
use std::error::Error;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    walk().await.unwrap_or_else(|error| {
        eprintln!("deploys: {error}");
        ExitCode::FAILURE
    })
}

async fn walk() -> Result<ExitCode, Box<dyn Error>> {
    let days = market::read(&slices::sp500())?;
    let packages = tokio::task::spawn_blocking(pricing::built).await??;
    let percent = tokio::task::spawn_blocking(pricing::built_in_percent).await??;
    let home = std::env::temp_dir().join(format!("acequia-deploys-{}", std::process::id()));
    let walked = deploys::run(&packages, &percent, &days, &home).await;
    // What stays behind is the system's to clear.
    let _ = std::fs::remove_dir_all(&home);
    let walked = walked?;
    let mut table = comfy_table::Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(["step", "what came of it"]);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    for step in &walked.steps {
        table.add_row([&step.step, &step.came]);
    }
    println!("{table}");
    let as_expected = walked.signals == deploys::expected(&days);
    let told = if as_expected { "as a plain loop has them" } else { "NOT those of a plain loop" };
    eprintln!("{} days, {} signals, {told}", days.len(), walked.signals.iter().map(Vec::len).sum::<usize>());
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
