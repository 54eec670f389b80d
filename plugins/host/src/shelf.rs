//! Keeps libraries where they can be mapped: each under the name of its own hash, never written again.
//!
//! The same path opened twice is the same code, and another version never comes under a path that is
//! mapped already. A file appears under its name only when all of it is on the disk, so that a crash
//! leaves at most a `.part`, which the next opening sweeps. One process owns a shelf at a time.

use crate::version::Digest;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const LOCK: &str = "shelf.lock";
const PART: &str = ".part";

/// A folder of libraries, held by this process.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    n_parts: AtomicU64,
    /// Held for as long as the shelf is, and let go by the system however the process ends.
    _lock: File,
}

/// Why a library cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShelfError {
    /// Another process has the shelf.
    #[error("E0880: {} is in use by another engine; give each engine a folder of its own", folder.display())]
    InUse {
        /// The shelf.
        folder: PathBuf,
    },
    /// Others may write there.
    #[error("E0881: others may write to {} (mode {mode:o}), and so replace code before it is mapped; run: chmod 700", folder.display())]
    Open {
        /// The shelf.
        folder: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Something else stands under the library's name.
    #[error("E0882: {} does not hold what its name says: {found}; stop what maps it, remove it and try again", path.display())]
    Foreign {
        /// The place.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// The system refused.
    #[error("E0883: {} cannot be kept or read; see the cause", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl Shelf {
    /// Open the shelf in `folder`, making it if need be, and sweep what a crash left half-written.
    ///
    /// # Errors
    /// If another process has it, or others may write to it.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, ShelfError> {
        let folder = folder.into();
        make_private(&folder)?;
        let lock_path = folder.join(LOCK);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(failed(&lock_path))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => ShelfError::InUse { folder: folder.clone() },
            fs::TryLockError::Error(source) => ShelfError::Io { path: lock_path, source },
        })?;
        let shelf = Self { folder, n_parts: AtomicU64::new(0), _lock: lock };
        shelf.sweep()?;
        Ok(shelf)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a library with that hash stands, or would.
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{digest}{}", std::env::consts::DLL_SUFFIX))
    }

    /// Keep a library, and say where it is. One that is there already is compared, not written.
    ///
    /// # Errors
    /// If something else stands in its place, or the disk refuses.
    pub fn keep(&self, library: &[u8]) -> Result<PathBuf, ShelfError> {
        let digest = Digest::of(library);
        let path = self.path(digest);
        if self.holds(&path, library)? {
            return Ok(path);
        }
        let number = self.n_parts.fetch_add(1, Ordering::Relaxed);
        let part = self.folder.join(format!("{digest}.{number}{PART}"));
        let written =
            self.write(&part, library).and_then(|()| fs::rename(&part, &path).map_err(failed(&path)));
        if let Err(error) = written {
            // What cannot be removed either is swept at the next opening.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        sync_folder(&self.folder)?;
        Ok(path)
    }

    fn write(&self, part: &Path, library: &[u8]) -> Result<(), ShelfError> {
        let failed = failed(part);
        let mut file = OpenOptions::new().write(true).create_new(true).open(part).map_err(&failed)?;
        file.write_all(library).map_err(&failed)?;
        let mut permissions = file.metadata().map_err(&failed)?.permissions();
        permissions.set_readonly(true);
        file.set_permissions(permissions).map_err(&failed)?;
        file.sync_all().map_err(&failed)
    }

    /// Whether `path` holds just these bytes, in a file that nobody is meant to write.
    fn holds(&self, path: &Path, library: &[u8]) -> Result<bool, ShelfError> {
        let foreign = |found: &str| ShelfError::Foreign { path: path.to_owned(), found: found.to_owned() };
        let about = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other.map_err(failed(path))?,
        };
        if !about.is_file() {
            return Err(foreign("it is no regular file"));
        }
        if !about.permissions().readonly() {
            return Err(foreign("it can be written to"));
        }
        if about.len() != library.len() as u64 {
            return Err(foreign(&format!("it has {} bytes instead of {}", about.len(), library.len())));
        }
        let mut found = Vec::new();
        let file = File::open(path).map_err(failed(path))?;
        file.take(about.len().saturating_add(1)).read_to_end(&mut found).map_err(failed(path))?;
        if found == library {
            return Ok(true);
        }
        Err(foreign(&format!("its bytes have the hash {}", Digest::of(&found))))
    }

    fn sweep(&self) -> Result<(), ShelfError> {
        for entry in fs::read_dir(&self.folder).map_err(failed(&self.folder))? {
            let entry = entry.map_err(failed(&self.folder))?;
            if entry.file_name().to_string_lossy().ends_with(PART) {
                fs::remove_file(entry.path()).map_err(failed(&entry.path()))?;
            }
        }
        sync_folder(&self.folder)
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ShelfError + '_ {
    |source| ShelfError::Io { path: path.to_owned(), source }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> Result<(), ShelfError> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(failed(folder))?;
    let mode = fs::metadata(folder).map_err(failed(folder))?.permissions().mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(ShelfError::Open { folder: folder.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> Result<(), ShelfError> {
    fs::create_dir_all(folder).map_err(failed(folder))
}

/// A rename is on the disk only when its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), ShelfError> {
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(failed(folder))
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), ShelfError> {
    Ok(())
}
