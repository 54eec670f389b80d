//! Where a bench writes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::BenchError;
use crate::probe;

/// A folder of one process, gone afterwards.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// In `around`, or beside the program.
    pub(crate) fn new(around: Option<&Path>) -> Result<Self, BenchError> {
        let program = probe::this_program()?;
        let around = around.unwrap_or_else(|| program.parent().unwrap_or(Path::new(".")));
        Ok(Self(around.join(format!("durable-{}", std::process::id()))))
    }

    /// An empty folder.
    pub(crate) fn fresh(&self, name: &str) -> Result<PathBuf, BenchError> {
        let path = self.0.join(name);
        // Most often it is not there.
        let _ = fs::remove_dir_all(&path);
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(BenchError::Write { path, source }),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind is only in the way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Bytes of the files in a folder.
pub(crate) fn n_bytes(folder: &Path) -> Result<u64, BenchError> {
    let failed = |source| BenchError::Read { path: folder.into(), source };
    let mut sum = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        sum += entry.and_then(|entry| entry.metadata()).map_err(failed)?.len();
    }
    Ok(sum)
}
