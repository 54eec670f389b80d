//! `package build`: runs cargo for the author, and puts the library where `pack` finds it.

use super::{Answer, place, table};
use crate::args::Build;
use crate::console::Console;
use crate::error::CommandError;
use crate::exit::Exit;
use acequia_host::{Digest, TARGET};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) fn run(build: &Build, console: &mut Console<'_>) -> Result<Answer, CommandError> {
    let folder = &build.folder;
    if !folder.join("Cargo.toml").is_file() {
        return Err(CommandError::NoCrate { folder: folder.clone() });
    }
    let built = cargo(build, console)?;
    let target = build.target.as_deref().unwrap_or(TARGET);
    let library = keep(folder, target, &built)?;
    let bytes = read(&library)?;
    let digest = Digest::of(&bytes);
    let row = vec![target.to_owned(), library.display().to_string(), bytes.len().to_string(), digest.short()];
    let next = format!("next: acequia package pack {}", folder.display());
    Ok(Answer {
        text: format!("{}\n{next}", table(&["target", "library", "bytes", "digest"], [row])),
        json: json!({
            "ok": true,
            "target": target,
            "library": library,
            "bytes": bytes.len(),
            "digest": digest.to_string(),
        }),
        exit: Exit::Done,
    })
}

/// Runs cargo, which speaks on stderr for itself, and gives the dynamic library that it built.
fn cargo(build: &Build, console: &mut Console<'_>) -> Result<PathBuf, CommandError> {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(&program);
    command.args(["build", "--lib", "--message-format=json-render-diagnostics"]).current_dir(&build.folder);
    if !build.debug {
        command.arg("--release");
    }
    if let Some(target) = &build.target {
        command.args(["--target", target]);
    }
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|source| CommandError::NoCargo { program, source })?;
    let failed = |source| CommandError::Io { path: build.folder.clone(), source };
    let manifest = build.folder.join("Cargo.toml").canonicalize().map_err(failed)?;
    let mut library = None;
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(|lines| lines.lines()) {
        match serde_json::from_str::<Value>(&line.map_err(failed)?) {
            Ok(message) => library = artifact(&message, &manifest).or(library),
            Err(_) => console.complain("cargo said something that is no JSON; its version may be too old"),
        }
    }
    if !child.wait().map_err(failed)?.success() {
        return Err(CommandError::Cargo { folder: build.folder.clone() });
    }
    library.ok_or_else(|| CommandError::NoDynamicLibrary { folder: build.folder.clone() })
}

/// The dynamic library of the crate itself, if that is what cargo reports.
fn artifact(message: &Value, manifest: &Path) -> Option<PathBuf> {
    let is_ours = message["reason"] == "compiler-artifact"
        && Path::new(message["manifest_path"].as_str()?) == manifest
        && message["target"]["crate_types"].as_array()?.iter().any(|kind| kind == "cdylib");
    let files = message["filenames"].as_array().filter(|_| is_ours)?;
    let is_library =
        |file: &&str| ["so", "dylib", "dll"].iter().any(|end| file.ends_with(&format!(".{end}")));
    files.iter().filter_map(Value::as_str).find(is_library).map(PathBuf::from)
}

/// Copies the library to `lib/TARGET/`, alone: a package has one for each target.
fn keep(folder: &Path, target: &str, built: &Path) -> Result<PathBuf, CommandError> {
    let place_for = folder.join("lib").join(target);
    let failed = |path: &Path, source| CommandError::Io { path: path.to_owned(), source };
    fs::create_dir_all(&place_for).map_err(|source| failed(&place_for, source))?;
    let name = built.file_name().unwrap_or_default();
    let library = place_for.join(name);
    place(&library, &read(built)?)?;
    for entry in fs::read_dir(&place_for).map_err(|source| failed(&place_for, source))?.flatten() {
        if entry.file_name() != name {
            fs::remove_file(entry.path()).map_err(|source| failed(&entry.path(), source))?;
        }
    }
    Ok(library)
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    fs::read(path).map_err(|source| CommandError::Io { path: path.to_owned(), source })
}
