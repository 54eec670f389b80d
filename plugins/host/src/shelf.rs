//! Keeps libraries where they can be mapped: each under the name of its own hash, never written again.
//!
//! The same path opened twice is the same code, and another version never comes under a path that is
//! mapped already. A file appears under its name only when all of it is on the disk, so that a crash
//! leaves at most a `.part`. One process owns a shelf at a time.
//!
//! A library stays for as long as this process maps it, which is to its end, or somebody holds it as [`Kept`]. One that
//! is refused before it was mapped goes at once; what an earlier process had mapped goes at the next opening.

use crate::library::{is_mapped, mapped};
use crate::version::Digest;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const LOCK: &str = "shelf.lock";
const PART: &str = ".part";

/// A folder of libraries, held by this process.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    pins: Arc<Pins>,
    budget: usize,
    /// Held for as long as the shelf is, and let go by the system however the process ends.
    _lock: File,
}

/// How many hold each library that is not, or not yet, mapped.
#[derive(Debug, Default)]
struct Pins(Mutex<BTreeMap<PathBuf, usize>>);

impl Pins {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A library on the shelf. It stays there at least as long as this does: map it before this goes.
#[derive(Debug)]
#[must_use = "a library that nobody holds or maps is taken off the shelf"]
pub struct Kept {
    path: PathBuf,
    pins: Arc<Pins>,
}

impl Kept {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for Kept {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Held to the end: whoever wants to keep the same library waits until it is gone, or stays.
        let mut pins = self.pins.lock();
        let others = pins.get_mut(&self.path).map_or(0, |n| {
            *n -= 1;
            *n
        });
        if others > 0 {
            return;
        }
        pins.remove(&self.path);
        if !is_mapped(&self.path) {
            // What cannot be removed is swept at the next opening.
            let _ = fs::remove_file(&self.path);
        }
    }
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
    /// The process has mapped as many libraries as it may.
    #[error(
        "E0722: {mapped} libraries are mapped, {unused} of them used by nobody, and no more are taken; a process never gives one back: restart it, or allow more"
    )]
    Full {
        /// How many are mapped.
        mapped: usize,
        /// How many of them nobody uses.
        unused: usize,
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
    /// Open the shelf in `folder`, making it if need be, and sweep what an earlier process left there: what was half-written,
    /// and libraries that nobody maps any more.
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
        let shelf = Self { folder, pins: Arc::default(), budget: usize::MAX, _lock: lock };
        shelf.sweep()?;
        Ok(shelf)
    }

    /// Take no further library once this process has mapped that many: it never gives one back, used or not.
    #[must_use]
    pub fn budget(mut self, n_mapped: usize) -> Self {
        self.budget = n_mapped;
        self
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
    /// If something else stands in its place, too many are mapped, or the disk refuses.
    pub fn keep(&self, library: &[u8]) -> Result<Kept, ShelfError> {
        let path = self.path(Digest::of(library));
        // Held to the end: nobody takes it off meanwhile, and nobody else writes it, whose file would go over one that is
        // mapped.
        let mut pins = self.pins.lock();
        self.has_room_for(&path)?;
        if !self.holds(&path, library)? {
            self.put(&path, library)?;
        }
        *pins.entry(path.clone()).or_default() += 1;
        Ok(Kept { path, pins: Arc::clone(&self.pins) })
    }

    /// Whether it is mapped already, or may be.
    fn has_room_for(&self, path: &Path) -> Result<(), ShelfError> {
        let all = mapped();
        if all.len() < self.budget || is_mapped(path) {
            return Ok(());
        }
        let unused = all.iter().filter(|mapped| mapped.live == 0).count();
        Err(ShelfError::Full { mapped: all.len(), unused })
    }

    fn put(&self, path: &Path, library: &[u8]) -> Result<(), ShelfError> {
        let part = path.with_extension(PART.trim_start_matches('.'));
        let written = self.write(&part, library).and_then(|()| fs::rename(&part, path).map_err(failed(path)));
        if let Err(error) = written {
            // What cannot be removed either is swept at the next opening.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        sync_folder(&self.folder)
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
            let path = entry.map_err(failed(&self.folder))?.path();
            if path.to_string_lossy().ends_with(PART) || (is_library(&path) && !is_mapped(&path)) {
                fs::remove_file(&path).map_err(failed(&path))?;
            }
        }
        sync_folder(&self.folder)
    }
}

/// Whether a shelf made it: a read-only file under a hash.
fn is_library(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.strip_suffix(std::env::consts::DLL_SUFFIX).unwrap_or_default();
    let about = fs::symlink_metadata(path);
    stem.parse::<Digest>().is_ok()
        && about.is_ok_and(|about| about.is_file() && about.permissions().readonly())
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
