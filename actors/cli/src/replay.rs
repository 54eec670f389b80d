//! `replay`: what a journal recorded, again.

use crate::answer::{Answer, table};
use crate::args;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::store::look;
use crate::store::scratch::Scratch;
use crate::store::staged;
use acequia::replay::{Change, Replay, Report, Stage};
use acequia::store::Lsn;
use acequia_host::Verified;
use acequia_host::archive::{Contents, Limits};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

pub(crate) fn run(replay: args::Replay) -> Result<Answer, CommandError> {
    let kept = Kept::of(&replay)?;
    let packages = if replay.package.is_empty() { kept.files } else { replay.package };
    let asked = Replay::of(replay.journal).until(Lsn(replay.until)).examples(replay.examples);
    let report = packages.into_iter().fold(asked, Replay::open).run()?;
    let exit = match (report.is_equal(), report.damage) {
        (true, _) => Exit::Done,
        (false, Some(_)) if report.n_differing() == 0 => Exit::Damaged,
        _ => Exit::Different,
    };
    Ok(Answer { text: text(&report), json: in_json(&report), exit })
}

/// The packages that lie beside the journal, where none was named.
struct Kept {
    files: Vec<PathBuf>,
    _scratch: Option<Scratch>,
}

impl Kept {
    fn of(replay: &args::Replay) -> Result<Self, CommandError> {
        if !replay.package.is_empty() {
            return Ok(Self { files: Vec::new(), _scratch: None });
        }
        let (disk, scratch) = (look(&replay.journal, "looking for packages", 1)?, Scratch::new()?);
        let (mut files, mut names) = (Vec::new(), BTreeSet::new());
        for (_, archive) in staged::all(&disk)? {
            // One that is damaged is not replayed; `store check` tells of it.
            let Ok(archive) = archive else { continue };
            let package = Verified::new(Contents::read(&archive, Limits::default())?)?;
            if !names.insert(package.name().clone()) {
                return Err(CommandError::SeveralVersions { package: package.name().to_string() });
            }
            let path = scratch.path().join(package.manifest().archive_name());
            fs::write(&path, archive).map_err(|source| CommandError::Io { path: path.clone(), source })?;
            files.push(path);
        }
        if files.is_empty() {
            return Err(CommandError::NoPackage { folder: replay.journal.clone() });
        }
        Ok(Self { files, _scratch: Some(scratch) })
    }
}

fn text(report: &Report) -> String {
    let rows = report.reactors.iter().map(|it| {
        let figures =
            [it.turns, it.events, it.firings_then, it.firings_now, it.compared, it.untold, it.differing];
        let mut row = vec![it.reactor.clone()];
        row.extend(figures.iter().map(u64::to_string));
        row.push(it.stage.to_string());
        row
    });
    let head = [
        "reactor",
        "turns",
        "events",
        "firings then",
        "now",
        "results compared",
        "not told",
        "turns differing",
        "",
    ];
    let mut text = table(&head, rows);
    for reactor in report.reactors.iter().filter(|reactor| reactor.differing > 0) {
        text.push_str(&format!("\n{}: {} turns differ", reactor.reactor, reactor.differing));
        for difference in &reactor.first {
            text.push_str(&format!("\n  LSN {}, from firing {}", difference.lsn, difference.first_firing));
            difference.changes.iter().for_each(|change| text.push_str(&format!("\n    {change}")));
        }
    }
    text.push_str(&match (report.is_equal(), report.damage) {
        (true, _) => format!("\nequal, over {} records", report.records),
        (false, None) => format!("\n{report}"),
        (false, Some(damage)) => format!("\nthe journal is damaged: {damage}; what lies before: {report}"),
    });
    text
}

fn in_json(report: &Report) -> Value {
    let reactors = report.reactors.iter().map(|it| {
        let first = it.first.iter().map(|difference| {
            json!({
                "lsn": difference.lsn.0,
                "first_firing": difference.first_firing,
                "changes": difference.changes.iter().map(change).collect::<Vec<_>>(),
            })
        });
        json!({
            "reactor": it.reactor,
            "from": if let Stage::From(lsn) = it.stage { Some(lsn.0) } else { None },
            "stage": it.stage.to_string(),
            "turns": it.turns,
            "events": it.events,
            "firings_then": it.firings_then,
            "firings_now": it.firings_now,
            "by_hand": it.by_hand,
            "compared": it.compared,
            "untold": it.untold,
            "differing": it.differing,
            "first": first.collect::<Vec<_>>(),
        })
    });
    json!({
        "ok": report.is_equal(),
        "equal": report.is_equal(),
        "records": report.records,
        "last": report.last.0,
        "differing": report.n_differing(),
        "first_difference": report.first_difference().map(|first| json!({ "lsn": first.lsn.0, "reactor": first.reactor })),
        "damage": report.damage.map(|damage| json!({ "segment": damage.segment, "offset": damage.offset })),
        "reactors": reactors.collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    let text = change.to_string();
    match change {
        Change::Boundaries { accumulator, then, now } => {
            json!({ "what": "boundaries", "accumulator": accumulator, "then": then, "now": now, "text": text })
        }
        Change::Held { accumulator, then, now } => {
            json!({ "what": "held", "accumulator": accumulator, "then": then, "now": now, "text": text })
        }
        Change::Firings { then, now } => json!({ "what": "firings", "then": then, "now": now, "text": text }),
        Change::GivenUp { graph, then, now } => {
            json!({ "what": "given_up", "graph": graph, "then": then, "now": now, "text": text })
        }
        Change::Results { graph, terminal, then, now, came } => json!({
            "what": "results", "graph": graph, "terminal": terminal, "then": then, "now": now, "came": came,
            "text": text,
        }),
        Change::Gone { place } => json!({ "what": "gone", "place": place, "text": text }),
        _ => json!({ "what": "inputs", "text": text }),
    }
}
