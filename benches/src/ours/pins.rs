//! A version that runs hold, and what looking at it costs.

use std::time::Duration;

use acequia_core::Timestamp;
use acequia_core::catalog::{Catalog, Command, Load, Operation, PinChange, PinKind, Refusal};

use crate::error::BenchError;
use crate::resources::Stopwatch;

/// Looks that are timed as one.
const LOOKS: u32 = 500;

/// Holders of a kind that a refusal names.
const NAMED: usize = 100;

/// A catalog with two versions of a package: one that `n_runs` runs hold, and the routed one.
pub(crate) struct Pinned {
    catalog: Catalog,
    n_runs: u64,
}

fn failed(source: impl std::error::Error + Send + Sync + 'static) -> BenchError {
    BenchError::Start { variant: "catalog", source: Box::new(source) }
}

fn command(operation: Operation) -> Command {
    Command::new("bench", Timestamp::ZERO, operation)
}

fn run_name(run: u64) -> String {
    format!("run-{run:08}")
}

impl Pinned {
    /// Half of the runs are live, the others can be resumed.
    pub(crate) fn new(n_runs: u64) -> Result<Self, BenchError> {
        let mut catalog = Catalog::default();
        let done = |catalog: &mut Catalog, operation| {
            let decision = catalog.decide(&command(operation)).map_err(failed)?;
            catalog.apply(&decision.record).map_err(failed)
        };
        done(&mut catalog, Operation::Load(Load::new("pricing", "1111")))?;
        let hold = |run: u64| PinChange::Hold {
            package: "pricing".into(),
            version: "1111".into(),
            kind: if run.is_multiple_of(2) { PinKind::LiveRun } else { PinKind::ResumableRun },
            holder: run_name(run).into(),
        };
        for from in (0..n_runs).step_by(1_000) {
            let runs = from..n_runs.min(from + 1_000);
            // Each came in by the door, and is let go there once it is recorded.
            let snapshot = catalog.snapshot();
            let enter = |run| snapshot.start_at(&"pricing".into(), &"1111".into(), run_name(run));
            let starts = runs.clone().map(enter).collect::<Result<Vec<_>, _>>().map_err(failed)?;
            done(
                &mut catalog,
                Operation::Pin { package: "pricing".into(), changes: runs.map(hold).collect() },
            )?;
            drop(starts);
        }
        done(&mut catalog, Operation::Load(Load::new("pricing", "2222")))?;
        Ok(Self { catalog, n_runs })
    }

    /// How long a refused unload of the version takes to decide. Each must count all holders and name the first.
    pub(crate) fn unload(&self) -> Result<Duration, BenchError> {
        let unload = command(Operation::Unload { package: "pricing".into(), version: Some("1111".into()) });
        self.timed(|| match self.catalog.decide(&unload) {
            Err(Refusal::Held { held, .. }) => {
                let n: u64 = held.iter().map(|held| held.counts.total()).sum();
                let named = held.iter().flat_map(|held| &held.holders).map(|(_, page)| page.holders.len());
                let is_right = n == self.n_runs && named.max().is_some_and(|named| named <= NAMED);
                if is_right { Ok(()) } else { Err(format!("{n} of {} holders", self.n_runs)) }
            }
            Err(other) => Err(other.to_string()),
            Ok(_) => Err("it would be unloaded".to_owned()),
        })
    }

    /// How long it takes to decide that new work goes to the version.
    pub(crate) fn route(&self) -> Result<Duration, BenchError> {
        let (version, expected) = ("1111".into(), None);
        let route = command(Operation::Route { package: "pricing".into(), version, expected });
        self.timed(|| self.catalog.decide(&route).map(drop).map_err(|refusal| refusal.to_string()))
    }

    fn timed(&self, look: impl Fn() -> Result<(), String>) -> Result<Duration, BenchError> {
        let looks = || (0..LOOKS).try_for_each(|_| look());
        let said = |said| BenchError::NotRefused { said };
        // Once without a clock.
        looks().map_err(said)?;
        let stopwatch = Stopwatch::start();
        looks().map_err(said)?;
        Ok(stopwatch.used().wall / LOOKS)
    }
}
