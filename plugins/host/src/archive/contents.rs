//! The files of a package, in memory.

use super::layout::{LIBRARIES, MANIFEST, SIGNATURE};
use super::{ArchiveError, EntryPath};
use crate::signature::Signature;
use std::collections::BTreeMap;

/// A package's files, by path. It has a manifest, and no more than one library for each target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    files: BTreeMap<EntryPath, Vec<u8>>,
}

/// A library in a package.
#[derive(Debug, Clone, Copy)]
pub struct Library<'c> {
    /// For which target it was built.
    pub target: &'c str,
    /// Where it stands.
    pub path: &'c EntryPath,
    /// Its bytes.
    pub bytes: &'c [u8],
}

impl Contents {
    /// What was gathered, if it is whole.
    pub(super) fn new(files: BTreeMap<EntryPath, Vec<u8>>) -> Result<Self, ArchiveError> {
        let contents = Self { files };
        contents.manifest()?;
        let mut first: BTreeMap<&str, &EntryPath> = BTreeMap::new();
        for library in contents.libraries() {
            if let Some(first) = first.insert(library.target, library.path) {
                return Err(ArchiveError::TwoLibraries {
                    entry: library.path.to_string(),
                    target: library.target.to_owned(),
                    first: first.to_string(),
                });
            }
        }
        Ok(contents)
    }

    fn manifest(&self) -> Result<&str, ArchiveError> {
        let bytes = self.file(MANIFEST).ok_or(ArchiveError::NoManifest)?;
        std::str::from_utf8(bytes).map_err(|_| ArchiveError::ManifestText)
    }

    fn file(&self, name: &str) -> Option<&[u8]> {
        self.entries().find(|(path, _)| path.as_str() == name).map(|(_, bytes)| bytes)
    }

    /// The text of `package.toml`.
    pub fn manifest_text(&self) -> &str {
        self.manifest().unwrap_or_else(|_| unreachable!("contents without a readable manifest are not made"))
    }

    /// The bytes of `package.sig`, if it is there.
    pub fn signature(&self) -> Option<&[u8]> {
        self.file(SIGNATURE)
    }

    /// The same with this signature, in the place of the one that may be there; or with none.
    #[must_use]
    pub fn signed(mut self, signature: Option<&Signature>) -> Self {
        let path = EntryPath::new(SIGNATURE.as_bytes());
        let path = path.unwrap_or_else(|_| unreachable!("the signature has a plain name"));
        match signature {
            Some(signature) => self.files.insert(path, signature.to_string().into_bytes()),
            None => self.files.remove(&path),
        };
        self
    }

    /// All files, in the order of their paths.
    pub fn entries(&self) -> impl Iterator<Item = (&EntryPath, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path, bytes.as_slice()))
    }

    /// How many files there are.
    pub fn n_entries(&self) -> usize {
        self.files.len()
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.entries().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// All libraries, in the order of their targets.
    pub fn libraries(&self) -> impl Iterator<Item = Library<'_>> {
        self.entries().filter_map(|(path, bytes)| {
            let mut pieces = path.pieces();
            (pieces.next() == Some(LIBRARIES)).then(|| pieces.next()).flatten().map(|target| Library {
                target,
                path,
                bytes,
            })
        })
    }

    /// The library for `target`.
    pub fn library(&self, target: &str) -> Option<Library<'_>> {
        self.libraries().find(|library| library.target == target)
    }
}
