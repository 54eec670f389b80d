//! The repository's own rules: what a machine can check of `docs/STYLE.md` and `docs/ARCHITECTURE.md`.
//!
//! A rule is a pure function from text (or facts) to findings, one file each. Every file holds a test
//! that the tree obeys, and tests that bad samples are caught. `cargo test -p acequia-tests tidy` runs
//! these alone.

mod items;
mod metadata;
mod tokens;
mod tree;

mod compiled;
mod directions;
mod features;
mod given;
mod length;
mod marks;
mod top;
mod unsafety;
mod waits;
mod words;

mod codes;
mod paths;
mod promises;

/// One breach of a rule: where it is and what to do about it.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, what: what.into() }
    }
}

/// Fails the calling test with one line per finding.
#[track_caller]
fn demand_none(mut findings: Vec<Finding>) {
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    let lines: Vec<String> =
        findings.iter().map(|f| format!("  {}:{}: {}", f.path, f.line, f.what)).collect();
    assert!(findings.is_empty(), "{} to put right:\n{}\n", lines.len(), lines.join("\n"));
}

/// The lines of the findings, for tests of the rules themselves.
fn lines(findings: &[Finding]) -> Vec<usize> {
    findings.iter().map(|finding| finding.line).collect()
}

/// What `lines` gives where a rule finds nothing.
const NONE: [usize; 0] = [];
