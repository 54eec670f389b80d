//! Every promise of `docs/guarantees.md` is kept by tests that exist and run.
//!
//! A promise is a row `| 12 | promise | tests |`: a number of its own, ascending; a text; and in the last
//! cell one test or several in backticks, separated by commas. A test is named by as much of its path as
//! makes it unique: its function, or modules and function, as `reactor::tests::fires_once`. The modules
//! are the folders and files from the root (without `src`, `lib`, `main` and `mod`), then those within the
//! file. So `core::reactor::criteria::tests::fires_once` names a test in engine/core/src/reactor/criteria.rs.

use super::items::{Item, items};
use super::tree::{Source, read, sources};
use super::{Finding, demand_none, lines};

const PAGE: &str = "docs/guarantees.md";
const FOLDERS: [&str; 4] = ["engine/", "plugins/", "actors/", "tests/"];

struct Test {
    path: Vec<String>,
    place: String,
    is_ignored: bool,
}

/// The test functions of a file.
fn tests_of(source: &Source) -> Vec<Test> {
    let silent = ["src", "lib", "main", "mod"];
    let file: Vec<String> =
        source.segments().into_iter().filter(|s| !silent.contains(s)).map(|s| s.replace('-', "_")).collect();
    let found = items(&source.tokens).into_iter().filter(Item::is_test);
    let test = |item: Item| Test {
        place: format!("{}:{}", source.path, item.line),
        is_ignored: item.is_ignored(),
        path: file.iter().cloned().chain(item.modules).chain([item.name]).collect(),
    };
    found.map(test).collect()
}

struct Promise<'a> {
    line: usize,
    number: Result<u32, &'a str>,
    tests: Vec<&'a str>,
}

/// The rows of the page whose first cell holds a digit.
fn promises(page: &str) -> Vec<Promise<'_>> {
    let rows = page.lines().enumerate().filter_map(|(at, line)| {
        let row = line.trim().strip_prefix('|')?;
        let number = row.split('|').next()?.trim();
        let last = row.trim_end_matches('|').rsplit('|').next()?;
        let tests = last.split('`').skip(1).step_by(2).collect();
        let has_digit = number.contains(|c: char| c.is_ascii_digit());
        has_digit.then(|| Promise { line: at + 1, number: number.parse().map_err(|_| number), tests })
    });
    rows.collect()
}

fn broken(page: &str, tests: &[Test]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |line: usize, what: String| findings.push(Finding::new(PAGE, line, what));
    let promises = promises(page);
    if promises.is_empty() {
        say(1, "no promises found; write rows `| 1 | promise | tests in backticks |`".to_owned());
    }
    let mut last = 0;
    for promise in promises {
        match promise.number {
            Ok(number) if number > last => last = number,
            Ok(number) => {
                say(promise.line, format!("number {number} follows {last}; numbers are unique and ascend"))
            }
            Err(cell) => say(promise.line, format!("`{cell}` is not a number")),
        }
        if promise.tests.is_empty() {
            say(promise.line, "names no test in its last cell; add one in backticks".to_owned());
        }
        for name in promise.tests {
            if let Some(what) = unkept(name, tests) {
                say(promise.line, what);
            }
        }
    }
    findings
}

/// Why the test of this name keeps no promise.
fn unkept(name: &str, tests: &[Test]) -> Option<String> {
    let wanted: Vec<&str> = name.split("::").collect();
    let named = |test: &&Test| {
        test.path.len() >= wanted.len() && test.path[test.path.len() - wanted.len()..] == wanted
    };
    let found: Vec<&Test> = tests.iter().filter(named).collect();
    match found[..] {
        [] => Some(format!("no test is named `{name}`; write it or correct the name")),
        [test] if test.is_ignored => Some(format!("`{name}` at {} is ignored; make it run", test.place)),
        [_] => None,
        [one, other, ..] => {
            Some(format!("`{name}` is at {} and at {}; add the module", one.place, other.place))
        }
    }
}

#[test]
fn every_promise_names_tests_that_run() {
    let ours = sources().iter().filter(|source| FOLDERS.iter().any(|folder| source.path.starts_with(folder)));
    demand_none(broken(&read(PAGE), &ours.flat_map(tests_of).collect::<Vec<_>>()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::NONE;

    const CODE: &str = "#[cfg(test)] mod tests { #[test] fn a() {} #[tokio::test] async fn b() {} fn plain() {} \
                        #[test] #[ignore] fn off() {} proptest! { #[test] fn c(n in 0..9u8) {} } }";

    fn caught(rows: &[&str]) -> Vec<usize> {
        let mut tests = tests_of(&Source::new("engine/core/src/reactor/mod.rs", CODE));
        tests.extend(tests_of(&Source::new("tests/it/guard.rs", "#[test] fn a() {}")));
        let page = format!("| # | promise | test |\n|---|---|---|\n{}", rows.join("\n"));
        lines(&broken(&page, &tests))
    }

    #[test]
    fn tests_are_named_by_the_end_of_their_path() {
        let rows = [
            "| 1 | x `y` | `core::reactor::tests::a`, `b` |",
            "| 2 | x | `engine::core::reactor::tests::c` |",
            "| 7 | x | `guard::a` |",
        ];
        assert_eq!(caught(&rows), NONE);
    }

    #[test]
    fn a_promise_without_a_test_that_runs_is_caught() {
        assert_eq!(caught(&["| 1 | x | `gone` |"]), [3]);
        assert_eq!(caught(&["| 1 | x | `plain` |"]), [3]);
        assert_eq!(caught(&["| 1 | x | `off` |"]), [3]);
        assert_eq!(caught(&["| 1 | x | `b`, `wrong::b` |"]), [3]);
        assert_eq!(caught(&["| 1 | x | later |"]), [3]);
        assert_eq!(caught(&["| 1 | two tests have this name | `a` |"]), [3]);
        assert_eq!(caught(&[]), [1]);
    }

    #[test]
    fn a_number_that_does_not_ascend_is_caught() {
        assert_eq!(
            caught(&["| 2 | x | `b` |", "| 2 | x | `c` |", "| 1 | x | `b` |", "| 3a | x | `b` |"]),
            [4, 5, 6]
        );
    }
}
