//! `flights`: the example of that name, from its file to its summary.

use acequia_examples::flights::{Options, run};
use acequia_examples::summary;

use super::host::stopped;
use crate::baseline::flights::{Summary, Totals};
use crate::baseline::tokio::runtime;
use crate::error::BenchError;
use crate::flight::Input;

/// The engine starts and stops within: a file is read once.
pub(super) fn sum(input: &Input) -> Result<Summary, BenchError> {
    let options = Options { path: input.path.clone(), chaos: None, durable: None, rate: None };
    let flown = runtime("ours")?.block_on(run(&options, drop));
    let flown = flown.map_err(|source| BenchError::Start { variant: "ours", source: source.into() })?;
    if flown.dead.is_empty() { Ok(converted(&flown.gathered.summary)) } else { Err(stopped()) }
}

fn converted(summary: &summary::Summary) -> Summary {
    let totals = |totals: &summary::Totals| Totals {
        count: totals.flights,
        delay: totals.delay_min,
        late: totals.over_15,
    };
    Summary {
        n_rows: summary.rows,
        airports: summary.airports.iter().map(|(code, airport)| (*code, totals(airport))).collect(),
        severe: summary.alerts.severe,
        late: summary.alerts.late,
        on_time: summary.alerts.on_time,
        n_windows: summary.n_windows,
        windows: summary.windows,
    }
}
