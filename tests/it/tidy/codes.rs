//! An error code (`E0123` in the text of `#[error("…")]`) means one thing: the same code with another
//! text is a mistake. The same text twice is one cause that two operations can meet.

use std::collections::BTreeMap;

use super::tokens::{Kind, Token};
use super::tree::{Source, sources};
use super::{Finding, demand_none, lines};

/// The texts of `#[error("…")]` in a file, with their lines.
fn texts(tokens: &[Token]) -> Vec<(&str, usize)> {
    let heads = tokens.windows(4).filter(|four| {
        four[0].is(Kind::Open, "[")
            && four[1].is_word("error")
            && four[2].is(Kind::Open, "(")
            && four[3].kind == Kind::Literal
    });
    heads.map(|four| (four[3].text.as_str(), four[3].line)).collect()
}

/// The codes that a text names.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    let is_code = |word: &&str| {
        word.strip_prefix('E')
            .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    text.split(|c: char| !c.is_alphanumeric()).filter(is_code)
}

fn clashes(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut first: BTreeMap<String, (&str, String)> = BTreeMap::new();
    for source in sources {
        for (text, line) in texts(&source.tokens) {
            for code in codes(text) {
                let (known, place) =
                    first.entry(code.to_owned()).or_insert_with(|| (text, format!("{}:{line}", source.path)));
                if *known != text {
                    let what = format!("{code} already says {known} at {place}; take a free code");
                    findings.push(Finding::new(&source.path, line, what));
                }
            }
        }
    }
    findings
}

#[test]
fn an_error_code_means_one_thing() {
    demand_none(clashes(sources()));
}

#[test]
fn a_code_with_two_texts_is_caught() {
    let text = "enum A {\n#[error(\"E0001: closed\")]\nClosed,\n#[error(\"E0002: full\")]\nFull,\n}\n\
                enum B {\n#[error(\"E0001: closed\")]\nClosed,\n#[error(\"E0002: busy\")]\nBusy,\n#[error(transparent)]\nC(D),\n}";
    assert_eq!(lines(&clashes(&[Source::new("a.rs", text)])), [10]);
}
