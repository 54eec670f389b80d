//! What is wrong with a manifest, and where.

use std::fmt;

/// Everything that is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("E0840: package.toml is refused{}", listed(flaws))]
pub struct ManifestError {
    /// At least one, in the order of the file.
    pub flaws: Vec<Flaw>,
}

fn listed(flaws: &[Flaw]) -> String {
    match flaws {
        [only] => format!(" at {only}"),
        flaws => flaws.iter().map(|flaw| format!("\n  {flaw}")).collect(),
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Its line, counted from 1.
    pub line: usize,
    /// Its column in characters, counted from 1.
    pub column: usize,
    /// What it is.
    pub kind: FlawKind,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.kind)
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlawKind {
    /// It is no TOML.
    #[error("E0841: this is no TOML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// A key that nobody knows.
    #[error("E0842: unknown key `{key}` in {section}{suggestion}; known are {known}")]
    Unknown {
        /// The key.
        key: String,
        /// Where it stands.
        section: String,
        /// The known key that it may be a slip of.
        suggestion: String,
        /// The known keys.
        known: String,
    },
    /// A key that was removed or renamed.
    #[error("E0843: `{key}` in {section} is no longer a key: {hint}")]
    Moved {
        /// The key.
        key: String,
        /// Where it stands.
        section: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// A key that must be there.
    #[error("E0844: {section} lacks `{key}`; add it")]
    Missing {
        /// The key.
        key: &'static str,
        /// Where it belongs.
        section: String,
    },
    /// A value of another type.
    #[error("E0845: `{key}` is {expected}, not a {found}")]
    Type {
        /// The key.
        key: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: &'static str,
    },
    /// A number out of range.
    #[error("E0846: `{key}` is {found}, outside {least} to {most}")]
    Range {
        /// The key.
        key: String,
        /// The value.
        found: String,
        /// The least that it may be.
        least: i64,
        /// The most that it may be.
        most: i64,
    },
    /// A word that is not among those possible.
    #[error("E0847: `{key}` is {found:?}{suggestion}; possible are {known}")]
    Choice {
        /// The key.
        key: String,
        /// The value.
        found: String,
        /// The word that it may be a slip of.
        suggestion: String,
        /// Those possible.
        known: String,
    },
    /// A language that nobody here speaks.
    #[error("E0848: packages in {found:?} cannot be loaded; supported languages: {supported}")]
    Language {
        /// The language.
        found: String,
        /// Those supported.
        supported: String,
    },
    /// A name that is none.
    #[error("E0849: `{key}` is {found:?}, no name: {rule}")]
    Name {
        /// The key.
        key: String,
        /// The value.
        found: String,
        /// What a name is.
        rule: &'static str,
    },
    /// A version that is none.
    #[error("E0850: `{key}` is {found:?}, no version such as \"1.2.0\": {reason}")]
    Version {
        /// The key.
        key: String,
        /// The value.
        found: String,
        /// What the parser says.
        reason: String,
    },
    /// A range of versions that is none.
    #[error("E0851: `{key}` is {found:?}, no range of versions such as \">=0.1, <0.3\": {reason}")]
    VersionRange {
        /// The key.
        key: String,
        /// The value.
        found: String,
        /// What the parser says.
        reason: String,
    },
    /// A duration that is none.
    #[error(
        "E0852: `{key}` is {found:?}, no duration; write 250 ms as \"250ms\", and so `s`, `m`, `h`; a bare number is seconds"
    )]
    Duration {
        /// The key.
        key: String,
        /// The value.
        found: String,
    },
    /// A key of another kind of accumulator.
    #[error("E0853: `{key}` means nothing to a {kind} accumulator; {hint}")]
    Misfit {
        /// The key.
        key: String,
        /// The kind.
        kind: &'static str,
        /// What to do.
        hint: String,
    },
    /// The same thing said twice.
    #[error("E0854: {what} is said twice; keep one")]
    Twice {
        /// What.
        what: String,
    },
    /// Two keys that exclude each other, or one that needs another.
    #[error("E0855: {rule}")]
    Together {
        /// The rule.
        rule: &'static str,
    },
    /// It is too long.
    #[error("E0856: the file has {size} bytes, more than {limit}; a manifest is short")]
    TooLong {
        /// Its size.
        size: usize,
        /// How much is allowed.
        limit: usize,
    },
}
