//! The archives beside a journal, compared with the versions that its catalog names.

use super::check::{Finding, Verdict};
use super::staged::{self, Flaw};
use crate::error::CommandError;
use acequia::core::catalog::{BootVersion, VersionState};
use acequia::store::disk::ReadOnlyDisk;
use acequia::{KeptVersion, kept_versions};
use acequia_host::Verified;
use acequia_host::archive::{Contents, Limits};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was found of the versions that are loaded.
pub(super) struct Versions {
    pub(super) findings: Vec<Finding>,
    /// A row a version.
    pub(super) json: Vec<Value>,
}

type Files = BTreeMap<String, Result<Vec<u8>, Flaw>>;

/// Look at all of them. A journal that `is_damaged` tells no catalog: then each archive is judged by what it says of
/// itself.
pub(super) fn look(disk: &ReadOnlyDisk, is_damaged: bool) -> Result<Versions, CommandError> {
    let mut files: Files = staged::all(disk)?.into_iter().collect();
    if is_damaged {
        return Ok(Versions { findings: by_themselves(&files), json: Vec::new() });
    }
    let (mut findings, mut json, mut n_whole) = (Vec::new(), Vec::new(), 0);
    for KeptVersion { version, file } in kept_versions(disk)? {
        let flaw = flaw_of(&version, files.get(&file));
        json.push(row(&version, &file, flaw.as_deref()));
        match flaw {
            None => n_whole += 1,
            Some(flaw) => findings.push(told(&version, &file, &flaw)),
        }
        files.remove(&file);
    }
    for (file, archive) in &files {
        let what = match archive {
            Err(Flaw::Unfinished) => "was never finished",
            Ok(_) | Err(Flaw::Damaged(_)) => "belongs to no version that is loaded",
        };
        let found = format!("{file} {what}; the next start removes it");
        findings.push(Finding { what: "packages", found, verdict: Verdict::Repairable });
    }
    if !json.is_empty() {
        findings.insert(0, Finding::sound("packages", format!("{n_whole} of {} versions whole", json.len())));
    }
    Ok(Versions { findings, json })
}

/// What is wrong with the archive of a version, if something is.
fn flaw_of(version: &BootVersion, file: Option<&Result<Vec<u8>, Flaw>>) -> Option<String> {
    match file {
        Some(Ok(archive)) => altered(version, archive),
        Some(Err(Flaw::Damaged(what))) => Some(format!("is damaged: {what}")),
        Some(Err(Flaw::Unfinished)) | None => Some("is gone".to_owned()),
    }
}

/// Another archive that is whole may lie in its place.
fn altered(version: &BootVersion, archive: &[u8]) -> Option<String> {
    // What an engine with a reader of its own has loaded need be no archive of ours.
    let digest = version.manifest.as_ref()?;
    let verified = Contents::read(archive, Limits::default()).map_err(Into::into).and_then(Verified::new);
    match verified {
        Err(error) => Some(format!("is altered: {}", crate::error::whole(&error))),
        Ok(found) if *found.name() != version.package => {
            Some(format!("is altered: it is one of package {}", found.name()))
        }
        Ok(found) => (found.manifest().digest().to_string() != digest.as_str())
            .then(|| "is altered: it has another manifest than was loaded".to_owned()),
    }
}

fn told(version: &BootVersion, file: &str, flaw: &str) -> Finding {
    let BootVersion { package, version: hash, label, state, .. } = version;
    let label = label.as_ref().map(|label| format!(" {label}")).unwrap_or_default();
    let remedy = match state {
        VersionState::Quarantined { .. } => "it is kept out already",
        VersionState::Serving | VersionState::Draining => "the next start keeps it out",
    };
    let found = format!(
        "{package}{label} ({hash}): its archive {file} {flaw}; {remedy}: put the file back from a copy, or clear the quarantine of {package} and load that version again"
    );
    Finding { what: "package", found, verdict: Verdict::Damaged }
}

fn row(version: &BootVersion, file: &str, flaw: Option<&str>) -> Value {
    json!({
        "package": version.package.as_str(),
        "version": version.version.as_str(),
        "label": version.label.as_ref().map(|label| label.as_str()),
        "file": file,
        "flaw": flaw,
    })
}

fn by_themselves(files: &Files) -> Vec<Finding> {
    let found = files.iter().map(|(file, archive)| {
        let (found, verdict) = match archive {
            Ok(_) => (format!("{file} is whole"), Verdict::Sound),
            Err(Flaw::Unfinished) => (format!("{file} was never finished"), Verdict::Repairable),
            Err(Flaw::Damaged(what)) => {
                (format!("{file} is damaged: {what}; put it back from a copy"), Verdict::Damaged)
            }
        };
        Finding { what: "packages", found, verdict }
    });
    found.collect()
}
