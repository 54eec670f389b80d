//! A disk in memory that behaves as badly as a disk may.
//!
//! What was not synced is lost or torn when the power is cut, at any byte and in any order of sectors; names are
//! lost that were not synced with their directory. A failed sync drops what it should have written. Room runs
//! out, calls fail, the power goes at a chosen call. All of it follows from the seed.

mod inode;
mod random;
mod world;

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, Held, Lock, LockError};
use world::World;

pub use inode::Cut;

/// A disk in memory. Clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk {
    world: Arc<Mutex<World>>,
    is_locked: Arc<AtomicBool>,
}

impl SimulatedDisk {
    /// An empty disk without limits, that works.
    pub fn new(seed: u64) -> Self {
        Self::over(World::new(seed))
    }

    fn over(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)), is_locked: Arc::default() }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls were made that could have failed.
    pub fn n_calls(&self) -> u64 {
        self.world().n_calls
    }

    /// Lets the `n`th call from now on fail, once; 0 is the next. What it should have done is not done; a sync
    /// that fails drops what it should have synced.
    pub fn fail_call(&self, n: u64, kind: io::ErrorKind) {
        let mut world = self.world();
        let at = world.n_calls + n;
        world.failures.insert(at, kind);
    }

    /// Cuts the power at the `n`th call from now on; 0 is the next. It and all later ones fail.
    pub fn power_off_at(&self, n: u64) {
        let mut world = self.world();
        world.power_off = Some(world.n_calls + n);
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.world().is_off()
    }

    /// Cuts the power now. The answer is the disk as it is found when the power is back.
    #[must_use]
    pub fn power_cut(&self, cut: Cut) -> Self {
        let mut world = self.world();
        world.power_off = Some(0);
        Self::over(world.found_after(cut))
    }

    /// Kills the process: the system has all that was written, and its locks are gone. The disk itself goes on
    /// being written to by nobody.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut world = self.world();
        let mut left = world.clone();
        world.power_off = Some(0);
        left.power_off = None;
        left.failures.clear();
        Self::over(left)
    }

    /// A second disk with the same contents.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::over(self.world().clone())
    }

    /// Gives the disk so much room in all.
    pub fn set_capacity(&self, bytes: u64) {
        self.world().capacity = bytes;
    }

    /// Bytes that its files take.
    pub fn used_bytes(&self) -> u64 {
        self.world().used()
    }

    /// The names of all files, also when the power is off.
    pub fn names(&self) -> Vec<String> {
        self.world().names.keys().cloned().collect()
    }

    /// What a reader of the file finds. `None` if there is no such file.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let world = self.world();
        let id = world.names.get(name)?;
        Some(world.inodes.get(id)?.view.clone())
    }

    /// Changes a file behind everybody's back, as a failing disk does: flipped bits, zeroed pages, lost ends.
    /// `false` if there is no such file.
    pub fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.world().damage(name, change)
    }

    /// Loses a file altogether. `false` if there is no such file.
    pub fn lose(&self, name: &str) -> bool {
        let mut world = self.world();
        world.durable_names.remove(name);
        world.names.remove(name).is_some()
    }
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedDisk").field("names", &self.names()).finish_non_exhaustive()
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.world().create(name, bytes)?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        world.call()?;
        let inode = *world.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), inode }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut world = self.world();
        world.call()?;
        Ok(world.names.keys().cloned().collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.world().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.world().remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut world = self.world();
        world.call()?;
        world.durable_names = world.names.clone();
        world.name_changes.clear();
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let mut world = self.world();
        world.call()?;
        Ok(world.capacity.saturating_sub(world.used()))
    }

    fn lock(&self) -> Result<Lock, LockError> {
        if self.is_locked.swap(true, Ordering::SeqCst) {
            return Err(LockError::Held { folder: "the simulated disk".to_owned() });
        }
        Ok(Lock::new(SimulatedLock(Arc::clone(&self.is_locked))))
    }
}

#[derive(Debug)]
struct SimulatedLock(Arc<AtomicBool>);

impl Held for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    inode: u64,
}

impl DiskFile for SimulatedFile {
    fn write_at(&self, offset: u64, slices: &[IoSlice<'_>]) -> io::Result<()> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.disk.world().write(self.inode, offset, bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        world.call()?;
        let view = &world.inode(self.inode)?.view;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(view.len());
        let n = buffer.len().min(view.len() - from);
        buffer[..n].copy_from_slice(&view[from..from + n]);
        Ok(n)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.world().sync(self.inode)
    }

    fn n_bytes(&self) -> io::Result<u64> {
        let mut world = self.disk.world();
        world.call()?;
        Ok(world.inode(self.inode)?.view.len() as u64)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.disk.world().truncate(self.inode, bytes)
    }
}

#[cfg(test)]
mod tests;
