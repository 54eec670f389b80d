//! A package as files: read from an archive or a folder, written to an archive.
//!
//! An archive is one `zstd` frame around a `ustar` file. Reading refuses, naming the entry, whatever a
//! careful writer would not have written; nothing is skipped, renamed or put right. What comes out is a
//! [`Contents`]: paths and bytes in memory, inside [`Limits`]. Nothing is unpacked to a disk.
//!
//! `walk` reads headers and `gather` decides what may stand beside what; a folder goes through the same
//! `gather`, so that a package means the same packed and unpacked. Times, owners and modes are not part
//! of a package: they are written as zero and not looked at. Two names that differ only in case are
//! refused, since one would replace the other where file names ignore case.

mod contents;
mod error;
mod folder;
mod gather;
mod header;
mod layout;
mod limits;
mod path;
mod read;
mod walk;
mod write;

pub use contents::{Contents, Library};
pub use error::ArchiveError;
pub use folder::Folder;
pub use header::{Flaw as HeaderFlaw, Kind as EntryKind};
pub use layout::{MANIFEST, SIGNATURE, is_part};
pub use limits::Limits;
pub use path::{EntryPath, PathFlaw};
