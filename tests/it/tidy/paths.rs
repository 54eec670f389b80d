//! Every path that `docs/ARCHITECTURE.md` names in backticks exists.
//!
//! A path is made of letters, digits and `._-*/` and has a `/` or ends in `.rs`. It is looked up from
//! the root, or as the end of a path, so that `reactor/mod.rs` may stand in a paragraph on one crate.
//! Up to a `*` it is taken as a folder. Fenced blocks are pictures and are not read.

use super::tree::{entries, read};
use super::{Finding, demand_none, lines};

const PAGE: &str = "docs/ARCHITECTURE.md";

fn absent(page: &str, entries: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fenced = false;
    for (at, line) in page.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        let spans = line.split('`').skip(1).step_by(2).filter(|span| !fenced && is_path(span));
        for span in spans.filter(|span| !exists(span, entries)) {
            findings.push(Finding::new(PAGE, at + 1, format!("`{span}` does not exist; correct the page")));
        }
    }
    findings
}

fn is_path(span: &str) -> bool {
    let plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "._-*/".contains(c));
    plain && (span.contains('/') || span.ends_with(".rs"))
}

fn exists(span: &str, entries: &[String]) -> bool {
    let path = span.split('*').next().unwrap_or_default().trim_matches('/');
    let end = format!("/{path}");
    !path.is_empty() && entries.iter().any(|entry| entry == path || entry.ends_with(&end))
}

#[test]
fn the_architecture_names_paths_that_exist() {
    demand_none(absent(&read(PAGE), entries()));
}

#[test]
fn a_path_that_does_not_exist_is_caught() {
    let entries = ["engine", "engine/core", "engine/core/src", "engine/core/src/ring.rs"].map(str::to_owned);
    let page = "`engine/core/` `ring.rs` `src/ring.rs` `engine/*` `Vec<a/b>` `plain` a/b\n`engine/cor` and `ing.rs`\n\
                ```\n`no/such`\n```\n`no/such`";
    assert_eq!(lines(&absent(page, &entries)), [2, 2, 6]);
}
