//! Names in a manifest.

use super::error::FlawKind;

/// The longest name of a package: it becomes part of a file's name.
const LONGEST: usize = 64;
/// The longest of anything else.
const LONGEST_ITEM: usize = 128;

/// Whose name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// That of a package.
    Package,
    /// That of a reactor or accumulator: an author may choose any text that can be shown.
    Item,
}

/// Whether `text` is a name.
pub(super) fn check(text: &str, allowed: Allowed) -> bool {
    match allowed {
        Allowed::Package => {
            text.len() <= LONGEST
                && text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        }
        Allowed::Item => {
            text.len() <= LONGEST_ITEM && !text.trim().is_empty() && !text.contains(char::is_control)
        }
    }
}

/// What to say if it is none.
pub(super) fn flaw(key: &str, found: &str, allowed: Allowed) -> FlawKind {
    let rule = match allowed {
        Allowed::Package => "1 to 64 letters, digits, `-` and `_`, a letter first",
        Allowed::Item => "1 to 128 bytes that can be shown",
    };
    FlawKind::Name { key: key.to_owned(), found: found.to_owned(), rule }
}
