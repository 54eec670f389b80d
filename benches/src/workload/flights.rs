//! `flights`: the real departures, end to end from the file.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::Scale;
use crate::baseline::flights as plain;
use crate::error::BenchError;
use crate::flight::Input;
use crate::harness::median;
use crate::ours;
use crate::report::{Bar, Row};
use crate::resources::{Stopwatch, Used};

/// Reads the departures and sums them up.
pub(crate) type Sum = fn(&Input) -> Result<plain::Summary, BenchError>;

const BAR: Bar = Bar { baseline: "plain", ratio: 1.5 };

/// Measures the plain loop and ours in turn.
pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let Some(path) = path(scale) else {
        note(format_args!("flights: the file is not there; skipped"));
        return Ok(Vec::new());
    };
    note(format_args!("flights: reading {}", path.display()));
    let input = Input { path, limit: u64::MAX };
    let mut variants: Vec<(&'static str, Sum)> = vec![("plain", plain::sum)];
    variants.extend(ours::flights().map(|sum| ("ours", sum)));
    let expected = plain::sum(&input)?;
    let mut samples = vec![Vec::new(); variants.len()];
    for round in 0..=scale.plan().repeats {
        for ((variant, sum), samples) in variants.iter().zip(&mut samples) {
            let stopwatch = Stopwatch::start();
            let summary = sum(&input)?;
            let used = stopwatch.used();
            if summary != expected {
                return Err(BenchError::WrongSummary { variant });
            }
            // The first round proves the answers and warms the page cache.
            if round > 0 {
                samples.push(used);
            }
        }
    }
    Ok(report(&samples, expected.n_rows as f64))
}

fn report(samples: &[Vec<Used>], n_rows: f64) -> Vec<Row> {
    let row = |metric, bar, nanos: fn(&Used) -> f64| {
        let middle = |used: &Vec<Used>| median(used.iter().map(nanos)) / n_rows;
        Row {
            id: "flights",
            mode: "sequential",
            metric,
            unit: "ns/departure",
            ours: samples.get(1).map(middle),
            baselines: vec![("plain", middle(&samples[0]))],
            bar,
        }
    };
    vec![
        row("wall", Some(BAR), |used| used.wall.as_nanos() as f64),
        row("cpu", None, |used| used.cpu.as_nanos() as f64),
    ]
}

/// The slice beside the examples, unless another file is named.
fn path(scale: &Scale) -> Option<PathBuf> {
    let slice = || {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(|root| root.join("examples/data/flights.csv.zst"))
    };
    scale.flights.clone().or_else(slice).filter(|path| path.exists())
}

fn note(text: std::fmt::Arguments<'_>) {
    // A closed stderr is no reason to stop measuring.
    let _ = writeln!(std::io::stderr(), "{text}");
}
