//! `memory`: resident memory of `lin` after many events and after many more. It must not grow.
//!
//! A child process runs it, because what earlier workloads freed would hide growth.

use super::Scale;
use crate::error::BenchError;
use crate::ours;
use crate::probe::{self, Probe};
use crate::report::{Bar, Row};
use crate::resources::resident_kib;

/// Room for the allocator's own habits, not for growth: [`limit`] is made from the figure after fewer events.
const BAR: Bar = Bar { baseline: "limit", ratio: 1.0 };

/// 1.05 times, and 8 MiB, in KiB.
fn limit(fewer: f64) -> f64 {
    fewer * 1.05 + 8.0 * 1024.0
}

/// Asks a child process for both figures.
pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let figures = match ours::memory() {
        Some(_) => {
            let program = probe::this_program()?;
            let fewer = probe::ask(&program, Probe::Resident, "fewer", scale.quick)?;
            Some((fewer, probe::ask(&program, Probe::Resident, "more", scale.quick)?))
        }
        None => None,
    };
    Ok(vec![Row {
        id: "memory",
        mode: "sequential",
        metric: if scale.quick { "resident, 5 M after 1 M" } else { "resident, 100 M after 10 M" },
        unit: "KiB",
        ours: figures.map(|(_, more)| more),
        baselines: figures.map_or_else(Vec::new, |(fewer, _)| {
            vec![("ours, fewer events", fewer), (BAR.baseline, limit(fewer))]
        }),
        bar: Some(BAR),
    }])
}

/// In the child: resident memory in KiB after `fewer` or `more` events.
pub(crate) fn resident(subject: &str, quick: bool) -> Result<f64, BenchError> {
    let unknown = || BenchError::Subject { subject: subject.to_owned() };
    let n_events = match (subject, quick) {
        ("fewer", true) => 1_000_000,
        ("more", true) => 5_000_000,
        ("fewer", false) => 10_000_000,
        ("more", false) => 100_000_000,
        _ => return Err(unknown()),
    };
    let mut running = ours::memory().ok_or_else(unknown)?()?;
    running.run(n_events)?;
    Ok(resident_kib())
}
