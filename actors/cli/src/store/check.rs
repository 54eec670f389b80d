//! `store check`: is everything there that was ever acknowledged?

use super::look;
use super::scratch::Scratch;
use super::versions::{self, Versions};
use crate::answer::{Answer, table};
use crate::args::StoreCheck;
use crate::error::CommandError;
use crate::exit::Exit;
use acequia::store::Lsn;
use acequia::store::disk::Disk as _;
use acequia::store::journal::{Damage, OpenError, Report, SegmentReport, verify};
use acequia::store::state::{Inspected, OpenError as StateOpenError, SledBackend, Truth, inspect};
use serde_json::{Value, json};
use std::path::Path;

/// What an engine that opens the store will do about what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Nothing.
    Sound,
    /// Repair it, and lose nothing that was acknowledged.
    Repairable,
    /// Refuse it.
    Damaged,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Repairable => "repairable",
            Self::Damaged => "damaged",
        }
    }
}

/// One thing that was looked at.
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) found: String,
    pub(super) verdict: Verdict,
}

impl Finding {
    pub(super) fn sound(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, found: found.into(), verdict: Verdict::Sound }
    }
}

pub(crate) fn run(check: &StoreCheck) -> Result<Answer, CommandError> {
    let folder = &check.folder;
    // For how far it reaches, for each segment by itself, and for the catalog.
    let disk = look(folder, "checking", 3)?;
    // Others may look, too; no engine opens it until all is said.
    let _lock = disk.lock().map_err(OpenError::from)?;
    let report = verify(&disk)?.ok_or_else(|| CommandError::NoStore { folder: folder.clone() })?;
    let mut findings = of_journal(&report);
    findings.push(of_state(folder, &report)?);
    let Versions { findings: of_versions, json: versions } = versions::look(&disk, report.damage.is_some())?;
    findings.extend(of_versions);
    let verdict = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Sound);
    let exit = if verdict == Verdict::Damaged { Exit::Damaged } else { Exit::Done };
    let mut json = in_json(&report, &findings, verdict);
    json["versions"] = versions.into();
    Ok(Answer { text: text(&report, &findings, verdict), json, exit })
}

fn of_journal(report: &Report) -> Vec<Finding> {
    let mut findings = vec![Finding::sound("journal", report.journal.to_string())];
    let first = report.segments.first().and_then(|segment| segment.first).unwrap_or(Lsn::FIRST);
    let last = Lsn(report.next.0.saturating_sub(1));
    let records = match report.n_records() {
        0 => "none".to_owned(),
        n => format!("{n}, LSN {first} to {last}"),
    };
    findings.push(Finding::sound("records", records));
    let ended = if report.was_closed { "closed in order" } else { "not closed: its engine was cut off" };
    findings.push(Finding::sound("end", ended));
    if report.mark_is_half {
        let found = "one of its two copies is not whole; the next start writes it again".to_owned();
        findings.push(Finding { what: "mark", found, verdict: Verdict::Repairable });
    }
    if let Some(torn) = report.torn {
        let found = format!(
            "{} bytes of segment {} from offset {} were never acknowledged; the next start cuts them off",
            torn.bytes, torn.segment, torn.offset
        );
        findings.push(Finding { what: "torn tail", found, verdict: Verdict::Repairable });
    }
    if let Some(damage) = report.damage {
        findings.push(Finding { what: "damage", found: damage.to_string(), verdict: Verdict::Damaged });
    }
    findings
}

/// A damaged journal can rebuild nothing, and whatever the store says is then judged against what can be read.
fn of_state(folder: &Path, report: &Report) -> Result<Finding, CommandError> {
    let scratch = Scratch::new()?;
    let truth = Truth { journal: report.journal, last: Lsn(report.next.0.saturating_sub(1)) };
    Ok(match inspect(folder, scratch.path(), &SledBackend, truth) {
        Ok(Inspected::Absent) => Finding::sound("state store", "none"),
        Ok(Inspected::Sound { at, epoch, n_rows }) => {
            Finding::sound("state store", format!("{n_rows} rows at LSN {at}, as anchored (epoch {epoch})"))
        }
        Ok(Inspected::Remade { reason }) => {
            let found = format!("{reason}; the next start makes it anew from the journal");
            Finding { what: "state store", found, verdict: Verdict::Repairable }
        }
        Err(error @ StateOpenError::JournalBehind { .. }) => {
            Finding { what: "state store", found: error.to_string(), verdict: Verdict::Damaged }
        }
        Err(error) => return Err(error.into()),
    })
}

fn text(report: &Report, findings: &[Finding], verdict: Verdict) -> String {
    let segments = report.segments.iter().map(|segment| {
        let damage = damage_of(segment, report).map_or_else(|| "whole".to_owned(), |at| at.to_string());
        let first = segment.first.map_or_else(|| "unknown".to_owned(), |first| first.to_string());
        vec![
            segment.number.to_string(),
            first,
            segment.n_records().to_string(),
            segment.bytes.to_string(),
            damage,
        ]
    });
    let found =
        findings.iter().map(|it| vec![it.what.to_owned(), it.found.clone(), it.verdict.word().to_owned()]);
    format!(
        "{}\n{}\n{}",
        table(&["segment", "first", "records", "bytes", "found"], segments),
        table(&["", "found", "verdict"], found),
        verdict.word()
    )
}

/// In the last segment, what cannot be read may be the torn tail.
fn damage_of(segment: &SegmentReport, report: &Report) -> Option<Damage> {
    let is_torn = report.torn.is_some_and(|torn| torn.segment == segment.number);
    segment.damage.filter(|_| !is_torn)
}

fn in_json(report: &Report, findings: &[Finding], verdict: Verdict) -> Value {
    let place = |damage: Damage| json!({ "segment": damage.segment, "offset": damage.offset, "flaw": damage.flaw.to_string() });
    let segments = report.segments.iter().map(|segment| {
        let records = segment.records.iter().map(|(kind, n)| (kind.to_string(), json!(n)));
        json!({
            "segment": segment.number,
            "file": segment.file,
            "first": segment.first.map(|first| first.0),
            "records": records.collect::<serde_json::Map<_, _>>(),
            "bytes": segment.bytes,
            "damage": damage_of(segment, report).map(place),
        })
    });
    let findings =
        findings.iter().map(|it| json!({ "what": it.what, "found": it.found, "verdict": it.verdict.word() }));
    json!({
        "ok": verdict != Verdict::Damaged,
        "verdict": verdict.word(),
        "journal": report.journal.to_string(),
        "records": report.n_records(),
        "next": report.next.0,
        "closed": report.was_closed,
        "damage": report.damage.map(place),
        "torn": report.torn.map(|torn| json!({ "segment": torn.segment, "offset": torn.offset, "bytes": torn.bytes })),
        "segments": segments.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}
