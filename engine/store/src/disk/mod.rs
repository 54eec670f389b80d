//! A folder of files, as far as a store needs one.
//!
//! Behind a trait, so that tests run the real store on a disk that loses what was not synced.
//! A file's contents are durable after [`DiskFile::sync_data`], its name after
//! [`Disk::sync_directory`]; nothing is before.

mod folder;
mod read_only;
mod simulated;

pub use folder::FolderDisk;
pub use read_only::ReadOnlyDisk;
pub use simulated::{Cut, SimulatedDisk};

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// One flat folder.
///
/// Names are plain: no separators. A full disk is [`io::ErrorKind::StorageFull`].
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Makes a file of `bytes` zeros for which the room is reserved, so that writing within it cannot
    /// meet a full disk. Fails if the name is taken. Neither contents nor name are durable yet; where it
    /// fails, no file is left.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that is there.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// The names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Gives a file another name, in place of whoever had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a name away.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all names durable as they are now.
    fn sync_directory(&self) -> io::Result<()>;

    /// Room that is left for files of ours.
    fn free_bytes(&self) -> io::Result<u64>;

    /// Takes the folder for this engine alone until the lock is dropped, or its process ends however it
    /// does.
    fn lock(&self) -> Result<Lock, LockError>;
}

/// An open file. Removing or renaming it changes nothing for who has it open.
pub trait DiskFile: fmt::Debug + Send + Sync + 'static {
    /// Writes all slices one behind the other from `offset` on; the file grows if it must.
    fn write_at(&self, offset: u64, slices: &[IoSlice<'_>]) -> io::Result<()>;

    /// Reads up to `buffer.len()` bytes from `offset` on; fewer only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Makes contents and length durable. After a failure nothing is known about what is on the disk, and
    /// asking again proves nothing.
    fn sync_data(&self) -> io::Result<()>;

    /// Length in bytes.
    fn n_bytes(&self) -> io::Result<u64>;

    /// Cuts the file off, or lets it grow by zeros.
    fn truncate(&self, bytes: u64) -> io::Result<()>;
}

/// What holds a folder; dropping it lets the folder go.
#[derive(Debug)]
pub struct Lock {
    _held: Box<dyn Held>,
}

/// What a disk keeps alive as long as its folder is taken.
pub trait Held: fmt::Debug + Send + Sync {}

impl Lock {
    /// Holds `held` until it is dropped.
    pub fn new(held: impl Held + 'static) -> Self {
        Self { _held: Box::new(held) }
    }
}

/// Why a folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another engine has it.
    #[error("E0501: {folder} is in use by another engine; stop that one, or give this one another folder")]
    Held {
        /// The folder.
        folder: String,
    },
    /// The system refused.
    #[error("E0502: cannot lock {folder}; look at its permissions and its file system")]
    Io {
        /// The folder.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
}
