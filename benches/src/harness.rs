//! Interleaved repeats and their medians.

use crate::error::BenchError;
use crate::resources::Stopwatch;
use crate::tally::Outcome;

/// How events are turned into firings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every event fires. The bars are set here.
    Sequential,
    /// The same, with events handed over in batches.
    Batched,
    /// Events that arrive during a firing are folded into the next.
    Latest,
}

impl Mode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Mode::Sequential => "sequential",
            Mode::Batched => "sequential-batch",
            Mode::Latest => "latest",
        }
    }
}

/// One way to do a workload.
#[derive(Clone, Copy)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) mode: Mode,
    pub(crate) start: Start,
}

/// Starts a variant. Called outside the timed part, once per repeat: whatever a variant keeps running in
/// the background is gone while another is timed.
pub(crate) type Start = fn() -> Result<Box<dyn Running>, BenchError>;

/// A started variant, ready for events.
pub(crate) trait Running {
    /// Sends the first `n_events` of a new [`crate::event::Source`] through, saturated, and returns when
    /// the last is finished.
    fn run(&mut self, n_events: u64) -> Result<Outcome, BenchError>;
}

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) n_events: u64,
    pub(crate) repeats: usize,
}

/// Medians of one variant.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) mode: Mode,
    /// Nanoseconds per event.
    pub(crate) wall: f64,
    /// Nanoseconds of all processors per event.
    pub(crate) cpu: f64,
    pub(crate) firings_per_event: f64,
}

/// One timed repeat, per event.
#[derive(Debug, Clone, Copy)]
struct Sample {
    wall: f64,
    cpu: f64,
    firings: f64,
}

/// Checks all variants, then times them in turn. The first variant is the reference.
pub(crate) fn compare(
    workload: &'static str,
    variants: &[Variant],
    plan: Plan,
) -> Result<Vec<Measured>, BenchError> {
    let expected = (variants[0].start)()?.run(plan.n_events)?;
    for variant in variants {
        let outcome = (variant.start)()?.run(plan.n_events)?;
        verify(workload, variant, outcome, expected)?;
    }
    let mut samples = vec![Vec::with_capacity(plan.repeats); variants.len()];
    for round in 0..plan.repeats {
        for turn in 0..variants.len() {
            // Nobody always runs behind the same neighbour.
            let index = (turn + round) % variants.len();
            samples[index].push(repeat(workload, &variants[index], plan, expected)?);
        }
    }
    Ok(variants.iter().zip(&samples).map(|(variant, samples)| summary(variant, samples)).collect())
}

/// The middle of `values`; 0 for none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

fn repeat(
    workload: &'static str,
    variant: &Variant,
    plan: Plan,
    expected: Outcome,
) -> Result<Sample, BenchError> {
    let mut running = (variant.start)()?;
    // Warms caches, the allocator and whatever grows on first use.
    running.run(plan.n_events / 16)?;
    let stopwatch = Stopwatch::start();
    let outcome = running.run(plan.n_events)?;
    let used = stopwatch.used();
    verify(workload, variant, outcome, expected)?;
    let n_events = plan.n_events as f64;
    Ok(Sample {
        wall: used.wall.as_nanos() as f64 / n_events,
        cpu: used.cpu.as_nanos() as f64 / n_events,
        firings: outcome.firings as f64 / n_events,
    })
}

fn verify(
    workload: &'static str,
    variant: &Variant,
    got: Outcome,
    expected: Outcome,
) -> Result<(), BenchError> {
    let right = match variant.mode {
        Mode::Sequential | Mode::Batched => got == expected,
        // Coalescing may skip events, never the last one.
        Mode::Latest => got.last == expected.last && (1..=expected.firings).contains(&got.firings),
    };
    if right { Ok(()) } else { Err(BenchError::Wrong { workload, variant: variant.name, got, expected }) }
}

fn summary(variant: &Variant, samples: &[Sample]) -> Measured {
    Measured {
        name: variant.name,
        mode: variant.mode,
        wall: median(samples.iter().map(|sample| sample.wall)),
        cpu: median(samples.iter().map(|sample| sample.cpu)),
        firings_per_event: median(samples.iter().map(|sample| sample.firings)),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([]), 0.0);
    }
}
