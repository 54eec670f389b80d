//! Nothing unfinished stays: no placeholder macros, no tests switched off, no notes to self.

use super::tokens::{Kind, Token};
use super::tree::{Source, pages, sources};
use super::{Finding, NONE, demand_none, lines};

/// In two halves, so that this file does not find itself.
const NOTES: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];

fn placeholders(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let next = |n: usize| source.tokens.get(at + n);
        let is_macro = next(1).is_some_and(|t| t.is(Kind::Punct, "!"));
        if (token.is_word("todo") || token.is_word("unimplemented")) && is_macro {
            let what = format!("`{}!`: finish it, or return an error that says what is missing", token.text);
            findings.push(Finding::new(&source.path, token.line, what));
        }
        if token.is(Kind::Punct, "#")
            && next(1).is_some_and(|t| t.is(Kind::Open, "["))
            && switches_off(next(2))
        {
            let what = "`#[ignore]`: assert today's behaviour and say why, or delete the test";
            findings.push(Finding::new(&source.path, token.line, what));
        }
    }
    findings
}

fn switches_off(first: Option<&Token>) -> bool {
    first.is_some_and(|word| word.is_word("ignore"))
}

fn notes(path: &str, text: &str) -> Vec<Finding> {
    let noted = |line: &str| {
        line.split(|c: char| !c.is_alphanumeric()).find(|word| NOTES.contains(word)).map(str::to_owned)
    };
    let found = text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, noted(line)?)));
    found
        .map(|(line, word)| Finding::new(path, line, format!("`{word}`: put it right, or open an issue")))
        .collect()
}

#[test]
fn nothing_is_left_unfinished() {
    let pages = pages();
    let in_pages = pages.iter().flat_map(|(path, text)| notes(path, text));
    let in_code = sources().iter().flat_map(|s| placeholders(s).into_iter().chain(notes(&s.path, &s.text)));
    demand_none(in_pages.chain(in_code).collect());
}

#[test]
fn a_placeholder_is_caught() {
    let text = "#![warn(clippy::todo)]\nfn f() { todo!() }\nfn g() { unimplemented!(\"x\") }\n#[ignore = \"slow\"]\nfn h() {}";
    assert_eq!(lines(&placeholders(&Source::new("a.rs", text))), [2, 3, 4]);
    let harmless = "// todo!() #[ignore]\nconst A: &str = \"todo!()\";";
    assert_eq!(lines(&placeholders(&Source::new("a.rs", harmless))), NONE);
}

#[test]
fn a_note_to_self_is_caught() {
    let text = format!("// {}(me): later\n// {}\n// 0{}0\n", NOTES[0], NOTES[1], NOTES[1]);
    assert_eq!(lines(&notes("a.rs", &text)), [1, 2]);
}
