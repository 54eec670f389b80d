//! `latency`: `lin`, one event at a time, until the last node has run.

use super::Scale;
use crate::baseline::{plain, ractor, tokio};
use crate::error::BenchError;
use crate::harness::median;
use crate::latency::{Latencies, Light, Side};
use crate::ours;
use crate::report::{Bar, Row};
use crate::tally::Outcome;

/// Starts an idle engine and sends it events from one side.
pub(crate) type Measure = fn(Side, Light) -> Result<Latencies, BenchError>;

/// One way to push an event.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// One of [`BARS`].
    pub(crate) mode: &'static str,
    pub(crate) measure: Measure,
}

/// Ways to push, the side they are on and the bar for the median.
const BARS: [(&str, Side, Bar); 4] = [
    ("in", Side::Inside, Bar { baseline: "tokio", ratio: 0.6 }),
    ("out-woken", Side::Outside, Bar { baseline: "tokio", ratio: 1.05 }),
    ("out-inline", Side::Outside, Bar { baseline: "tokio", ratio: 0.1 }),
    ("out-busy", Side::Outside, Bar { baseline: "tokio", ratio: 0.1 }),
];

/// A variant, where it pushes from, and what its repeats showed.
struct Series {
    name: &'static str,
    side: Side,
    measure: Measure,
    samples: Vec<Latencies>,
}

impl Series {
    fn new(name: &'static str, side: Side, measure: Measure) -> Self {
        Self { name, side, measure, samples: Vec::new() }
    }

    fn median(&self, figure: fn(&Latencies) -> f64) -> f64 {
        median(self.samples.iter().map(figure)) / 1_000.0
    }
}

/// Measures all ways in turn.
pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let n_events = if scale.quick { 500 } else { 2_000 };
    let expected = plain::lin()?.run(n_events)?;
    let ours = ours::latency();
    let mut series = Vec::new();
    for side in [Side::Inside, Side::Outside] {
        series.push(Series::new("tokio", side, tokio::latency));
        series.push(Series::new("ractor", side, ractor::latency));
    }
    for (mode, side, _) in BARS {
        let way = ours.iter().find(|way| way.mode == mode);
        series.extend(way.map(|way| Series::new(mode, side, way.measure)));
    }
    for _ in 0..scale.plan().repeats {
        for series in &mut series {
            let light = Light { n_events, variant: series.name };
            let latencies = (series.measure)(series.side, light)?;
            verify(series.name, latencies.outcome, expected)?;
            series.samples.push(latencies);
        }
    }
    Ok(BARS.iter().flat_map(|(mode, side, bar)| report(&series, mode, *side, *bar)).collect())
}

/// In the child: the median of one way of ours, or of `tokio` from inside, in microseconds.
pub(crate) fn median_of(subject: &str) -> Result<f64, BenchError> {
    let light = Light { n_events: 2_000, variant: "ours" };
    let unknown = || BenchError::Subject { subject: subject.to_owned() };
    let (side, measure): (Side, Measure) = if subject == "tokio" {
        (Side::Inside, tokio::latency)
    } else {
        let (_, side, _) = BARS.into_iter().find(|(mode, ..)| *mode == subject).ok_or_else(unknown)?;
        let way = ours::latency().into_iter().find(|way| way.mode == subject).ok_or_else(unknown)?;
        (side, way.measure)
    };
    Ok(measure(side, light)?.p50 / 1_000.0)
}

fn verify(variant: &'static str, got: Outcome, expected: Outcome) -> Result<(), BenchError> {
    if got == expected {
        Ok(())
    } else {
        Err(BenchError::Wrong { workload: "latency", variant, got, expected })
    }
}

fn report(series: &[Series], mode: &'static str, side: Side, bar: Bar) -> [Row; 2] {
    let row = |metric, bar, figure: fn(&Latencies) -> f64| {
        let baseline = |series: &&Series| series.side == side && ["tokio", "ractor"].contains(&series.name);
        Row {
            id: "latency",
            mode,
            metric,
            unit: "us",
            ours: series.iter().find(|series| series.name == mode).map(|series| series.median(figure)),
            baselines: series
                .iter()
                .filter(baseline)
                .map(|series| (series.name, series.median(figure)))
                .collect(),
            bar,
        }
    };
    [row("p50", Some(bar), |latencies| latencies.p50), row("p99", None, |latencies| latencies.p99)]
}
