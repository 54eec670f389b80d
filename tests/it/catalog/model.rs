//! Random operations with restarts and power cuts at any call of the disk, against a plain model.

use super::{listed, on, power_cut, text};
use acequia::CatalogHandle;
use acequia::core::catalog::{PinChange, PinKind};
use acequia::store::disk::SimulatedDisk;
use acequia::testing::TestEngine;
use acequia_tests::eventually;
use std::collections::{BTreeMap, BTreeSet};

/// What anybody would write down of a catalog.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model(BTreeMap<String, Versions>);

#[derive(Debug, Clone, Default, PartialEq)]
struct Versions {
    /// In the order of deploys, with whether they drain.
    loaded: Vec<(String, bool)>,
    route: Option<String>,
    runs: BTreeSet<(String, String)>,
}

#[derive(Debug, Clone)]
enum Operation {
    Load(String, String),
    Route(String, String),
    Unload(String, Option<String>),
    Drain(String, String),
    Cancel(String, String),
    Begin(String, String),
    End(String, String),
}

impl Versions {
    fn holds(&self, version: &str) -> bool {
        self.runs.iter().any(|(held, _)| held == version)
    }

    fn drains(&mut self, version: &str) -> Option<&mut bool> {
        self.loaded.iter_mut().find(|(known, _)| known == version).map(|(_, drains)| drains)
    }

    /// Whatever drained is gone.
    fn settle(&mut self) {
        let held: BTreeSet<String> = self.runs.iter().map(|(version, _)| version.clone()).collect();
        self.loaded.retain(|(version, drains)| !drains || held.contains(version));
    }

    /// Carry an operation out; false if it is refused.
    fn apply(&mut self, operation: &Operation) -> bool {
        let done = match operation {
            Operation::Load(_, version) => {
                if self.drains(version).is_none() {
                    self.loaded.push((version.clone(), false));
                }
                self.serve(version)
            }
            Operation::Route(_, version) => self.serve(version),
            Operation::Unload(_, version) => self.unload(version.as_ref()),
            Operation::Drain(_, version) => self.route.as_ref() != Some(version) && self.set(version, true),
            Operation::Cancel(_, version) => {
                self.drains(version).is_some_and(|drains| *drains) && self.set(version, false)
            }
            Operation::Begin(_, run) => {
                let begun = self.route.clone().map(|version| self.runs.insert((version, run.clone())));
                begun.is_some()
            }
            Operation::End(_, run) => {
                self.runs.retain(|(_, known)| known != run);
                true
            }
        };
        self.settle();
        done
    }

    /// New work goes there, and it does not drain.
    fn serve(&mut self, version: &str) -> bool {
        let is_loaded = self.set(version, false);
        if is_loaded {
            self.route = Some(version.to_owned());
        }
        is_loaded
    }

    fn set(&mut self, version: &str, draining: bool) -> bool {
        self.drains(version).map(|drains| *drains = draining).is_some()
    }

    fn unload(&mut self, version: Option<&String>) -> bool {
        let goes = match version {
            Some(version) => {
                let is_routed = self.route.as_ref() == Some(version);
                self.drains(version).is_some() && !is_routed && !self.holds(version)
            }
            None => !self.loaded.is_empty() && self.runs.is_empty(),
        };
        match version.filter(|_| goes) {
            Some(version) => self.loaded.retain(|(known, _)| known != version),
            None if goes => *self = Self::default(),
            None => {}
        }
        goes
    }

    fn rows(&self, package: &str) -> Vec<String> {
        let row = |(version, drains): &(String, bool)| {
            let star = if self.route.as_ref() == Some(version) { "*" } else { "" };
            let state = if *drains { "draining" } else { "serving" };
            let held = match self.runs.iter().filter(|(held, _)| held == version).count() {
                0 => String::new(),
                1 => " (1 live run)".to_owned(),
                n => format!(" ({n} live runs)"),
            };
            format!("{package} {version}{star} {state}{held}")
        };
        self.loaded.iter().map(row).collect()
    }
}

impl Model {
    fn rows(&self) -> Vec<String> {
        self.0.iter().flat_map(|(package, versions)| versions.rows(package)).collect()
    }

    fn apply(&mut self, operation: &Operation) -> bool {
        self.0.entry(operation.package().to_owned()).or_default().apply(operation)
    }
}

impl Operation {
    fn package(&self) -> &str {
        match self {
            Self::Load(package, _)
            | Self::Route(package, _)
            | Self::Unload(package, _)
            | Self::Drain(package, _)
            | Self::Cancel(package, _)
            | Self::Begin(package, _)
            | Self::End(package, _) => package,
        }
    }

    fn any(dice: &mut Dice, model: &Model) -> Self {
        let package = ["a", "b"][dice.below(2)].to_owned();
        let version = format!("v{}", dice.below(3) + 1);
        let run = format!("run-{}", dice.below(4));
        match dice.below(12) {
            0..3 => Self::Load(package, version),
            3..5 => Self::Route(package, version),
            5 => Self::Unload(package, Some(version)),
            6 => Self::Unload(package, None),
            7 => Self::Drain(package, version),
            8 => Self::Cancel(package, version),
            9..11 => Self::Begin(package.clone(), run_of(model, &package, run)),
            _ => Self::End(package, run),
        }
    }

