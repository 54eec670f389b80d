//! `memory`: resident memory of `lin` after many events and after many more. It must not grow.
//!
//! A child process runs it, because what earlier workloads freed would hide growth.

use super::Scale;
use crate::error::BenchError;
use crate::folder::{Folder, n_bytes};
use crate::ours::{self, Kept};
use crate::probe::{self, Probe};
use crate::report::{Bar, Row};
use crate::resources::resident_kib;

/// Room for the allocator's own habits, not for growth: [`limit`] is made from the figure after fewer events.
const BAR: Bar = Bar { baseline: "limit", ratio: 1.0 };

/// 1.05 times, and 8 MiB, in KiB.
fn limit(fewer: f64) -> f64 {
    fewer * 1.05 + 8.0 * 1024.0
}

/// What must be gone of the journal after the events of [`durable`].
const TRIMMED: Bar = Bar { baseline: "written", ratio: 0.5 };

/// Asks child processes.
pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let program = probe::this_program()?;
    let ask = |probe, subject| probe::ask(&program, probe, subject, scale.quick);
    let metric = if scale.quick { "resident, 5 M after 1 M" } else { "resident, 100 M after 10 M" };
    let mut rows = Vec::new();
    if ours::memory().is_some() {
        let (fewer, more) = (ask(Probe::Resident, "fewer")?, ask(Probe::Resident, "more")?);
        rows.push(flat("sequential", metric, fewer, more));
    }
    let metric = if scale.quick { "resident, 1 M after 100,000" } else { "resident, 10 M after 1 M" };
    let (fewer, more) = (ask(Probe::Resident, "durable-fewer")?, ask(Probe::Resident, "durable-more")?);
    rows.push(flat("durable", metric, fewer, more));
    rows.push(Row {
        id: "memory",
        mode: "durable",
        metric: "journal on disk at the end",
        unit: "MiB",
        ours: Some(ask(Probe::OnDisk, "durable-more")?),
        baselines: vec![(TRIMMED.baseline, written(durable("more", scale.quick)?))],
        // Fewer events than lie between two checkpoints leave nothing to trim.
        bar: (!scale.quick).then_some(TRIMMED),
    });
    Ok(rows)
}

fn flat(mode: &'static str, metric: &'static str, fewer: f64, more: f64) -> Row {
    Row {
        id: "memory",
        mode,
        metric,
        unit: "KiB",
        ours: Some(more),
        baselines: vec![("ours, fewer events", fewer), (BAR.baseline, limit(fewer))],
        bar: Some(BAR),
    }
}

/// In the child: resident memory in KiB after `fewer` or `more` events.
pub(crate) fn resident(subject: &str, quick: bool) -> Result<f64, BenchError> {
    let unknown = || BenchError::Subject { subject: subject.to_owned() };
    if let Some(subject) = subject.strip_prefix("durable-") {
        let folder = Folder::new(None)?;
        let kept = Kept::start(&folder.fresh("memory")?)?;
        kept.batched(durable(subject, quick)?)?;
        return Ok(resident_kib());
    }
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

/// In the child: MiB of the journal after as many events, before the engine ends.
pub(crate) fn on_disk(subject: &str, quick: bool) -> Result<f64, BenchError> {
    let subject = subject.strip_prefix("durable-").unwrap_or(subject);
    let folder = Folder::new(None)?;
    let path = folder.fresh("memory")?;
    let kept = Kept::start(&path)?;
    kept.batched(durable(subject, quick)?)?;
    Ok(n_bytes(&path)? as f64 / MIB)
}

/// How many durable events.
fn durable(subject: &str, quick: bool) -> Result<u64, BenchError> {
    match (subject, quick) {
        ("fewer", true) => Ok(100_000),
        ("more", true) | ("fewer", false) => Ok(1_000_000),
        ("more", false) => Ok(10_000_000),
        _ => Err(BenchError::Subject { subject: subject.to_owned() }),
    }
}

/// MiB of payloads alone.
fn written(n_events: u64) -> f64 {
    n_events as f64 * PAYLOAD / MIB
}

const MIB: f64 = 1024.0 * 1024.0;
/// Bytes of an event's name and numbers, encoded.
const PAYLOAD: f64 = 184.0;
