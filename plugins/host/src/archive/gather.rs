//! Decides which entries may stand beside each other, and collects them.

use super::layout;
use super::{ArchiveError, Contents, EntryPath};
use std::collections::BTreeMap;

/// The entries so far.
#[derive(Debug, Default)]
pub(super) struct Gather {
    files: BTreeMap<EntryPath, Vec<u8>>,
    /// Every place that is taken, by its name without case.
    places: BTreeMap<String, Place>,
}

#[derive(Debug)]
struct Place {
    spelled: String,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    File,
    Folder,
    /// A folder that so far only the paths of its entries named.
    Implied,
}

impl Gather {
    /// Take the place of a file, before it is read.
    pub(super) fn file(&mut self, path: &EntryPath) -> Result<(), ArchiveError> {
        layout::check(path, false)?;
        self.place(path, What::File)
    }

    /// Take the place of a folder.
    pub(super) fn folder(&mut self, path: &EntryPath) -> Result<(), ArchiveError> {
        layout::check(path, true)?;
        self.place(path, What::Folder)
    }

    /// The bytes of a file whose place is taken.
    pub(super) fn fill(&mut self, path: EntryPath, bytes: Vec<u8>) {
        self.files.insert(path, bytes);
    }

    /// What was gathered, if it is a package.
    pub(super) fn finish(self) -> Result<Contents, ArchiveError> {
        Contents::new(self.files)
    }

    fn place(&mut self, path: &EntryPath, what: What) -> Result<(), ArchiveError> {
        for folder in path.folders() {
            self.claim(folder, What::Implied, path)?;
        }
        self.claim(path.as_str(), what, path)
    }

    fn claim(&mut self, name: &str, what: What, entry: &EntryPath) -> Result<(), ArchiveError> {
        let folded = name.to_lowercase();
        let Some(place) = self.places.get_mut(&folded) else {
            self.places.insert(folded, Place { spelled: name.to_owned(), what });
            return Ok(());
        };
        let both_may_stand = match (place.what, what) {
            (What::File, _) | (_, What::File) | (What::Folder, What::Folder) => false,
            (What::Folder | What::Implied, What::Folder | What::Implied) => true,
        };
        if !both_may_stand || place.spelled != name {
            return Err(ArchiveError::Duplicate { entry: entry.to_string(), first: place.spelled.clone() });
        }
        if what == What::Folder {
            place.what = What::Folder;
        }
        Ok(())
    }
}
