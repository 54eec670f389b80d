//! The words that `docs/GLOSSARY.md` bans, in names and in prose.
//!
//! Its section "Banned words" holds a table whose rows read `| word in backticks | where | instead |`.
//! `where` is `names` (functions, types, modules, files and folders; a plural counts as well) or `prose`
//! (pages and documentation comments, outside backticks and fenced blocks). Names that a trait chose are
//! not ours to change.

use super::items::items;
use super::tree::{Source, pages, read, sources};
use super::{Finding, demand_none, lines};

const GLOSSARY: &str = "docs/GLOSSARY.md";
/// What the list holds at least, so that nobody ends a dispute by deleting a row.
const FLOOR: [&str; 6] = ["manager", "util", "common", "helper", "job", "plugin"];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Ban {
    word: String,
    names: bool,
    instead: String,
}

impl Ban {
    fn hits(&self, word: &str) -> bool {
        word == self.word || word.strip_suffix('s') == Some(&self.word)
    }

    fn finding(&self, path: &str, line: usize, found: &str) -> Finding {
        Finding::new(
            path,
            line,
            format!("`{found}` uses the banned word `{}`; say: {}", self.word, self.instead),
        )
    }
}

/// The rows of the glossary's section.
fn bans(glossary: &str) -> Vec<Ban> {
    let section =
        glossary.split("\n## ").find(|section| section.starts_with("Banned words")).unwrap_or_default();
    section.lines().filter_map(ban).collect()
}

fn ban(row: &str) -> Option<Ban> {
    let cells: Vec<&str> = row.trim().trim_matches('|').split('|').map(str::trim).collect();
    let [word, place @ ("names" | "prose"), instead] = cells[..] else { return None };
    let word = word.strip_prefix('`')?.strip_suffix('`')?.to_lowercase();
    Some(Ban { word, names: place == "names", instead: instead.to_owned() })
}

/// Banned words in the names of items.
fn in_names(source: &Source, bans: &[Ban]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for item in items(&source.tokens).iter().filter(|item| !item.named_by_trait) {
        let hit = bans.iter().find(|ban| ban.names && pieces(&item.name).iter().any(|word| ban.hits(word)));
        findings.extend(hit.map(|ban| ban.finding(&source.path, item.line, &item.name)));
    }
    for segment in source.segments() {
        let hit = bans.iter().find(|ban| ban.names && pieces(segment).iter().any(|word| ban.hits(word)));
        findings.extend(hit.map(|ban| ban.finding(&source.path, 1, segment)));
    }
    findings
}

/// The words of a name, in lower case, whatever its case style.
fn pieces(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    words
}

/// Banned words in a page.
fn in_page(path: &str, text: &str, bans: &[Ban]) -> Vec<Finding> {
    in_prose(path, text.lines().enumerate().map(|(at, line)| (at + 1, line)), bans)
}

/// Banned words in the documentation comments of a file.
fn in_comments(source: &Source, bans: &[Ban]) -> Vec<Finding> {
    let comments = source.text.lines().enumerate().filter_map(|(at, line)| {
        let line = line.trim_start();
        Some((at + 1, line.strip_prefix("//!").or_else(|| line.strip_prefix("///"))?))
    });
    in_prose(&source.path, comments, bans)
}

fn in_prose<'a>(path: &str, text: impl Iterator<Item = (usize, &'a str)>, bans: &[Ban]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fenced = false;
    for (line, text) in text {
        fenced ^= text.trim_start().starts_with("```");
        // Every second piece stands between backticks.
        let prose: Vec<&str> = text.split('`').step_by(2).filter(|_| !fenced).collect();
        let prose = prose.join(" ").to_lowercase();
        let words = prose.split(|c: char| !c.is_alphanumeric() && !"/_-".contains(c));
        for word in words {
            let hit = bans.iter().find(|ban| !ban.names && ban.hits(word));
            findings.extend(hit.map(|ban| ban.finding(path, line, word)));
        }
    }
    findings
}

#[test]
fn names_and_prose_avoid_the_banned_words() {
    let bans = bans(&read(GLOSSARY));
    let in_code = sources().iter().flat_map(|s| in_names(s, &bans).into_iter().chain(in_comments(s, &bans)));
    let pages = pages();
    let in_pages = pages.iter().flat_map(|(path, text)| in_page(path, text, &bans));
    demand_none(in_code.chain(in_pages).collect());
}

#[test]
fn the_glossary_keeps_its_list() {
    let bans = bans(&read(GLOSSARY));
    let absent = FLOOR.iter().filter(|word| !bans.iter().any(|ban| ban.word == **word));
    demand_none(
        absent.map(|word| Finding::new(GLOSSARY, 1, format!("list `{word}` under Banned words"))).collect(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Vec<Ban> {
        bans(
            "# G\n| `a` | names | x |\n## Banned words\n\n| word | where | say |\n|---|---|---|\n\
              | `helper` | names | its noun |\n| `plugin` | prose | package |\n\n## After\n| `b` | names | x |\n",
        )
    }

    #[test]
    fn only_the_rows_of_the_section_count() {
        let words: Vec<_> = listed().into_iter().map(|ban| (ban.word, ban.names)).collect();
        assert_eq!(words, [("helper".to_owned(), true), ("plugin".to_owned(), false)]);
    }

    #[test]
    fn a_banned_name_is_caught_in_any_style() {
        let text = "fn helper_of() {}\nstruct RingHelper;\nmod helpers {}\nfn helpful() {}\nimpl A for B { fn helper() {} }";
        assert_eq!(lines(&in_names(&Source::new("engine/a.rs", text), &listed())), [1, 2, 3]);
        assert_eq!(lines(&in_names(&Source::new("engine/test_helpers/a.rs", ""), &listed())), [1]);
    }

    #[test]
    fn a_banned_word_in_prose_is_caught() {
        let page = "A plugin is loaded.\nThe folder `plugins` or plugins/abi, a plug-in.\n```\nplugin\n```\nTwo Plugins.";
        assert_eq!(lines(&in_page("docs/a.md", page, &listed())), [1, 6]);
        let source =
            Source::new("a.rs", "//! Loads a plugin.\n// not a plugin\nfn f() {}\n/// `plugin`\nfn g() {}");
        assert_eq!(lines(&in_comments(&source, &listed())), [1]);
    }
}
