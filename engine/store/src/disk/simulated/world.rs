//! All that a simulated disk holds.

use std::collections::BTreeMap;
use std::io;

use super::inode::{Cut, Inode};
use super::random::Random;

/// A change of names that is not synced.
#[derive(Debug, Clone)]
pub(super) enum NameChange {
    Set(String, u64),
    Move(String, String),
    Remove(String),
}

#[derive(Debug, Clone)]
pub(super) struct World {
    /// Names as they are, and as they are for good.
    pub(super) names: BTreeMap<String, u64>,
    pub(super) durable_names: BTreeMap<String, u64>,
    pub(super) name_changes: Vec<NameChange>,
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) capacity: u64,
    pub(super) n_calls: u64,
    pub(super) failures: BTreeMap<u64, io::ErrorKind>,
    pub(super) power_off: Option<u64>,
    random: Random,
    next_inode: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            name_changes: Vec::new(),
            inodes: BTreeMap::new(),
            capacity: u64::MAX,
            n_calls: 0,
            failures: BTreeMap::new(),
            power_off: None,
            random: Random::new(seed),
            next_inode: 0,
        }
    }

    pub(super) fn is_off(&self) -> bool {
        self.power_off.is_some_and(|at| self.n_calls >= at)
    }

    /// Counts a call, and lets it fail if it is to.
    pub(super) fn call(&mut self) -> io::Result<()> {
        if self.is_off() {
            return Err(io::Error::other("the power is off"));
        }
        let at = self.n_calls;
        self.n_calls += 1;
        match self.failures.remove(&at) {
            Some(kind) => Err(kind.into()),
            None => Ok(()),
        }
    }

    pub(super) fn used(&self) -> u64 {
        self.names.values().filter_map(|id| self.inodes.get(id)).map(|inode| inode.view.len() as u64).sum()
    }

    pub(super) fn inode(&mut self, id: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn create(&mut self, name: &str, bytes: u64) -> io::Result<u64> {
        self.call()?;
        if self.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if bytes > self.capacity.saturating_sub(self.used()) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let id = self.next_inode;
        self.next_inode += 1;
        let mut inode = Inode::default();
        inode.set_length(length(bytes)?);
        self.inodes.insert(id, inode);
        self.names.insert(name.to_owned(), id);
        self.name_changes.push(NameChange::Set(name.to_owned(), id));
        Ok(id)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.call()?;
        let id = self.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.names.insert(to.to_owned(), id);
        self.name_changes.push(NameChange::Move(from.to_owned(), to.to_owned()));
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.call()?;
        self.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        self.name_changes.push(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    pub(super) fn write(&mut self, id: u64, offset: u64, bytes: Vec<u8>) -> io::Result<()> {
        let is_last = self.power_off == Some(self.n_calls);
        let offset = length(offset)?;
        if is_last {
            // The power goes in the middle of it.
            self.inode(id)?.write(offset, bytes);
            return self.call();
        }
        self.call()?;
        let grown = (offset + bytes.len()).saturating_sub(self.inode(id)?.view.len());
        if grown as u64 > self.capacity.saturating_sub(self.used()) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inode(id)?.write(offset, bytes);
        Ok(())
    }

    pub(super) fn truncate(&mut self, id: u64, bytes: u64) -> io::Result<()> {
        self.call()?;
        let bytes = length(bytes)?;
        self.inode(id)?.set_length(bytes);
        Ok(())
    }

    pub(super) fn sync(&mut self, id: u64) -> io::Result<()> {
        let called = self.call();
        let is_off = self.is_off();
        let inode = self.inode(id)?;
        match &called {
            Ok(()) => inode.sync(),
            // Without power nobody drops anything.
            Err(_) if is_off => {}
            Err(_) => inode.drop_changes(),
        }
        called
    }

    pub(super) fn damage(&mut self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let inode = self.names.get(name).and_then(|id| self.inodes.get_mut(id));
        let Some(inode) = inode else { return false };
        inode.sync();
        change(&mut inode.view);
        inode.durable.clone_from(&inode.view);
        true
    }

    /// The disk when the power is back.
    pub(super) fn found_after(&mut self, cut: Cut) -> Self {
        let n_kept = match cut {
            Cut::Nothing => 0,
            Cut::Everything => self.name_changes.len(),
            // A file system keeps the order of its own changes.
            Cut::Torn => self.random.below(self.name_changes.len() + 1),
        };
        let mut names = self.durable_names.clone();
        for change in &self.name_changes[..n_kept] {
            match change {
                NameChange::Set(name, id) => drop(names.insert(name.clone(), *id)),
                NameChange::Remove(name) => drop(names.remove(name)),
                NameChange::Move(from, to) => {
                    let id = names.remove(from);
                    names.extend(id.map(|id| (to.clone(), id)));
                }
            }
        }
        let mut found = World::new(self.random.next());
        for (name, id) in names {
            let Some(inode) = self.inodes.get(&id) else { continue };
            found.inodes.insert(id, inode.found_after(cut, &mut self.random));
            found.names.insert(name, id);
        }
        found.durable_names = found.names.clone();
        found.next_inode = self.next_inode;
        found.capacity = self.capacity;
        found
    }
}

/// Files in memory have lengths of memory.
fn length(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge.into())
}
