//! The top level is fixed: the layers, the manifest, what readers and cargo look for, and dotfiles.

use std::collections::BTreeSet;
use std::process::Command;

use super::tree::root;
use super::{Finding, demand_none};

const ALLOWED: [&str; 14] = [
    "Cargo.toml",
    "Cargo.lock",
    "engine",
    "actors",
    "plugins",
    "tests",
    "benches",
    "examples",
    "docs",
    "README.md",
    "CHANGELOG.md",
    "clippy.toml",
    "rustfmt.toml",
    "deny.toml",
];

fn strangers(names: &BTreeSet<String>) -> Vec<Finding> {
    let known = |name: &str| ALLOWED.contains(&name) || name.starts_with('.') || name.starts_with("LICENSE-");
    let found = names.iter().filter(|name| !known(name));
    found
        .map(|name| Finding::new(name, 1, "does not belong at the top level; move it into a layer or docs"))
        .collect()
}

/// What git tracks or would track; without git, what lies there except the build folder.
fn names() -> BTreeSet<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let tracked: BTreeSet<String> = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|path| path.split('/').next())
            .map(|name| name.trim_matches('"').to_owned())
            .collect(),
        _ => BTreeSet::new(),
    };
    if !tracked.is_empty() {
        return tracked;
    }
    let present = std::fs::read_dir(root()).expect("the root can be listed").filter_map(Result::ok);
    present
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "target")
        .collect()
}

#[test]
fn the_top_level_holds_the_layers_and_nothing_else() {
    demand_none(strangers(&names()));
}

#[test]
fn a_stranger_at_the_top_level_is_caught() {
    let names = ["engine", ".ci", "LICENSE-MIT", "scripts", "NOTES.md"].map(str::to_owned);
    let paths: Vec<String> = strangers(&names.into()).into_iter().map(|finding| finding.path).collect();
    assert_eq!(paths, ["NOTES.md", "scripts"]);
}
