//! `wide`: events spread over many reactors, in a seeded random order.
//!
//! The only baseline is ours with one reactor; the plain function proves the answers.

use super::Scale;
use crate::error::BenchError;
use crate::event::{Random, Source};
use crate::harness::{Plan, median};
use crate::nodes;
use crate::ours;
use crate::probe::{self, Probe};
use crate::report::{ABSOLUTE, Bar, Row};
use crate::resources::{Stopwatch, Used, resident_kib};
use crate::tally::{Outcome, Tally};

/// Events that may be outstanding in all reactors together.
pub(crate) const OUTSTANDING: usize = 1_024;

const COST: Bar = Bar { baseline: "ours@1", ratio: 4.0 };
const MEMORY: Bar = Bar { baseline: ABSOLUTE, ratio: 32.0 };
const N_REACTORS: [usize; 3] = [1, 1_000, 10_000];

/// Starts so many reactors, each the `lin` shape with an accumulator and a graph of its own.
pub(crate) type Start = fn(usize) -> Result<Box<dyn Wide>, BenchError>;

/// Started reactors.
pub(crate) trait Wide {
    /// Sends the events of a new source to the reactors in `order`, at most [`OUTSTANDING`] at a time, and
    /// returns what each reactor computed.
    fn run(&mut self, order: &[u32]) -> Result<Vec<Outcome>, BenchError>;
}

/// How events are spread.
#[derive(Debug, Clone, Copy)]
enum Law {
    Even,
    Zipf,
}

/// Measures 1, 1,000 and 10,000 reactors in turn.
pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let plan = Plan { n_events: if scale.quick { 100_000 } else { 1_000_000 }, ..scale.plan() };
    let mut rows = Vec::new();
    for (law, mode) in [(Law::Even, "even"), (Law::Zipf, "zipf")] {
        let figures = ours::wide().map(|start| measure(start, law, plan)).transpose()?;
        for (index, metric) in ["wall", "cpu"].into_iter().enumerate() {
            let figure = |reactors: usize| figures.as_ref().map(|figures| figures[reactors][index]);
            let named = [("ours@1", figure(0)), ("ours@1000", figure(1))];
            rows.push(Row {
                id: "wide",
                mode,
                metric,
                unit: "ns/event at 10,000",
                ours: figure(2),
                baselines: named.into_iter().filter_map(|(name, figure)| Some((name, figure?))).collect(),
                bar: Some(COST),
            });
        }
    }
    rows.push(memory_row(scale, "1", "resident", Some(MEMORY))?);
    rows.push(memory_row(scale, "100", "resident after 100", None)?);
    Ok(rows)
}

/// In the child: memory per reactor in KiB after `events_each`.
pub(crate) fn resident_per_reactor(events_each: &str) -> Result<f64, BenchError> {
    let unknown = || BenchError::Subject { subject: events_each.to_owned() };
    let events_each: u64 = events_each.parse().map_err(|_| unknown())?;
    let start = ours::wide().ok_or_else(unknown)?;
    let n_reactors = N_REACTORS[2];
    // One reactor first: what the engine needs once is not charged to each.
    drop(start(1)?);
    let before = resident_kib();
    let mut reactors = start(n_reactors)?;
    // Whatever a reactor allocates on first use is there, and what it remembers of its firings.
    reactors.run(&order(Law::Even, n_reactors, events_each * n_reactors as u64))?;
    Ok((resident_kib() - before) / n_reactors as f64)
}

fn memory_row(
    scale: &Scale,
    events_each: &str,
    metric: &'static str,
    bar: Option<Bar>,
) -> Result<Row, BenchError> {
    let ask = |_| probe::ask(&probe::this_program()?, Probe::WideResident, events_each, scale.quick);
    Ok(Row {
        id: "wide",
        mode: "even",
        metric,
        unit: "KiB/reactor",
        ours: ours::wide().map(ask).transpose()?,
        baselines: vec![(ABSOLUTE, 1.0)],
        bar,
    })
}

