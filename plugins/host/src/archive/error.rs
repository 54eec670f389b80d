//! Why files are no package.

use super::header::{Flaw, Kind};
use super::path::PathFlaw;
use std::io;
use std::path::PathBuf;

/// A refusal. Every one that is about an entry names it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A name with a trick in it.
    #[error("E0801: entry {entry:?} {flaw}; a package holds plain relative paths")]
    Path {
        /// The name as it stands there, unreadable bytes replaced.
        entry: String,
        /// What is wrong with it.
        flaw: PathFlaw,
    },
    /// A link, a device, or anything else that is neither file nor folder.
    #[error("E0802: entry {entry:?} is {kind}; a package holds regular files and folders only")]
    Kind {
        /// Its name.
        entry: String,
        /// What it is.
        kind: Kind,
    },
    /// Two entries for one place.
    #[error(
        "E0803: entry {entry:?} takes the place of {first:?}; names are unique, also where file names ignore case"
    )]
    Duplicate {
        /// The later one.
        entry: String,
        /// The one that has the place.
        first: String,
    },
    /// Too many entries.
    #[error("E0804: entry {entry:?} is one more than the {limit} that a package may have; leave some out")]
    TooManyEntries {
        /// The first one too many.
        entry: String,
        /// How many are allowed.
        limit: usize,
    },
    /// The archive is too large.
    #[error("E0805: the archive is larger than {limit} bytes; leave something out")]
    TooLargePacked {
        /// How many bytes are allowed.
        limit: u64,
    },
    /// It expands to too much.
    #[error(
        "E0806: entry {entry:?} brings the package to {size} bytes, more than {limit}; leave something out"
    )]
    TooLarge {
        /// The entry at which the limit was passed.
        entry: String,
        /// Bytes up to its end.
        size: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// It expands to suspiciously much.
    #[error(
        "E0807: entry {entry:?} brings {packed} packed bytes to {expanded}, more than {limit} times as much; this is no honest archive"
    )]
    Ratio {
        /// The entry at which the limit was passed.
        entry: String,
        /// Bytes up to its end.
        expanded: u64,
        /// Bytes of the archive.
        packed: u64,
        /// How many times as much is allowed.
        limit: u64,
    },
    /// A header that no careful writer wrote.
    #[error("E0808: entry {entry:?} at byte {offset} {flaw}; pack it again with `acequia package pack`")]
    Header {
        /// Its name, or its number where the name cannot be read.
        entry: String,
        /// Where its header begins in the expanded archive.
        offset: u64,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// It ends too early.
    #[error("E0809: the archive ends within {entry:?}; transfer it again")]
    Truncated {
        /// The entry in which it ends, or its end marker.
        entry: String,
    },
    /// There is something after its end.
    #[error(
        "E0810: {n_bytes} bytes or more follow the end of the archive, after {entry:?}; transfer it again"
    )]
    Trailing {
        /// The last entry.
        entry: String,
        /// How many were seen.
        n_bytes: u64,
    },
    /// It is something else.
    #[error("E0811: this is not a package's archive; make one with `acequia package pack`")]
    NotAnArchive,
    /// The compressed data is damaged.
    #[error("E0812: the archive is damaged within {entry:?}; transfer it again")]
    Damaged {
        /// The entry in which it shows.
        entry: String,
        /// What the decompressor says.
        source: io::Error,
    },
    /// It has no place in a package.
    #[error("E0813: entry {entry:?} is no part of a package; its parts are {parts}")]
    Stranger {
        /// Its name.
        entry: String,
        /// What may stand at the top.
        parts: String,
    },
    /// There is no manifest.
    #[error("E0814: there is no package.toml; `acequia package new` writes one")]
    NoManifest,
    /// The manifest is not text.
    #[error("E0815: package.toml is not UTF-8; save it as such")]
    ManifestText,
    /// Two libraries for one target.
    #[error("E0816: entry {entry:?} is a second library for {target}, beside {first:?}; keep one")]
    TwoLibraries {
        /// The later one.
        entry: String,
        /// The target.
        target: String,
        /// The earlier one.
        first: String,
    },
    /// The system refused.
    #[error("E0817: {} cannot be read or written; see the cause", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file became another one while it was read.
    #[error("E0818: {} changed while it was read; try again when nobody writes to it", path.display())]
    Changed {
        /// Where.
        path: PathBuf,
    },
    /// The compressor failed.
    #[error("E0819: the archive cannot be packed; see the cause")]
    Pack {
        /// The cause.
        source: io::Error,
    },
}
