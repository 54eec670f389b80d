//! Reads a package from a folder, under the rules of an archive.

use super::gather::Gather;
use super::header::{BLOCK, Kind};
use super::limits::Meter;
use super::{ArchiveError, Contents, EntryPath, Limits, is_part};
use std::fs::{self, File, FileType, Metadata};
use std::io::Read;
use std::path::Path;

/// A folder that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The package in it.
    pub contents: Contents,
    /// Names at its top that are no part of a package, and were not looked at.
    pub left_out: Vec<String>,
}

impl Folder {
    /// Read the parts of a package from the folder `root`.
    ///
    /// # Errors
    /// At the first entry that has no place in a package, as for an archive.
    pub fn read(root: &Path, limits: Limits) -> Result<Self, ArchiveError> {
        let mut reading = Reading {
            root,
            meter: Meter::new(limits, None),
            gather: Gather::default(),
            left_out: Vec::new(),
        };
        reading.folder(root, None)?;
        Ok(Self { contents: reading.gather.finish()?, left_out: reading.left_out })
    }
}

struct Reading<'r> {
    root: &'r Path,
    meter: Meter,
    gather: Gather,
    left_out: Vec<String>,
}

impl Reading<'_> {
    /// The entries of one folder. Their depth is bounded by the length of a path.
    fn folder(&mut self, folder: &Path, within: Option<&EntryPath>) -> Result<(), ArchiveError> {
        let failed = |source| ArchiveError::Io { path: folder.to_owned(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            match name.to_str() {
                Some(name) if within.is_none() && !is_part(name) => self.left_out.push(name.to_owned()),
                None if within.is_none() => self.left_out.push(name.to_string_lossy().into_owned()),
                _ => names.push(name),
            }
            // A folder is listed no further than a package may have entries.
            self.meter.listed(&folder.to_string_lossy(), names.len())?;
        }
        self.left_out.sort();
        names.sort();
        for name in names {
            let raw = name.as_encoded_bytes();
            let full = match within {
                Some(outer) => [outer.as_str().as_bytes(), b"/", raw].concat(),
                None => raw.to_vec(),
            };
            let path = EntryPath::new(&full).map_err(|flaw| ArchiveError::Path {
                entry: String::from_utf8_lossy(&full).into_owned(),
                flaw,
            })?;
            self.one(&folder.join(&name), &path)?;
        }
        Ok(())
    }

    fn one(&mut self, place: &Path, path: &EntryPath) -> Result<(), ArchiveError> {
        let failed = |source| ArchiveError::Io { path: place.to_owned(), source };
        let about = fs::symlink_metadata(place).map_err(failed)?;
        self.meter.entry(path.as_str())?;
        // As much as it would take in an archive, so that the same limits hold.
        self.meter.take(path.as_str(), BLOCK as u64)?;
        match kind(about.file_type()) {
            Kind::Folder => {
                self.gather.folder(path)?;
                self.folder(place, Some(path))
            }
            Kind::File => {
                self.gather.file(path)?;
                self.meter.room(path.as_str(), about.len())?;
                let bytes = self.file(place, path, &about)?;
                self.gather.fill(path.clone(), bytes);
                Ok(())
            }
            kind => Err(ArchiveError::Kind { entry: path.to_string(), kind }),
        }
    }

    fn file(&mut self, place: &Path, path: &EntryPath, about: &Metadata) -> Result<Vec<u8>, ArchiveError> {
        let failed = |source| ArchiveError::Io { path: place.to_owned(), source };
        let changed = || ArchiveError::Changed { path: self.root.join(path.as_str()) };
        let file = File::open(place).map_err(failed)?;
        // Between the look and the opening, somebody may have put a link there.
        if !is_same(about, &file.metadata().map_err(failed)?) {
            return Err(changed());
        }
        let mut bytes = Vec::new();
        file.take(about.len().saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 != about.len() {
            return Err(changed());
        }
        self.meter.take(path.as_str(), about.len().next_multiple_of(BLOCK as u64))?;
        Ok(bytes)
    }
}

#[cfg(unix)]
fn kind(of: FileType) -> Kind {
    use std::os::unix::fs::FileTypeExt as _;
    match () {
        () if of.is_dir() => Kind::Folder,
        () if of.is_file() => Kind::File,
        () if of.is_symlink() => Kind::SymbolicLink,
        () if of.is_fifo() => Kind::Fifo,
        () if of.is_char_device() => Kind::CharacterDevice,
        () if of.is_block_device() => Kind::BlockDevice,
        () if of.is_socket() => Kind::Socket,
        () => Kind::Unknown(0),
    }
}

#[cfg(not(unix))]
fn kind(of: FileType) -> Kind {
    match () {
        () if of.is_dir() => Kind::Folder,
        () if of.is_file() => Kind::File,
        () if of.is_symlink() => Kind::SymbolicLink,
        () => Kind::Unknown(0),
    }
}

#[cfg(unix)]
fn is_same(seen: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    opened.is_file() && (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same(seen: &Metadata, opened: &Metadata) -> bool {
    opened.is_file() && seen.len() == opened.len()
}
