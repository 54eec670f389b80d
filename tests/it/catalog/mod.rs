//! The catalog: versions that outlive a process, routes, pins, and what each operation refuses.

mod boot;
mod drain;
mod example;
mod files;
mod load;
mod model;
mod native;
mod pins;
mod quarantine;
mod route;
mod trim;
mod unload;

use acequia::core::accumulator::Stateful;
use acequia::core::catalog::{Outcome, PinChange, PinKind, Refusal, VersionState};
use acequia::store::Lsn;
use acequia::store::disk::{Cut, SimulatedDisk};
use acequia::store::journal::Settings;
use acequia::testing::{Reader, Taken, TestEngine, TestEngineBuilder, Unreadable};
use acequia::{
    AccumulatorDecl, CatalogHandle, DeployError, DeployPoint, Failure, GraphBuilder, Guarantee, Kind,
    Package, ReactorDecl, Requirement, Source, Strategy, when_any,
};
use std::sync::Arc;

/// Reads packages from texts, as `package=pricing version=v1 label=1.0.0`, so that no test needs a library.
///
/// `kind` is `counter` (a durable reactor that counts, and a graph that puts the version in front), `reshaped`
/// (the same with one reactor more), `fast` (the same, not durable), `other` (the same with another state), `migrating` (that, with a way there
/// from a counter's), `failing` (its start fails) or `subscriber` (a graph at the reactor of the package that
/// `of` names, of a release that `needs` asks for).
pub(crate) struct Texts;

impl Reader for Texts {
    fn read(&self, source: Source, reached: &dyn Fn(DeployPoint)) -> Result<Taken, Unreadable> {
        let archive = match source {
            Source::Bytes(bytes) => bytes,
            Source::Path(path) => std::fs::read(path)
                .map_err(|error| Unreadable { package: None, reason: error.to_string() })?,
        };
        let pairs = Text::of(&archive);
        let of = |key: &str| pairs.get(key).map(ToOwned::to_owned);
        let unreadable = |what: &str| Unreadable {
            package: of("package").map(Into::into),
            reason: format!("the text has no {what}"),
        };
        let package = of("package").ok_or_else(|| unreadable("package"))?;
        let version = of("version").ok_or_else(|| unreadable("version"))?;
        [DeployPoint::LoadVerify, DeployPoint::LoadCopy, DeployPoint::LoadMap, DeployPoint::LoadManifest]
            .into_iter()
            .for_each(reached);
        let text = archive.clone();
        Ok(Taken {
            package: package.into(),
            version: version.into(),
            label: of("label").map(Into::into),
            manifest: of("manifest").map(Into::into),
            archive,
            make: Arc::new(move || declared(&Text::of(&text))),
        })
    }
}

/// Pairs of a key and a value.
struct Text(String);

impl Text {
    fn of(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).into_owned())
    }

    fn get(&self, key: &str) -> Option<&str> {
        let mut pairs = self.0.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == key).map(|(_, value)| value)
    }
}

