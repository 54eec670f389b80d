//! `durable`: appends that are synced before they are acknowledged, against a file that is synced by hand; and
//! how long it takes to find everything again.
//!
//! Sync times of one disk differ by a factor of ten within a minute, hence short pieces in turn.

use super::Scale;
use crate::baseline::{fsync, handoff};
use crate::error::BenchError;
use crate::folder::Folder;
use crate::harness::median;
use crate::ours::Kept;
use crate::ours::durable::{self, Producers};
use crate::report::{ABSOLUTE, Bar, Row};
use crate::resources::{Stopwatch, Used};

const PAYLOAD: [u8; 256] = [0x5a; 256];
const PRODUCERS: u64 = 64;
const BATCH: u64 = 1024;
const RECOVERED: u64 = 1_000_000;

/// 0.7 of the baseline's rate.
const RATE: Bar = Bar { baseline: "fsync", ratio: 1.428 };
/// A million events a second, in nanoseconds per event.
const MILLION: Bar = Bar { baseline: ABSOLUTE, ratio: 1_000.0 };
const RECOVERY: Bar = Bar { baseline: "read", ratio: 1.5 };

/// One timed piece of work.
type Piece<'a> = Box<dyn Fn() -> Result<Used, BenchError> + 'a>;

/// Measures all three.
pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let folder = Folder::new(scale.folder.as_deref())?;
    let mut rows = one_by_one(&folder, scale)?;
    rows.extend(batched(&folder, scale)?);
    rows.extend(recovery(&folder, scale)?);
    Ok(rows)
}

/// Producers that each wait for their own event; the baseline syncs as many at once.
fn one_by_one(folder: &Folder, scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let n_events = PRODUCERS * if scale.quick { 100 } else { 1_000 };
    let tasks = || {
        let producers = Producers::start(&folder.fresh("ours")?)?;
        timed(|| producers.tasks(PRODUCERS, &PAYLOAD, n_events))
    };
    let threads = || {
        let producers = Producers::start(&folder.fresh("ours")?)?;
        timed(|| producers.threads(PRODUCERS, &PAYLOAD, n_events))
    };
    let engine = || {
        let kept = Kept::start(&folder.fresh("ours")?)?;
        timed(|| kept.tasks(PRODUCERS, n_events))
    };
    let baseline = || {
        let folder = folder.fresh("fsync")?;
        timed(|| fsync::append(&folder, &PAYLOAD, n_events, PRODUCERS))
    };
    let handoff = || {
        let folder = folder.fresh("handoff")?;
        timed(|| handoff::append(&folder, &PAYLOAD, n_events, PRODUCERS))
    };
    let pieces: [Piece<'_>; 5] =
        [Box::new(tasks), Box::new(threads), Box::new(engine), Box::new(handoff), Box::new(baseline)];
    let [tasks, threads, engine, handoff, baseline] = in_turn(scale, pieces)?;
    let [tasks, threads, engine] = [tasks, threads, engine].map(|ours| [ours, baseline.clone()]);
    let mut rows = vec![
        // All of it: reservation, encoding, journal, ring, turn, firing, and the turn's own record.
        row("64 producers, engine", "wall", &engine, n_events, Some(RATE)),
        row("64 producers, engine", "cpu", &engine, n_events, None),
        row("64 producers", "wall", &tasks, n_events, Some(RATE)),
        row("64 producers", "cpu", &tasks, n_events, None),
        // Each event costs two switches between threads, whatever the journal does: told, and not judged.
        row("64 blocking threads", "wall", &threads, n_events, None),
        row("64 blocking threads", "cpu", &threads, n_events, None),
    ];
    // Beside the bar's baseline: what the way to a thread and back costs without any journal.
    for row in &mut rows {
        row.baselines.push(("handoff", per_event(&handoff, row.metric, n_events)));
    }
    Ok(rows)
}

/// Batches, as fast as they are taken.
fn batched(folder: &Folder, scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let n_events = BATCH * if scale.quick { 200 } else { 1_000 };
    let ours = || {
        let producers = Producers::start(&folder.fresh("ours")?)?;
        timed(|| producers.batched(2, &PAYLOAD, n_events, BATCH))
    };
    let baseline = || {
        let folder = folder.fresh("fsync")?;
        timed(|| fsync::append(&folder, &PAYLOAD, n_events, BATCH))
    };
    let measured = in_turn(scale, [Box::new(ours), Box::new(baseline)])?;
    let mode = "batches of 1,024";
    let wall = row(mode, "wall", &measured, n_events, Some(RATE));
    let mut absolute = Row { bar: Some(MILLION), ..wall.clone() };
    absolute.baselines.push((ABSOLUTE, 1.0));
    Ok(vec![wall, absolute, row(mode, "cpu", &measured, n_events, None)])
}

/// Opening a journal of a million records, against reading its files.
fn recovery(folder: &Folder, scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let n_events = if scale.quick { RECOVERED / 5 } else { RECOVERED };
    let folder = folder.fresh("ours")?;
    durable::fill(&folder, &PAYLOAD, n_events)?;
    let ours = || timed(|| durable::recover(&folder, n_events));
    let baseline = || timed(|| fsync::read(&folder));
    let measured = in_turn(scale, [Box::new(ours), Box::new(baseline)])?;
    let read = |mut row: Row| {
        row.baselines[0].0 = "read";
        row
    };
    let mode = "recovery";
    Ok(vec![
        read(row(mode, "wall", &measured, n_events, Some(RECOVERY))),
        read(row(mode, "cpu", &measured, n_events, None)),
    ])
}

fn timed(work: impl FnOnce() -> Result<(), BenchError>) -> Result<Used, BenchError> {
    let stopwatch = Stopwatch::start();
    work()?;
    Ok(stopwatch.used())
}

/// Ours and the baseline in turn; the first round of each warms what there is to warm.
fn in_turn<const N: usize>(scale: &Scale, pieces: [Piece<'_>; N]) -> Result<[Vec<Used>; N], BenchError> {
    let mut measured = [const { Vec::new() }; N];
    for round in 0..=scale.plan().repeats {
        for (piece, measured) in pieces.iter().zip(&mut measured) {
            let used = piece()?;
            if round > 0 {
                measured.push(used);
            }
        }
    }
    Ok(measured)
}

fn row(
    mode: &'static str,
    metric: &'static str,
    [ours, baseline]: &[Vec<Used>; 2],
    n_events: u64,
    bar: Option<Bar>,
) -> Row {
    let middle = |used: &[Used]| per_event(used, metric, n_events);
    Row {
        id: "durable",
        mode,
        metric,
        unit: "ns/event",
        ours: Some(middle(ours)),
        baselines: vec![("fsync", middle(baseline))],
        bar,
    }
}

/// The middle one of several measurements, in nanoseconds.
fn per_event(used: &[Used], metric: &str, n_events: u64) -> f64 {
    let nanos = |used: &Used| if metric == "cpu" { used.cpu } else { used.wall }.as_nanos() as f64;
    median(used.iter().map(nanos)) / n_events as f64
}
