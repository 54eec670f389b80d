//! A folder of a command's own.

use crate::error::CommandError;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

/// A folder for temporary files, gone with this.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Result<Self, CommandError> {
        let number = RandomState::new().hash_one(std::process::id());
        let path = std::env::temp_dir().join(format!("acequia-look-at-{number:016x}"));
        // One that is there already is somebody else's.
        fs::create_dir(&path).map_err(|source| CommandError::Io { path: path.clone(), source })?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is the system's to clear.
        let _ = fs::remove_dir_all(&self.0);
    }
}
