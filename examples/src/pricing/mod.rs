//! The tutorial of two packages that know of each other by name only, step by step, each refusal included.
//!
//! Day by day the close goes into `raw_prices`, then the open into `normalized_prices`. `PriceReactor` fires
//! for each, so the signals are close(n) / open(n - 1) and close(n) / open(n); the very first has no ratio.

mod packages;
mod steps;

pub use packages::{BuildError, built, built_in_percent};
pub use steps::Step;

use crate::market::Day;
use acequia::{Engine, Load, LoadError, OpenError, Sink, UnloadError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the engine may take to work the whole file off.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the subscriber publishes: declared here anew, since only its shape has to agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Raw over normalized; nothing until both were seen.
    pub signal: Option<f64>,
}

/// The folders of the two packages, each with a built library.
#[derive(Debug, Clone)]
pub struct Packages {
    /// Owns `PriceReactor`.
    pub publisher: PathBuf,
    /// Owns `price_consumer`, which is bound to it.
    pub subscriber: PathBuf,
}

/// What went wrong, where nothing should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PricingError {
    /// The engine did not start, or a handle was not there.
    #[error("the tutorial did not run as it is told: {0}")]
    Engine(String),
    /// Not all prices were worked off.
    #[error("after {PATIENCE:?} there is {0}; try again on a machine that is less busy")]
    Slow(String),
    /// The books do not balance.
    #[error("the ledger does not balance: {0}")]
    Ledger(String),
}

/// Walk through the tutorial. Refusals are steps of it, not errors.
///
/// # Errors
/// [`PricingError`], where something fails that should not.
pub async fn run(packages: &Packages, days: &[Day]) -> Result<Vec<Step>, PricingError> {
    let engine = Engine::builder().start().await.map_err(told)?;
    let signals = Arc::new(Mutex::new(Vec::new()));
    let mut steps = vec![load(&engine, "subscriber, too early", &packages.subscriber, None).await];
    steps.push(load(&engine, "publisher", &packages.publisher, None).await);
    steps.push(load(&engine, "subscriber", &packages.subscriber, Some(&signals)).await);
    push(&engine, days).await?;
    let taken = std::mem::take(&mut *signals.lock().unwrap_or_else(PoisonError::into_inner));
    steps.extend(taken.into_iter().map(|signal: Signal| Step::signal(signal.signal)));
    for package in ["pricing-publisher", "pricing-subscriber", "pricing-publisher"] {
        steps.extend(unload(&engine, package).await);
    }
    let report = engine.shutdown(Duration::from_secs(5)).await;
    report
        .ledger
        .check()
        .map_err(|(edge, imbalance)| PricingError::Ledger(format!("{edge}: {imbalance}")))?;
    Ok(steps)
}

/// What the signals must be, by a plain loop over the same days.
pub fn expected(days: &[Day]) -> Vec<Option<f64>> {
    let mut signals = Vec::with_capacity(2 * days.len());
    let mut open = None;
    for day in days {
        signals.push(open.map(|open| day.close / open));
        open = Some(day.open);
        signals.push(Some(day.close / day.open));
    }
    signals
}

async fn load(engine: &Engine, what: &str, path: &Path, signals: Option<&Arc<Mutex<Vec<Signal>>>>) -> Step {
    let step = format!("load the {what}");
    let package = match engine.open(path).await {
        Ok(package) => package,
        Err(error) => return Step::failed(step, OpenError::to_string(&error)),
    };
    let mut load = Load::new(package);
    if let Some(signals) = signals.cloned() {
        let sink = Sink::callback(move |signal: &Signal| {
            signals.lock().unwrap_or_else(PoisonError::into_inner).push(signal.clone());
        });
        load = load.sink("price_consumer", "publish", sink);
    }
    match engine.load(load).await {
        Ok(_) => Step::done(step),
        Err(error) => Step::failed(step, LoadError::to_string(&error)),
    }
}

/// Each day's close, then its open.
async fn push(engine: &Engine, days: &[Day]) -> Result<(), PricingError> {
    let raw = engine.accumulator::<f64>("raw_prices").map_err(told)?;
    let normalized = engine.accumulator::<f64>("normalized_prices").map_err(told)?;
    for day in days {
        raw.push(day.close).await.map_err(told)?;
        normalized.push(day.open).await.map_err(told)?;
    }
    if engine.settled(PATIENCE).await {
        Ok(())
    } else {
        Err(PricingError::Slow(engine.unsettled().await.to_string()))
    }
}

/// The unload itself, and what went with it.
async fn unload(engine: &Engine, package: &str) -> Vec<Step> {
    let step = format!("unload {package}");
    match engine.unload(package).await {
        Ok(report) => {
            let torn = report.steps.into_iter().map(Step::done);
            torn.chain([Step::done(step)]).collect()
        }
        Err(error) => vec![Step::failed(step, UnloadError::to_string(&error))],
    }
}

fn told(error: impl std::fmt::Display) -> PricingError {
    PricingError::Engine(error.to_string())
}
