//! Throughput with a source that never waits: time and allocations per event.

use super::Scale;
use crate::alloc::allocations;
use crate::error::BenchError;
use crate::harness::{Measured, Mode, Variant, compare};
use crate::probe::{self, Probe};
use crate::report::{ABSOLUTE, Bar, Row};

/// Engine allocations per event, at most.
const ALLOCATIONS: Bar = Bar { baseline: ABSOLUTE, ratio: 0.1 };

/// A saturated workload.
pub(crate) struct Saturated {
    pub(crate) id: &'static str,
    /// The first is the reference for every answer.
    pub(crate) baselines: fn() -> Vec<Variant>,
    pub(crate) ours: fn() -> Vec<Variant>,
    pub(crate) bars: &'static [Bar],
}

/// Measures a workload.
pub(crate) fn rows(workload: &Saturated, scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let baselines = (workload.baselines)();
    let variants: Vec<Variant> = baselines.iter().copied().chain((workload.ours)()).collect();
    let measured = compare(workload.id, &variants, scale.plan())?;
    let (baselines, ours) = measured.split_at(baselines.len());
    let sequential = ours.iter().find(|measured| measured.mode == Mode::Sequential);
    let others = ours.iter().filter(|measured| measured.mode != Mode::Sequential);
    let latest = ours.iter().find(|measured| measured.mode == Mode::Latest);
    let mut rows = Vec::new();
    for (metric, figure) in [("wall", wall as fn(&Measured) -> f64), ("cpu", cpu)] {
        let row = Row {
            id: workload.id,
            mode: Mode::Sequential.as_str(),
            metric,
            unit: "ns/event",
            ours: sequential.map(figure),
            baselines: baselines.iter().map(|measured| (measured.name, figure(measured))).collect(),
            bar: None,
        };
        rows.extend(workload.bars.iter().map(|bar| Row { bar: Some(*bar), ..row.clone() }));
        rows.extend(others.clone().map(|measured| Row {
            mode: measured.mode.as_str(),
            ours: Some(figure(measured)),
            ..row.clone()
        }));
    }
    rows.extend(latest.map(|latest| firings(workload, latest)));
    rows.extend(allocation_row(workload, scale)?);
    Ok(rows)
}

/// Allocations per event of one variant, in the counting program.
pub(crate) fn count_allocations(variant: &Variant, n_events: u64) -> Result<f64, BenchError> {
    let mut running = (variant.start)()?;
    running.run(n_events)?;
    let before = allocations();
    running.run(n_events)?;
    Ok((allocations() - before) as f64 / n_events as f64)
}

fn wall(measured: &Measured) -> f64 {
    measured.wall
}

fn cpu(measured: &Measured) -> f64 {
    measured.cpu
}

fn firings(workload: &Saturated, latest: &Measured) -> Row {
    Row {
        id: workload.id,
        mode: latest.mode.as_str(),
        metric: "firings",
        unit: "firings/event",
        ours: Some(latest.firings_per_event),
        baselines: Vec::new(),
        bar: None,
    }
}

/// What each engine allocates beyond what the plain function does for the same events.
fn allocation_row(workload: &Saturated, scale: &Scale) -> Result<Option<Row>, BenchError> {
    let Some(counted) = &scale.counted else { return Ok(None) };
    let own = |variant: &Variant| -> Result<f64, BenchError> {
        let subject = format!("{}/{}/{}", workload.id, variant.name, variant.mode.as_str());
        probe::ask(counted, Probe::Allocations, &subject, scale.quick)
    };
    let baselines = (workload.baselines)();
    let plain = own(&baselines[0])?;
    let mut figures = vec![(ABSOLUTE, 1.0)];
    for baseline in &baselines[1..] {
        figures.push((baseline.name, own(baseline)? - plain));
    }
    let ours = (workload.ours)();
    let sequential = ours.iter().find(|variant| variant.mode == Mode::Sequential);
    let ours = sequential.map(own).transpose()?.map(|count| count - plain);
    Ok(Some(Row {
        id: workload.id,
        mode: Mode::Sequential.as_str(),
        metric: "engine allocations",
        unit: "allocations/event",
        ours,
        baselines: figures,
        bar: Some(ALLOCATIONS),
    }))
}
