//! Rust text as a flat list of tokens with lines, so that rules see code inside macros as well.
//!
//! Comments are gone, documentation comments have become attributes, and a string is one literal. So
//! a rule's own bad samples, which are strings, do not trip it.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Punct,
    Literal,
    Open,
    Close,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) line: usize,
    /// For an opening delimiter, the index of the closing one; for all others, the own index.
    pub(super) close: usize,
}

impl Token {
    pub(super) fn is(&self, kind: Kind, text: &str) -> bool {
        self.kind == kind && self.text == text
    }

    pub(super) fn is_word(&self, text: &str) -> bool {
        self.is(Kind::Word, text)
    }
}

/// The tokens of a file, or why it is not Rust.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let stream: TokenStream =
        text.parse().map_err(|e: proc_macro2::LexError| format!("line {}: {e}", e.span().start().line))?;
    let mut flat = Vec::new();
    flatten(stream, &mut flat);
    Ok(flat)
}

fn flatten(stream: TokenStream, flat: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Ident(word) => push(flat, Kind::Word, word.to_string(), line),
            TokenTree::Punct(punct) => push(flat, Kind::Punct, punct.as_char().to_string(), line),
            TokenTree::Literal(literal) => push(flat, Kind::Literal, literal.to_string(), line),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                let opened = flat.len();
                push(flat, Kind::Open, open.to_owned(), group.span_open().start().line);
                flatten(group.stream(), flat);
                flat[opened].close = flat.len();
                push(flat, Kind::Close, close.to_owned(), group.span_close().end().line);
            }
        }
    }
}

fn push(flat: &mut Vec<Token>, kind: Kind, text: String, line: usize) {
    let close = flat.len();
    flat.push(Token { kind, text, line, close });
}

#[test]
fn comments_go_and_strings_stay_one_literal() {
    let tokens = tokens("// fn a() {}\nlet x = \"fn b() {}\"; /* fn c() {} */").unwrap();
    let texts: Vec<&str> = tokens.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(texts, ["let", "x", "=", "\"fn b() {}\"", ";"]);
}

#[test]
fn an_opening_delimiter_knows_its_closing_one() {
    let tokens = tokens("f(\n(a)\n)").unwrap();
    assert_eq!((tokens[1].close, tokens[2].close), (5, 4));
    assert_eq!((tokens[1].line, tokens[5].line), (1, 3));
}
