//! Where an entry stands in a package: a relative path that means the same on every system.

use std::fmt;
use std::sync::Arc;

/// The longest piece of a path, in bytes: what a `ustar` name has room for.
const LONGEST_PIECE: usize = 100;
/// The longest prefix of a name.
const LONGEST_PREFIX: usize = 155;

/// A checked path: relative, `/` between its pieces, no tricks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryPath(Arc<str>);

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathFlaw {
    /// Nothing between two slashes, before the first or after the last.
    #[error("has an empty piece")]
    EmptyPiece,
    /// It begins at the root, or with a drive.
    #[error("is absolute")]
    Absolute,
    /// It climbs.
    #[error("climbs with `..`")]
    Climbs,
    /// A piece is `.`.
    #[error("has a piece `.`")]
    Dot,
    /// A piece ends in a dot or a space, which some systems take off.
    #[error("has a piece that ends in a dot or a space")]
    DottedEnd,
    /// A backslash separates on some systems.
    #[error("has a backslash")]
    Backslash,
    /// A colon names a drive or a stream on some systems.
    #[error("has a colon")]
    Colon,
    /// A control character, or one that reorders text.
    #[error("has a character that cannot be printed")]
    Control,
    /// It is not text.
    #[error("is not UTF-8")]
    NotText,
    /// It is too long to be written everywhere.
    #[error("is longer than an archive has room for: 100 bytes a piece, 255 in all")]
    TooLong,
}

impl EntryPath {
    /// Check the raw bytes of a name, as they stand in an archive or a folder.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn new(raw: &[u8]) -> Result<Self, PathFlaw> {
        let path = std::str::from_utf8(raw).map_err(|_| PathFlaw::NotText)?;
        if path.starts_with('/') {
            return Err(PathFlaw::Absolute);
        }
        for piece in path.split('/') {
            check(piece)?;
        }
        cut(path).ok_or(PathFlaw::TooLong)?;
        Ok(Self(Arc::from(path)))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its pieces.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The folders around it, the outermost first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }

    /// Prefix and name for a `ustar` header.
    pub(super) fn split(&self) -> (&str, &str) {
        cut(&self.0).unwrap_or_else(|| unreachable!("a path that cannot be cut is not made"))
    }
}

/// Where to cut a path for a `ustar` header, which has room for a prefix of 155 bytes and a name of 100.
fn cut(path: &str) -> Option<(&str, &str)> {
    if path.len() <= LONGEST_PIECE {
        return Some(("", path));
    }
    let mut slashes = path.match_indices('/');
    let (at, _) = slashes.find(|(at, _)| path.len() - at - 1 <= LONGEST_PIECE)?;
    (at <= LONGEST_PREFIX).then(|| (&path[..at], &path[at + 1..]))
}

fn check(piece: &str) -> Result<(), PathFlaw> {
    let flaw = match piece {
        "" => PathFlaw::EmptyPiece,
        ".." => PathFlaw::Climbs,
        "." => PathFlaw::Dot,
        _ if piece.contains('\\') => PathFlaw::Backslash,
        _ if piece.contains(':') => PathFlaw::Colon,
        _ if piece.chars().any(is_hidden) => PathFlaw::Control,
        _ if piece.ends_with(['.', ' ']) => PathFlaw::DottedEnd,
        _ if piece.len() > LONGEST_PIECE => PathFlaw::TooLong,
        _ => return Ok(()),
    };
    Err(flaw)
}

/// Whether a character shows nothing, or changes how its neighbours are shown.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
