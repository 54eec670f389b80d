//! A real folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::{Errno, pwritev};

use super::{Disk, DiskFile, Held, Lock, LockError};

/// The file by which an engine says that the folder is its own. It stays; the lock on it does not.
pub(super) const LOCK: &str = "lock";
/// As many slices as one call takes anywhere.
const SLICES: usize = 1024;
/// What is written at once where the file system cannot reserve room.
const ZEROS: usize = 64 * 1024;

/// A folder of the file system.
#[derive(Debug)]
pub struct FolderDisk {
    path: PathBuf,
    /// Kept open, because it is what `sync_directory` syncs.
    folder: File,
}

impl FolderDisk {
    /// Opens a folder, making it (and what it lies in) if it is not there, durably.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        make(&path)?;
        let folder = File::open(&path)?;
        Ok(Self { path, folder })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// Makes a folder and syncs the one that has its name, from the outermost on.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make(parent)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

impl Disk for FolderDisk {
    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.at(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        if let Err(error) = reserve(&file, bytes) {
            // The first error is the one to tell of.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Arc::new(FolderFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.at(name))?;
        Ok(Arc::new(FolderFile(file)))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        names(&self.path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.at(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.folder.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let system = statvfs(&self.path)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }

    fn lock(&self) -> Result<Lock, LockError> {
        let refused = |source| LockError::Io { folder: self.shown(), source };
        let path = self.at(LOCK);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock::new(FolderLock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { folder: self.shown() }),
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }
}

/// The names of all files of a folder, sorted.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A name that is not text is none of ours.
        if let (true, Ok(name)) = (entry.file_type()?.is_file(), entry.file_name().into_string()) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Reserves room; zeros are written where the file system cannot do it otherwise.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(file, bytes),
        Err(error) => Err(error.into()),
    }
}

fn fill(file: &File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS];
    let mut at = 0;
    while at < bytes {
        let n = usize::try_from(bytes - at).unwrap_or(ZEROS).min(ZEROS);
        file.write_all_at(&zeros[..n], at)?;
        at += n as u64;
    }
    Ok(())
}

/// Held by an open, locked file: the system lets go of the lock with it.
#[derive(Debug)]
struct FolderLock {
    _file: File,
}

impl Held for FolderLock {}

#[derive(Debug)]
struct FolderFile(File);

impl DiskFile for FolderFile {
    fn write_at(&self, mut offset: u64, slices: &[IoSlice<'_>]) -> io::Result<()> {
        for chunk in slices.chunks(SLICES) {
            let bytes: usize = chunk.iter().map(|slice| slice.len()).sum();
            let written = retried(|| pwritev(&self.0, chunk, offset))?;
            if written < bytes {
                rest(&self.0, chunk, offset, written)?;
            }
            offset += bytes as u64;
        }
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.0.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn n_bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }
}

/// Writes what a short write left over.
fn rest(file: &File, slices: &[IoSlice<'_>], offset: u64, mut skip: usize) -> io::Result<()> {
    let mut at = offset + skip as u64;
    for slice in slices {
        let done = skip.min(slice.len());
        skip -= done;
        file.write_all_at(&slice[done..], at)?;
        at += (slice.len() - done) as u64;
    }
    Ok(())
}

fn retried(mut call: impl FnMut() -> rustix::io::Result<usize>) -> rustix::io::Result<usize> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("acequia-folder-{name}-{}", std::process::id()))
    }

    #[test]
    fn files_are_made_of_zeros_written_in_slices_renamed_and_removed() {
        let path = folder("files");
        let disk = FolderDisk::open(path.join("within/another")).unwrap();
        let file = disk.create("a", 10_000).unwrap();
        assert_eq!((file.n_bytes().unwrap(), disk.create("a", 0).is_err()), (10_000, true));
        // More slices than one call takes.
        let numbers: Vec<[u8; 2]> = (0..3_000_u16).map(u16::to_le_bytes).collect();
        let slices: Vec<IoSlice<'_>> = numbers.iter().map(|bytes| IoSlice::new(bytes)).collect();
        file.write_at(100, &slices).unwrap();
        file.sync_data().unwrap();
        disk.rename("a", "b").unwrap();
        disk.sync_directory().unwrap();

        let mut found = vec![1; 20_000];
        assert_eq!(disk.open("b").unwrap().read_at(&mut found, 0).unwrap(), 10_000);
        assert_eq!(found[100..6_100], numbers.concat());
        assert!(found[..100].iter().chain(&found[6_100..10_000]).all(|byte| *byte == 0));

        assert_eq!(disk.list().unwrap(), ["b"]);
        disk.remove("b").unwrap();
        assert!(disk.list().unwrap().is_empty() && disk.free_bytes().unwrap() > 0);
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_short_write_is_continued_where_it_ended() {
        let path = folder("short");
        let disk = FolderDisk::open(&path).unwrap();
        for skip in 0..=9 {
            let _ = disk.remove("a");
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(disk.at("a")).unwrap();
            file.write_all_at(&b"abcdefghi"[..skip], 5).unwrap();
            rest(&file, &[IoSlice::new(b"abc"), IoSlice::new(b""), IoSlice::new(b"defghi")], 5, skip)
                .unwrap();
            assert_eq!(&fs::read(disk.at("a")).unwrap()[5..], b"abcdefghi", "after {skip}");
        }
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_folder_is_locked_until_the_lock_is_dropped() {
        let path = folder("lock");
        let (one, other) = (FolderDisk::open(&path).unwrap(), FolderDisk::open(&path).unwrap());
        let lock = one.lock().unwrap();
        assert!(matches!(other.lock(), Err(LockError::Held { .. })));
        drop(lock);
        assert!(other.lock().is_ok());
        fs::remove_dir_all(path).unwrap();
    }
}