    /// Have the catalog carry it out; whether it did.
    async fn ask(&self, catalog: &CatalogHandle, model: &Model) -> bool {
        match self {
            Self::Load(package, version) => {
                catalog.load(text(&format!("package={package} version={version}"))).await.is_ok()
            }
            Self::Route(package, version) => catalog.route(&**package, &**version, None).await.is_ok(),
            Self::Unload(package, version) => {
                catalog.unload(&**package, version.as_deref().map(Into::into)).await.is_ok()
            }
            Self::Drain(package, version) => {
                catalog.unload_when_drained(&**package, Some((&**version).into())).await.is_ok()
            }
            Self::Cancel(package, version) => {
                catalog.cancel_drain(&**package, Some((&**version).into())).await.is_ok()
            }
            Self::Begin(package, run) => {
                let Ok((version, start)) = catalog.start(&**package, &**run) else { return false };
                let (package, holder) = ((&**package).into(), (&**run).into());
                let hold = PinChange::Hold { package, version, kind: PinKind::LiveRun, holder };
                let held = catalog.pin(vec![hold]).await.is_ok();
                drop(start);
                held
            }
            Self::End(package, run) => {
                let held = model.0.get(package).into_iter().flat_map(|versions| &versions.runs);
                let release = held.filter(|(_, known)| known == run).map(|(version, run)| {
                    let (package, version, holder) =
                        ((&**package).into(), (&**version).into(), (&**run).into());
                    PinChange::Release { package, version, kind: PinKind::LiveRun, holder }
                });
                let changes: Vec<_> = release.collect();
                changes.is_empty() || catalog.pin(changes).await.is_ok()
            }
        }
    }
}

/// A run that is at work already is not begun again elsewhere.
fn run_of(model: &Model, package: &str, run: String) -> String {
    let known =
        model.0.get(package).is_some_and(|versions| versions.runs.iter().any(|(_, known)| *known == run));
    if known { format!("{run}-more") } else { run }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

async fn demand(catalog: &CatalogHandle, model: &Model, what: &str) {
    let rows = model.rows();
    eventually(&format!("{what}: {rows:?}"), async || listed(catalog) == rows).await;
}

/// The power goes at some call of an operation; after the restart it was done, or it was not.
async fn cut_within(
    engine: TestEngine,
    disk: &SimulatedDisk,
    dice: &mut Dice,
    model: &mut Model,
    seen: &mut Seen,
) -> SimulatedDisk {
    let operation = &Operation::any(dice, model);
    disk.power_off_at(dice.below(12) as u64);
    let acknowledged = operation.ask(&engine.catalog(), model).await;
    let found = power_cut(engine, disk);
    seen.cut += 1;
    seen.cut_and_told += u32::from(acknowledged);
    let mut after = model.clone();
    let is_done = after.apply(operation);
    assert!(is_done || !acknowledged, "{operation:?} was not refused");
    let engine = on(&found).start().await;
    let catalog = engine.catalog();
    if acknowledged {
        *model = after;
        demand(&catalog, model, "acknowledged, and found again").await;
    } else {
        let either = async || [model.rows(), after.rows()].contains(&listed(&catalog));
        eventually(&format!("{operation:?} done or not done: {:?}", after.rows()), either).await;
        if listed(&catalog) == after.rows() {
            seen.cut_and_done += u32::from(*model != after);
            *model = after;
        }
        demand(&catalog, model, "and it stays so").await;
    }
    assert_eq!(catalog.boot_report().left_out, []);
    power_cut(engine, &found)
}

/// What came up, so that a run in which nothing did is no success.
#[derive(Debug, Default)]
struct Seen {
    done: u32,
    refused: u32,
    cut: u32,
    cut_and_told: u32,
    cut_and_done: u32,
}

#[tokio::test(start_paused = true)]
async fn after_any_operations_restarts_and_power_cuts_the_catalog_is_what_was_acknowledged() {
    let seeds = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(6_u64);
    let mut seen = Seen::default();
    for seed in 0..seeds {
        let (mut dice, mut model) = (Dice(seed), Model::default());
        let mut disk = SimulatedDisk::new(seed);
        for life in 0..8 {
            let engine = on(&disk).start().await;
            demand(&engine.catalog(), &model, &format!("seed {seed}, life {life}")).await;
            for _ in 0..dice.below(9) {
                let operation = Operation::any(&mut dice, &model);
                let before = model.clone();
                let expected = model.apply(&operation);
                let done = operation.ask(&engine.catalog(), &before).await;
                assert_eq!(done, expected, "seed {seed}, life {life}: {operation:?} on {before:?}");
                *(if done { &mut seen.done } else { &mut seen.refused }) += 1;
                demand(&engine.catalog(), &model, &format!("seed {seed}, life {life}: {operation:?}")).await;
            }
            disk = cut_within(engine, &disk, &mut dice, &mut model, &mut seen).await;
        }
    }
    println!("{seen:?}");
    assert!(seen.done > 50 && seen.refused > 20 && seen.cut_and_told > 5, "{seen:?}");
    assert!(seen.cut_and_told + 10 < seen.cut, "most cuts come before the answer: {seen:?}");
}
