//! Two versions of one package, live: loaded, rolled back, held, refused to go, found again after a restart.
//!
//! Prices flow all the while. The signals of each part are those of a plain loop, with the factor of the version
//! that was routed.

use crate::market::Day;
use crate::pricing::{Packages, Signal};
use acequia::core::catalog::{PinChange, PinKind};
use acequia::{CatalogHandle, Engine, Sink};
use serde::Serialize;
use std::fmt::Display;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The package of which there are two versions.
const PACKAGE: &str = "pricing-subscriber";
/// Parts of the days: under the first version, the second, the first again, and after the restart.
const PARTS: usize = 4;
/// How long the engine may take to work a part off.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was done, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What was done.
    pub step: String,
    /// What came of it.
    pub came: String,
}

/// The steps, and the signals of each part.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The signals of each part.
    pub signals: Vec<Vec<Option<f64>>>,
}

/// What went otherwise than it is told.
#[derive(Debug, thiserror::Error)]
#[error("the walk did not go as it is told: {0}")]
pub struct WalkError(String);

/// The engine of one life, with what it gives out.
struct Life {
    engine: Engine,
    catalog: CatalogHandle,
    signals: Arc<Mutex<Vec<Option<f64>>>>,
}

/// Walk through two lives of an engine whose journal lies in `home`.
///
/// # Errors
/// [`WalkError`], where something fails that should not, or does not fail where it should.
pub async fn run(packages: &Packages, next: &Path, days: &[Day], home: &Path) -> Result<Walk, WalkError> {
    let mut walk = Walk { steps: Vec::new(), signals: Vec::new() };
    let mut parts = days.chunks(days.len().div_ceil(PARTS).max(1));
    let mut part = || parts.next().unwrap_or_default();
    let life = Life::begin(home).await?;
    let catalog = &life.catalog;
    for (what, path) in [("the publisher", &packages.publisher), ("the subscriber", &packages.subscriber)] {
        let loaded = catalog.load(path.as_path()).await.map_err(told)?;
        walk.say(format!("load {what}"), format!("version {}", short(loaded.version.as_str())));
    }
    life.listen().await?;
    walk.signals.push(life.push(part()).await?);

    let percent = catalog.load(next).await.map_err(told)?.version;
    walk.say(
        "load its next version",
        format!("version {}, and new work goes there", short(percent.as_str())),
    );
    let (version, start) = catalog.start(PACKAGE, "report-2000").map_err(told)?;
    catalog.pin(vec![hold(&version)]).await.map_err(told)?;
    drop(start);
    walk.say("begin a run", format!("report-2000 holds version {}", short(version.as_str())));
    walk.signals.push(life.push(part()).await?);

    let back = catalog.route(PACKAGE, "0.1.0", Some(percent.clone())).await.map_err(told)?;
    walk.say(
        "route 0.1.0, if the next one is routed",
        format!("back to version {}", short(back.version.as_str())),
    );
    let moved = catalog.route(PACKAGE, "0.1.0", Some(percent.clone())).await;
    walk.refused("the same again", moved)?;
    walk.signals.push(life.push(part()).await?);
    walk.refused("unload the next version", catalog.unload(PACKAGE, Some("0.2.0".into())).await)?;
    walk.list(catalog);
    life.end().await;

    let life = Life::begin(home).await?;
    let catalog = &life.catalog;
    walk.say("start again over the same journal", "");
    walk.list(catalog);
    life.listen().await?;
    walk.signals.push(life.push(part()).await?);
    walk.refused("unload the next version", catalog.unload(PACKAGE, Some("0.2.0".into())).await)?;
    let (_, held) = catalog.unload_when_drained(PACKAGE, Some("0.2.0".into())).await.map_err(told)?;
    walk.say("unload it when drained", format!("held by {held}"));
    catalog.pin(vec![release(&percent)]).await.map_err(told)?;
    walk.say("the run ends", "");
    life.until_gone(&percent).await?;
    walk.list(catalog);
    let (entries, _) = catalog.audit(acequia::store::Lsn::FIRST, 1_000).await.map_err(told)?;
    for entry in entries {
        walk.say("audit", format!("{}: {} of {}", entry.by, entry.what, entry.package));
    }
    life.end().await;
    Ok(walk)
}

