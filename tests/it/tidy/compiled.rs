//! Every Rust file is part of a target: one that no `mod` declares is dead text whose tests never run.
//!
//! Files under a folder named `ui` are samples for the compiler, those under `fixtures` packages that tests
//! compile themselves; both are left out.

use std::collections::BTreeSet;

use super::items::{What, items};
use super::metadata::members;
use super::tree::{Source, read, sources};
use super::{Finding, demand_none};

fn orphans(sources: &[Source], roots: &[String]) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    let mut ahead: Vec<(String, bool)> = roots.iter().map(|root| (root.clone(), true)).collect();
    while let Some((path, is_root)) = ahead.pop() {
        let Some(source) = sources.iter().find(|source| source.path == path) else { continue };
        if reached.insert(path) {
            ahead.extend(declared(source, is_root).into_iter().map(|path| (path, false)));
        }
    }
    let is_sample = |path: &str| path.split('/').any(|segment| segment == "ui" || segment == "fixtures");
    let lost = sources.iter().filter(|source| !reached.contains(&source.path) && !is_sample(&source.path));
    lost.map(|s| Finding::new(&s.path, 1, "no `mod` declares this file; declare it or delete it")).collect()
}

/// Where the modules that a file declares may lie.
fn declared(source: &Source, is_root: bool) -> Vec<String> {
    let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let folder = if is_root || file == "mod.rs" { folder } else { source.path.trim_end_matches(".rs") };
    let modules =
        items(&source.tokens).into_iter().filter(|item| item.what == What::Module && !item.has_body);
    let places = modules.flat_map(|item| {
        let around: String = item.modules.iter().map(|module| format!("/{module}")).collect();
        let place = format!("{folder}{around}/{}", item.name);
        [format!("{place}.rs"), format!("{place}/mod.rs")]
    });
    places.collect()
}

/// The targets of the fuzzing workspace, which is none of ours: it needs a nightly compiler.
fn fuzz_targets(manifest: &str) -> Vec<String> {
    let paths = manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'));
    paths.map(|path| format!("tests/fuzz/{path}")).collect()
}

#[test]
fn every_file_is_compiled() {
    let mut roots: Vec<String> = members().into_iter().flat_map(|member| member.roots).collect();
    roots.extend(fuzz_targets(&read("tests/fuzz/Cargo.toml")));
    demand_none(orphans(sources(), &roots));
}

#[test]
fn a_file_that_nobody_declares_is_caught() {
    let files = [
        ("c/src/lib.rs", "mod a; mod b { mod c; }"),
        ("c/src/a/mod.rs", "mod d;"),
        ("c/src/a/d.rs", "mod e;"),
        ("c/src/a/d/e.rs", ""),
        ("c/src/b/c.rs", ""),
        ("c/src/a/lost.rs", ""),
        ("c/tests/ui/cycle.rs", ""),
    ];
    let sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let lost = orphans(&sources, &["c/src/lib.rs".to_owned()]);
    let paths: Vec<&str> = lost.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(paths, ["c/src/a/lost.rs"]);
}
