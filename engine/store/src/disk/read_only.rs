//! A folder that is only looked at: nothing in it is written, made or removed.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::LOCK;
use super::{Disk, DiskFile, Held, Lock, LockError};

/// Told how many bytes were read, as they are.
type OnRead = Arc<dyn Fn(u64) + Send + Sync>;

/// A folder of the file system, to be looked at. Whatever would change it is refused.
///
/// Its lock keeps engines out, and other readers in: while it is held no engine opens the folder, and it is not had
/// while one has it open.
#[derive(Clone)]
pub struct ReadOnlyDisk {
    path: PathBuf,
    on_read: OnRead,
}

impl ReadOnlyDisk {
    /// A folder that is there.
    ///
    /// # Errors
    /// What the system said; [`io::ErrorKind::NotFound`] if there is no such folder.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        if !fs::metadata(&path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { path, on_read: Arc::new(|_| ()) })
    }

    /// Have `on_read` told how many bytes were read, as they are.
    #[must_use]
    pub fn watched(self, on_read: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { on_read: Arc::new(on_read), ..self }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for ReadOnlyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOnlyDisk").field("path", &self.path).finish_non_exhaustive()
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "the folder is only looked at"))
}

impl Disk for ReadOnlyDisk {
    fn create(&self, _: &str, _: u64) -> io::Result<Arc<dyn DiskFile>> {
        refused()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = File::open(self.path.join(name))?;
        Ok(Arc::new(ReadOnlyFile { file, on_read: Arc::clone(&self.on_read) }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        super::folder::names(&self.path)
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn sync_directory(&self) -> io::Result<()> {
        refused()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn lock(&self) -> Result<Lock, LockError> {
        let folder = || self.path.display().to_string();
        let file = match File::open(self.path.join(LOCK)) {
            Ok(file) => file,
            // No engine ever had it, so none has it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lock::new(Shared(None))),
            Err(source) => return Err(LockError::Io { folder: folder(), source }),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Lock::new(Shared(Some(file)))),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { folder: folder() }),
            Err(TryLockError::Error(source)) => Err(LockError::Io { folder: folder(), source }),
        }
    }
}

/// Held by an open, locked file.
#[derive(Debug)]
struct Shared(#[expect(dead_code, reason = "the system lets go of the lock with the file")] Option<File>);

impl Held for Shared {}

struct ReadOnlyFile {
    file: File,
    on_read: OnRead,
}

impl fmt::Debug for ReadOnlyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadOnlyFile").field(&self.file).finish()
    }
}

impl DiskFile for ReadOnlyFile {
    fn write_at(&self, _: u64, _: &[IoSlice<'_>]) -> io::Result<()> {
        refused()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        (self.on_read)(filled as u64);
        Ok(filled)
    }

    fn sync_data(&self) -> io::Result<()> {
        refused()
    }

    fn n_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        refused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::FolderDisk;

    #[test]
    fn a_folder_that_is_looked_at_is_as_it_was_and_no_engine_opens_it_meanwhile() {
        let path = std::env::temp_dir().join(format!("acequia-read-only-{}", std::process::id()));
        let disk = FolderDisk::open(&path).unwrap();
        disk.create("a", 8).unwrap().write_at(0, &[IoSlice::new(b"contents")]).unwrap();
        let look = ReadOnlyDisk::open(&path).unwrap();
        assert!(look.lock().is_ok(), "nobody ever had it open");
        assert_eq!(look.list().unwrap(), ["a"], "and no lock was made");

        let engine = disk.lock().unwrap();
        assert!(matches!(look.lock(), Err(LockError::Held { .. })));
        drop(engine);
        let (one, _other) = (look.lock().unwrap(), look.lock().unwrap());
        assert!(matches!(disk.lock(), Err(LockError::Held { .. })));
        drop(one);

        let mut found = [0; 8];
        let file = look.open("a").unwrap();
        assert_eq!((file.read_at(&mut found, 0).unwrap(), &found), (8, b"contents"));
        assert!(file.truncate(1).is_err() && file.write_at(0, &[]).is_err() && file.sync_data().is_err());
        assert!(look.create("b", 0).is_err() && look.remove("a").is_err() && look.rename("a", "b").is_err());
        assert_eq!(ReadOnlyDisk::open(path.join("absent")).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::remove_dir_all(path).unwrap();
    }
}
