//! `package inspect`: what is in a package.

use super::declared::{self, Declared, Loader};
use super::{Answer, signers, table};
use crate::args::Inspect;
use crate::error::CommandError;
use crate::exit::Exit;
use acequia_host::archive::EntryPath;
use acequia_host::manifest::Manifest;
use acequia_host::{Digest, Verified};
use serde_json::{Value, json};

pub(crate) fn run(inspect: &Inspect, loader: Option<&dyn Loader>) -> Result<Answer, CommandError> {
    let package = Verified::open(&inspect.package)?;
    signers::trust(&inspect.signers)?.judge(&package)?;
    let declared = declared::of(&package, loader)?;
    let manifest = package.manifest();
    let version = declared.as_ref().map(|declared| package.version(&declared.canonical).to_string());
    let mut about = about(manifest);
    about.push(("manifest digest", manifest.digest().to_string()));
    about.push((
        "version digest",
        version.clone().unwrap_or_else(|| "decided at load, from library and declarations".to_owned()),
    ));
    about.push(("signature", signers::said(&package)));
    let entries: Vec<(&EntryPath, usize, Digest)> =
        package.contents().entries().map(|(path, bytes)| (path, bytes.len(), Digest::of(bytes))).collect();

    let needs = needs(manifest);
    let about_rows = about.iter().chain(&needs).map(|(what, value)| vec![(*what).to_owned(), value.clone()]);
    let entry_rows =
        entries.iter().map(|(path, size, digest)| vec![path.to_string(), size.to_string(), digest.short()]);
    let mut text = format!(
        "{}\n{}",
        table(&["package", ""], about_rows),
        table(&["entry", "bytes", "digest"], entry_rows)
    );
    if let Some(declared) = &declared {
        text = format!("{text}\n{}", table(&["declares", "name", "of", "reads or takes"], rows(declared)));
    }
    let json = json!({
        "ok": true,
        "package": about.iter().map(|(what, value)| ((*what).replace(' ', "_"), json!(value))).collect::<serde_json::Map<_, _>>(),
        "version": version,
        "signed_by": package.signature().map(|signature| signature.key.to_string()),
        "requires": manifest.requires.reactors.iter().map(|required| {
            json!({
                "reactor": required.reactor.as_str(),
                "package": required.package.as_ref().map(|package| package.as_str()),
                "version": required.version.as_ref().map(ToString::to_string),
            })
        }).collect::<Vec<_>>(),
        "overrides": manifest.accumulators.keys().map(|name| name.as_str()).collect::<Vec<_>>(),
        "entries": entries.iter().map(|(path, size, digest)| {
            json!({ "path": path.as_str(), "bytes": size, "digest": digest.to_string() })
        }).collect::<Vec<_>>(),
        "declarations": declared.as_ref().map(in_json),
    });
    Ok(Answer { text, json, exit: Exit::Done })
}

/// What the manifest says.
fn about(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let package = &manifest.package;
    let mut about = vec![
        ("name", package.name.to_string()),
        ("version", package.version.to_string()),
        ("description", package.description.clone().unwrap_or_default()),
        ("authors", package.authors.join(", ")),
        ("license", package.license.clone().unwrap_or_default()),
        ("language", package.language.as_str().to_owned()),
        ("runtime", package.runtime.as_str().to_owned()),
    ];
    if let Some(engine) = &manifest.requires.engine {
        about.push(("requires engine", engine.to_string()));
    }
    about.retain(|(_, value)| !value.is_empty());
    about
}

/// What it needs and changes, of which there may be several.
fn needs(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let mut needs = Vec::new();
    for required in &manifest.requires.reactors {
        let of = required.package.as_ref().map_or_else(String::new, |package| format!(" of {package}"));
        let range = required.version.as_ref().map_or_else(String::new, |range| format!(" {range}"));
        needs.push(("requires reactor", format!("{}{of}{range}", required.reactor)));
    }
    for name in manifest.accumulators.keys() {
        needs.push(("overrides accumulator", name.to_string()));
    }
    needs
}

fn rows(declared: &Declared) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for reactor in &declared.reactors {
        rows.push(vec!["reactor".to_owned(), reactor.name.to_string(), String::new(), String::new()]);
        for accumulator in &reactor.accumulators {
            rows.push(vec![
                format!("{} accumulator", accumulator.kind.word()),
                accumulator.name.to_string(),
                reactor.name.to_string(),
                accumulator.boundary.name.clone(),
            ]);
        }
    }
    for graph in &declared.graphs {
        let reactor = graph.reactor.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        let reads: Vec<String> =
            graph.reads.iter().map(|(name, schema)| format!("{name}: {}", schema.name)).collect();
        rows.push(vec!["graph".to_owned(), graph.name.to_string(), reactor, reads.join(", ")]);
    }
    rows
}

fn in_json(declared: &Declared) -> Value {
    let reactors = declared.reactors.iter().map(|reactor| {
        let accumulators = reactor.accumulators.iter().map(|accumulator| {
            json!({
                "name": accumulator.name.as_str(),
                "kind": accumulator.kind.word(),
                "boundary": accumulator.boundary.name,
                "schema": accumulator.boundary.hash,
            })
        });
        json!({ "name": reactor.name.as_str(), "accumulators": accumulators.collect::<Vec<_>>() })
    });
    let graphs = declared.graphs.iter().map(|graph| {
        json!({
            "name": graph.name.as_str(),
            "reactor": graph.reactor.as_ref().map(|reactor| reactor.as_str()),
            "reads": graph.reads.iter().map(|(name, schema)| {
                json!({ "accumulator": name.as_str(), "type": schema.name, "schema": schema.hash })
            }).collect::<Vec<_>>(),
        })
    });
    json!({ "package": declared.package.as_str(), "reactors": reactors.collect::<Vec<_>>(), "graphs": graphs.collect::<Vec<_>>() })
}