/// Wall and CPU nanoseconds per event, for each number of reactors.
fn measure(start: Start, law: Law, plan: Plan) -> Result<Vec<[f64; 2]>, BenchError> {
    let orders = N_REACTORS.map(|n_reactors| order(law, n_reactors, plan.n_events));
    let mut samples: Vec<Vec<Used>> = vec![Vec::new(); N_REACTORS.len()];
    for _ in 0..plan.repeats {
        for ((n_reactors, order), samples) in N_REACTORS.into_iter().zip(&orders).zip(&mut samples) {
            let mut reactors = start(n_reactors)?;
            verify(&reactors.run(order)?, &plain(order, n_reactors))?;
            let stopwatch = Stopwatch::start();
            reactors.run(order)?;
            samples.push(stopwatch.used());
        }
    }
    let per_event = |samples: &Vec<Used>, nanos: fn(&Used) -> f64| {
        median(samples.iter().map(nanos)) / plan.n_events as f64
    };
    let both = |samples| {
        [
            per_event(samples, |used| used.wall.as_nanos() as f64),
            per_event(samples, |used| used.cpu.as_nanos() as f64),
        ]
    };
    Ok(samples.iter().map(both).collect())
}

fn plain(order: &[u32], n_reactors: usize) -> Vec<Outcome> {
    let tallies: Vec<Tally> = (0..n_reactors).map(|_| Tally::default()).collect();
    for (reactor, event) in order.iter().zip(Source::new()) {
        tallies[*reactor as usize].record(nodes::line(&event));
    }
    tallies.iter().map(Tally::outcome).collect()
}

fn verify(got: &[Outcome], expected: &[Outcome]) -> Result<(), BenchError> {
    let n_wrong = got.iter().zip(expected).filter(|(got, expected)| got != expected).count();
    let n_reactors = expected.len();
    if n_wrong == 0 && got.len() == n_reactors {
        Ok(())
    } else {
        Err(BenchError::WrongReactors { n_wrong, n_reactors })
    }
}

/// Which reactor each event goes to.
fn order(law: Law, n_reactors: usize, n_events: u64) -> Vec<u32> {
    let mut random = Random::new(0x00AC_E901_A000_0002);
    match law {
        Law::Even => {
            let mut order: Vec<u32> =
                (0..n_events as usize).map(|index| (index % n_reactors) as u32).collect();
            random.shuffle(&mut order);
            order
        }
        Law::Zipf => zipf(n_reactors, n_events, &mut random),
    }
}

/// Zipf with exponent 1. Ranks are dealt to reactors at random, so that busy ones are not neighbours.
fn zipf(n_reactors: usize, n_events: u64, random: &mut Random) -> Vec<u32> {
    let mut reactors: Vec<u32> = (0..n_reactors as u32).collect();
    random.shuffle(&mut reactors);
    let mut total = 0.0;
    let cumulative: Vec<f64> = (1..=n_reactors)
        .map(|rank| {
            total += 1.0 / rank as f64;
            total
        })
        .collect();
    let draw = |_| {
        let point = random.unit() * total;
        reactors[cumulative.partition_point(|sum| *sum <= point).min(n_reactors - 1)]
    };
    (0..n_events).map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::{Law, order};

    #[test]
    fn even_order_reaches_every_reactor_equally() {
        let mut counts = vec![0; 100];
        order(Law::Even, 100, 10_000).into_iter().for_each(|reactor| counts[reactor as usize] += 1);
        assert!(counts.iter().all(|count| *count == 100));
    }

    #[test]
    fn zipf_order_prefers_few_reactors() {
        let mut counts = vec![0u32; 100];
        order(Law::Zipf, 100, 100_000).into_iter().for_each(|reactor| counts[reactor as usize] += 1);
        counts.sort_unstable();
        // The first of 100 ranks takes one part in the harmonic number 5.187.
        assert!((18_000..21_000).contains(&counts[99]));
    }
}
