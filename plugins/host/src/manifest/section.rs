//! One table of the manifest: takes keys out by type, and names those that nobody took.

use super::duration;
use super::error::{Flaw, FlawKind};
use super::moved;
use super::name::{self, Allowed};
use crate::suggest::{did_you_mean, listed};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What was found wrong so far, and the text in which it stands.
pub(super) struct Flaws<'t> {
    text: &'t str,
    found: Vec<(usize, FlawKind)>,
}

impl<'t> Flaws<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new() }
    }

    pub(super) fn push(&mut self, span: &Range<usize>, kind: FlawKind) {
        self.found.push((span.start, kind));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of the file, with lines and columns.
    pub(super) fn placed(mut self) -> Vec<Flaw> {
        self.found.sort_by_key(|(at, _)| *at);
        let text = self.text;
        self.found.into_iter().map(|(at, kind)| placed(text, at, kind)).collect()
    }
}

fn placed(text: &str, at: usize, kind: FlawKind) -> Flaw {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Flaw { line, column, kind }
}

/// A table, with its name for messages.
pub(super) struct Section<'d> {
    table: &'d DeTable<'d>,
    /// As in `[package]`.
    pub(super) name: String,
    /// Where it begins.
    pub(super) span: Range<usize>,
}

/// A value, with its key for messages.
#[derive(Clone)]
pub(super) struct Value<'d> {
    pub(super) key: String,
    pub(super) value: &'d DeValue<'d>,
    pub(super) span: Range<usize>,
}

impl<'d> Section<'d> {
    pub(super) fn new(table: &'d DeTable<'d>, name: impl Into<String>, span: Range<usize>) -> Self {
        Self { table, name: name.into(), span }
    }

    /// Complain about every key that is not `known`.
    pub(super) fn allow(&self, known: &[&'static str], flaws: &mut Flaws<'_>) {
        for (key, _) in self.table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            let written: &str = key.get_ref();
            let section = self.name.clone();
            let kind = match moved::hint(written) {
                Some(hint) => FlawKind::Moved { key: written.to_owned(), section, hint },
                None => FlawKind::Unknown {
                    key: written.to_owned(),
                    section,
                    suggestion: did_you_mean(written, known.iter().copied()),
                    known: listed(known),
                },
            };
            flaws.push(&key.span(), kind);
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'d>> {
        let value = self.table.get(key)?;
        Some(Value { key: key.to_owned(), value: value.get_ref(), span: value.span() })
    }

    /// All keys with their values, and where the keys stand.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'d str, Range<usize>, Value<'d>)> {
        self.table.iter().map(|(key, value)| {
            let named = Value { key: key.get_ref().to_string(), value: value.get_ref(), span: value.span() };
            (key.get_ref().as_ref(), key.span(), named)
        })
    }

    /// A table in this one.
    pub(super) fn section(&self, key: &str, flaws: &mut Flaws<'_>) -> Option<Section<'d>> {
        let value = self.get(key)?;
        value.section(format!("[{key}]"), flaws)
    }

    pub(super) fn text(&self, key: &str, flaws: &mut Flaws<'_>) -> Option<&'d str> {
        self.get(key)?.text(flaws)
    }

    pub(super) fn name(&self, key: &str, allowed: Allowed, flaws: &mut Flaws<'_>) -> Option<&'d str> {
        let value = self.get(key)?;
        let text = value.text(flaws)?;
        name::check(text, allowed).then_some(text).or_else(|| {
            flaws.push(&value.span, name::flaw(key, text, allowed));
            None
        })
    }

    pub(super) fn missing(&self, key: &'static str, flaws: &mut Flaws<'_>) {
        flaws.push(&self.span, FlawKind::Missing { key, section: self.name.clone() });
    }

    pub(super) fn integer(
        &self,
        key: &str,
        range: RangeInclusive<i64>,
        flaws: &mut Flaws<'_>,
    ) -> Option<i64> {
        self.get(key)?.integer(range, flaws)
    }

    /// A count that fits every place where one is used.
    pub(super) fn count(&self, key: &str, least: u32, flaws: &mut Flaws<'_>) -> Option<u32> {
        let number = self.integer(key, i64::from(least)..=i64::from(MOST), flaws)?;
        u32::try_from(number).ok()
    }

    /// A duration of at least `least`.
    pub(super) fn duration(&self, key: &str, least: Duration, flaws: &mut Flaws<'_>) -> Option<Duration> {
        duration::of(&self.get(key)?, least, flaws)
    }

    /// One of the words of `table`.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        table: &[(&'static str, T)],
        flaws: &mut Flaws<'_>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let written = value.text(flaws)?;
        let found = table.iter().find(|(word, _)| *word == written).map(|(_, meant)| *meant);
        if found.is_none() {
            let words = || table.iter().map(|(word, _)| *word);
            let kind = FlawKind::Choice {
                key: value.key,
                found: written.to_owned(),
                suggestion: did_you_mean(written, words()),
                known: listed(words()),
            };
            flaws.push(&value.span, kind);
        }
        found
    }
}

/// The most of anything that is counted.
const MOST: u32 = 1 << 24;

impl<'d> Value<'d> {
    pub(super) fn section(&self, name: String, flaws: &mut Flaws<'_>) -> Option<Section<'d>> {
        match self.value {
            DeValue::Table(table) => Some(Section::new(table, name, self.span.clone())),
            _ => self.mistyped("a table", flaws),
        }
    }

    pub(super) fn text(&self, flaws: &mut Flaws<'_>) -> Option<&'d str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => self.mistyped("a text in quotes", flaws),
        }
    }

    /// The elements of an array.
    pub(super) fn elements(&self, expected: &str, flaws: &mut Flaws<'_>) -> Option<Vec<Value<'d>>> {
        let DeValue::Array(elements) = self.value else { return self.mistyped(expected, flaws) };
        let element = |element: &'d Spanned<DeValue<'d>>| Value {
            key: self.key.clone(),
            value: element.get_ref(),
            span: element.span(),
        };
        Some(elements.iter().map(element).collect())
    }

    pub(super) fn integer(&self, range: RangeInclusive<i64>, flaws: &mut Flaws<'_>) -> Option<i64> {
        let DeValue::Integer(number) = self.value else { return self.mistyped("a whole number", flaws) };
        let value = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let fitting = value.filter(|value| range.contains(value));
        if fitting.is_none() {
            let kind = FlawKind::Range {
                key: self.key.clone(),
                found: number.to_string(),
                least: *range.start(),
                most: *range.end(),
            };
            flaws.push(&self.span, kind);
        }
        fitting
    }

    pub(super) fn mistyped<T>(&self, expected: &str, flaws: &mut Flaws<'_>) -> Option<T> {
        let found = self.value.type_str();
        let kind = FlawKind::Type { key: self.key.clone(), expected: expected.to_owned(), found };
        flaws.push(&self.span, kind);
        None
    }
}
