//! Tests wait on probes and virtual time, never by sleeping. Where real time is the point, the line
//! says so: `thread::sleep(PAUSE); // tidy: the watchdog measures wall time`.

use super::tokens::Kind;
use super::tree::{Source, sources};
use super::{Finding, NONE, demand_none, lines};

const EXCUSE: &str = "// tidy: ";

fn sleeps(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let excused = |line: usize| source.text.lines().nth(line - 1).is_some_and(has_reason);
    for (at, token) in source.tokens.iter().enumerate() {
        if !(token.is_word("sleep") || token.is_word("sleep_until")) || excused(token.line) {
            continue;
        }
        let before = at.checked_sub(1).map(|i| &source.tokens[i]);
        let after = source.tokens.get(at + 1);
        let in_path = before.is_some_and(|t| t.is(Kind::Punct, ":"));
        let is_own = before.is_some_and(|t| t.is(Kind::Punct, ".") || t.is_word("fn"));
        let is_call = !is_own && after.is_some_and(|t| t.is(Kind::Open, "("));
        if in_path || is_call {
            let what = format!(
                "`{}`: wait on a probe or advance the clock; else end the line with `{EXCUSE}reason`",
                token.text
            );
            findings.push(Finding::new(&source.path, token.line, what));
        }
    }
    findings
}

fn has_reason(line: &str) -> bool {
    line.split_once(EXCUSE).is_some_and(|(_, reason)| !reason.trim().is_empty())
}

#[test]
fn tests_do_not_sleep() {
    demand_none(sources().iter().filter(|s| s.path.starts_with("tests/")).flat_map(sleeps).collect());
}

#[test]
fn a_sleep_is_caught_wherever_it_hides() {
    let text = "use std::thread::sleep as nap;\nfn f() {\n tokio::time::sleep(D).await;\n select! { () = sleep(D) => {} }\n}";
    assert_eq!(lines(&sleeps(&Source::new("a.rs", text))), [1, 3, 4]);
}

#[test]
fn a_reason_or_a_virtual_clock_is_accepted() {
    let text = "thread::sleep(D); // tidy: real sockets\nclock.sleep(D);\nfn sleep() {}\n// thread::sleep(D)";
    assert_eq!(lines(&sleeps(&Source::new("a.rs", text))), NONE);
    assert_eq!(lines(&sleeps(&Source::new("a.rs", "thread::sleep(D); // tidy: "))), [1]);
}