/// The number in a version, as 2 in `v2`.
fn number(version: &str) -> u64 {
    version.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn declared(text: &Text) -> Package {
    let [package, version] = ["package", "version"].map(|key| text.get(key).unwrap_or_default());
    let mut declared = Package::new(package).version(version);
    if let Some(release) = text.get("label").and_then(|label| label.parse().ok()) {
        declared = declared.release(release);
    }
    let kind = text.get("kind").unwrap_or("counter");
    if kind == "subscriber" {
        let publisher = text.get("of").unwrap_or_default();
        let needs = text.get("needs").and_then(|needs| needs.parse().ok());
        let requirement = Requirement { releases: needs, ..Requirement::of(format!("R-{publisher}")) };
        return declared.requirement(requirement).graph(graph(package, publisher, 0));
    }
    let declared = declared.reactor(counter(package, kind)).graph(graph(package, package, number(version)));
    match kind {
        "reshaped" => declared.reactor(counter(&format!("{package}-more"), kind)),
        "failing" => declared.started_by(|| Err(Failure::error("no port is free"))),
        _ => declared,
    }
}

/// Reactor `R-NAME` over the durable `n-NAME`, which counts its events.
fn counter(name: &str, kind: &str) -> ReactorDecl {
    let accumulator = format!("n-{name}");
    let decl = if matches!(kind, "other" | "migrating") {
        let count = |count: &mut String, event: &u64| {
            count.push('|');
            Ok(Some(vec![count.len() as u64, *event]))
        };
        let decl =
            AccumulatorDecl::new(&*accumulator, Kind::Stream, move || Stateful::new(String::new(), count));
        let strokes = |count: u64| Ok("|".repeat(usize::try_from(count).unwrap_or_default()));
        if kind == "migrating" { decl.migrate(strokes) } else { decl }
    } else {
        let count = |count: &mut u64, event: &u64| {
            *count += 1;
            Ok(Some(vec![*count, *event]))
        };
        AccumulatorDecl::new(&*accumulator, Kind::Stream, move || Stateful::new(0_u64, count))
    };
    let decl = if kind == "fast" { decl } else { decl.delivery(Guarantee::Durable) };
    ReactorDecl::new(format!("R-{name}"), vec![decl], when_any([&*accumulator]))
        .strategy(Strategy::Sequential)
}

/// Graph `g-NAME` at the counter of `at`: what that counted, with `number` in front.
fn graph(name: &str, at: &str, number: u64) -> acequia::GraphDecl {
    let mut graph = GraphBuilder::new(format!("g-{name}"));
    let seen = graph.source::<Vec<u64>>(&*format!("n-{at}"));
    let out = graph.node("out", (seen,), move |(seen,)| [&[number], &seen[..]].concat());
    graph.terminal(out);
    graph.on(format!("R-{at}")).build().unwrap()
}

/// The bytes of a package that is read from a text.
pub(crate) fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// Package `pricing` in `version`.
pub(crate) fn pricing(version: &str) -> Vec<u8> {
    text(&format!("package=pricing version={version}"))
}

/// An engine over `disk` that reads texts.
pub(crate) fn on(disk: &SimulatedDisk) -> TestEngineBuilder {
    let disk = Arc::new(disk.clone());
    TestEngine::builder()
        .with(|engine| engine.journal_on(disk, Settings::small()).package_reader(Arc::new(Texts)))
}

/// The same without a journal.
pub(crate) fn in_memory() -> TestEngineBuilder {
    TestEngine::builder().with(|engine| engine.package_reader(Arc::new(Texts)))
}

/// The power goes, with the process; what is found when it is back.
pub(crate) fn power_cut(engine: TestEngine, disk: &SimulatedDisk) -> SimulatedDisk {
    let found = disk.power_cut(Cut::Torn);
    drop(engine);
    found
}

/// The versions, as `pricing v1 serving` and with a star if it is routed.
pub(crate) fn listed(catalog: &CatalogHandle) -> Vec<String> {
    let rows = catalog.versions().into_iter().map(|row| {
        let state = match &row.state {
            VersionState::Quarantined { .. } => "quarantined".to_owned(),
            other => other.to_string(),
        };
        let pins = if row.pins.total() == 0 { String::new() } else { format!(" ({})", row.pins) };
        format!("{} {}{} {state}{pins}", row.package, row.version, if row.is_routed { "*" } else { "" })
    });
    rows.collect()
}

/// Every audit entry, as `alice: load v2 of pricing` and with ` refused` if it was.
pub(crate) async fn audited(catalog: &CatalogHandle) -> Vec<String> {
    let (entries, _) = catalog.audit(Lsn::FIRST, 1_000).await.unwrap();
    let each = entries.into_iter().map(|entry| {
        let refused = matches!(entry.outcome, Outcome::Refused { .. });
        format!("{}: {} of {}{}", entry.by, entry.what, entry.package, if refused { " refused" } else { "" })
    });
    each.collect()
}

/// Push into the counter of `package`, and what its graph has given out since.
pub(crate) async fn counted(engine: &TestEngine, package: &str, events: &[u64]) -> Vec<Vec<u64>> {
    let probe = engine.probe::<Vec<u64>>(format!("g-{package}"), "out").await;
    engine.push_all(&format!("n-{package}"), events.to_vec()).await;
    engine.settle().await;
    probe.all()
}

/// The refusal that an error is.
pub(crate) fn refusal(error: DeployError) -> Refusal {
    match error {
        DeployError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    }
}

/// `holder` holds a version of package `pricing`.
pub(crate) fn hold(version: &str, kind: PinKind, holder: &str) -> PinChange {
    PinChange::Hold { package: "pricing".into(), version: version.into(), kind, holder: holder.into() }
}

/// It lets go.
pub(crate) fn release(version: &str, kind: PinKind, holder: &str) -> PinChange {
    PinChange::Release { package: "pricing".into(), version: version.into(), kind, holder: holder.into() }
}

/// It goes on holding it for another reason.
pub(crate) fn change(version: &str, from: PinKind, to: PinKind, holder: &str) -> PinChange {
    PinChange::Become { package: "pricing".into(), version: version.into(), from, to, holder: holder.into() }
}

/// Begin a run at the routed version of `package`, as a workflow does: a start, then its record.
pub(crate) async fn live_run(catalog: &CatalogHandle, package: &str, run: &str) {
    let (version, start) = catalog.start(package, run).unwrap();
    let (package, holder) = (package.into(), run.into());
    catalog.pin(vec![PinChange::Hold { package, version, kind: PinKind::LiveRun, holder }]).await.unwrap();
    drop(start);
}