/// What the signals of each part must be, by a plain loop over the same days.
pub fn expected(days: &[Day]) -> Vec<Vec<Option<f64>>> {
    let factors = [1.0, 100.0, 1.0, 1.0];
    let mut open = None;
    let parts = days.chunks(days.len().div_ceil(PARTS).max(1)).zip(factors).enumerate();
    let part = |(number, (days, factor)): (usize, (&[Day], f64))| {
        if number == PARTS - 1 {
            // These feeds are not durable: after a restart both must be seen again.
            open = None;
        }
        let mut signals = Vec::with_capacity(2 * days.len());
        for day in days {
            signals.push(open.map(|open| day.close / open * factor));
            open = Some(day.open);
            signals.push(Some(day.close / day.open * factor));
        }
        signals
    };
    parts.map(part).collect()
}

impl Life {
    async fn begin(home: &Path) -> Result<Self, WalkError> {
        let builder = Engine::builder().journal(home.join("journal")).shelf(home.join("shelf"));
        let engine = builder.start().await.map_err(told)?;
        let catalog = engine.catalog().by("operator");
        Ok(Self { engine, catalog, signals: Arc::default() })
    }

    /// Take in what the subscriber gives out.
    async fn listen(&self) -> Result<(), WalkError> {
        let signals = Arc::clone(&self.signals);
        let sink = Sink::callback(move |signal: &Signal| {
            signals.lock().unwrap_or_else(PoisonError::into_inner).push(signal.signal);
        });
        self.engine.attach("price_consumer", "publish", sink).await.map_err(told)
    }

    /// Each day's close, then its open; and the signals that came of them.
    async fn push(&self, days: &[Day]) -> Result<Vec<Option<f64>>, WalkError> {
        let raw = self.engine.accumulator::<f64>("raw_prices").map_err(told)?;
        let normalized = self.engine.accumulator::<f64>("normalized_prices").map_err(told)?;
        for day in days {
            raw.push(day.close).await.map_err(told)?;
            normalized.push(day.open).await.map_err(told)?;
        }
        if !self.engine.settled(PATIENCE).await {
            return Err(told(self.engine.unsettled().await));
        }
        Ok(std::mem::take(&mut *self.signals.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Wait until a version that drains has gone.
    async fn until_gone(&self, version: &acequia::Version) -> Result<(), WalkError> {
        let is_there = || self.catalog.versions().iter().any(|row| row.version == *version);
        for _ in 0..10_000 {
            if !is_there() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err(told("a version that nobody holds does not go"))
    }

    async fn end(self) {
        self.engine.shutdown(Duration::from_secs(5)).await;
    }
}

impl Walk {
    fn say(&mut self, step: impl Into<String>, came: impl Into<String>) {
        self.steps.push(Step { step: step.into(), came: came.into() });
    }

    /// Say why something was refused, as it must be.
    fn refused<T>(&mut self, step: &str, result: Result<T, acequia::DeployError>) -> Result<(), WalkError> {
        match result {
            Ok(_) => Err(told(format!("{step} was not refused"))),
            Err(refusal) => {
                self.say(step, format!("refused: {refusal}"));
                Ok(())
            }
        }
    }

    fn list(&mut self, catalog: &CatalogHandle) {
        for row in catalog.versions() {
            let label = row.label.map(|label| label.to_string()).unwrap_or_default();
            let routed = if row.is_routed { ", routed" } else { "" };
            self.say(
                "listed",
                format!("{} {label}: {}{routed}, held by {}", row.package, row.state, row.pins),
            );
        }
    }
}

fn hold(version: &acequia::Version) -> PinChange {
    let (package, holder) = (PACKAGE.into(), "report-2000".into());
    PinChange::Hold { package, version: version.clone(), kind: PinKind::LiveRun, holder }
}

fn release(version: &acequia::Version) -> PinChange {
    let (package, holder) = (PACKAGE.into(), "report-2000".into());
    PinChange::Release { package, version: version.clone(), kind: PinKind::LiveRun, holder }
}

/// The first characters of a version, for people.
fn short(version: &str) -> &str {
    version.get(..12).unwrap_or(version)
}

fn told(error: impl Display) -> WalkError {
    WalkError(error.to_string())
}
