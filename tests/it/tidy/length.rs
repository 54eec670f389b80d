//! A file has at most 400 lines, a function at most 60.

use super::items::{What, items};
use super::tree::{Source, sources};
use super::{Finding, NONE, demand_none, lines};

const FILE: usize = 400;
const FUNCTION: usize = 60;

fn long(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let n_lines = source.text.lines().count();
    if n_lines > FILE {
        let what = format!("{n_lines} lines, {FILE} allowed; split it by transition or policy");
        findings.push(Finding::new(&source.path, FILE + 1, what));
    }
    for item in items(&source.tokens).iter().filter(|item| item.what == What::Function) {
        let length = item.end - item.line + 1;
        if length > FUNCTION {
            let what = format!("fn {} has {length} lines, {FUNCTION} allowed; split it", item.name);
            findings.push(Finding::new(&source.path, item.line, what));
        }
    }
    findings
}

#[test]
fn files_and_functions_are_short() {
    demand_none(sources().iter().flat_map(long).collect());
}

#[test]
fn a_long_file_is_caught() {
    assert_eq!(lines(&long(&Source::new("a.rs", &"//\n".repeat(400)))), NONE);
    assert_eq!(lines(&long(&Source::new("a.rs", &"//\n".repeat(401)))), [401]);
}

#[test]
fn a_long_function_is_caught_also_in_a_macro() {
    let function = |n_lines: usize| format!("fn f() {{\n{}}}", "\n".repeat(n_lines - 2));
    assert_eq!(lines(&long(&Source::new("a.rs", &function(60)))), NONE);
    assert_eq!(lines(&long(&Source::new("a.rs", &function(61)))), [1]);
    assert_eq!(lines(&long(&Source::new("a.rs", &format!("\nm! {{ {} }}", function(61))))), [2]);
}
