//! A file's bytes: what its readers see, and what is on the disk for good.

use super::random::Random;

/// What a disk writes as one.
const SECTOR: usize = 512;

/// What becomes of that which was written and not synced, when the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// None of it is there.
    Nothing,
    /// All of it is there.
    Everything,
    /// Some of it is there: whole writes, or some of their sectors, or their beginning up to any byte.
    Torn,
}

/// A change that is not synced.
#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    /// What readers see.
    pub(super) view: Vec<u8>,
    /// What is there for good.
    pub(super) durable: Vec<u8>,
    changes: Vec<Change>,
}

impl Inode {
    pub(super) fn write(&mut self, offset: usize, bytes: Vec<u8>) {
        put(&mut self.view, offset, &bytes);
        self.changes.push(Change::Write { offset, bytes });
    }

    pub(super) fn set_length(&mut self, bytes: usize) {
        self.view.resize(bytes, 0);
        self.changes.push(Change::Length(bytes));
    }

    pub(super) fn sync(&mut self) {
        for change in self.changes.drain(..) {
            match change {
                Change::Write { offset, bytes } => put(&mut self.durable, offset, &bytes),
                Change::Length(bytes) => self.durable.resize(bytes, 0),
            }
        }
    }

    /// A sync that failed: readers see what was written until the power goes, and no later sync brings it to the
    /// disk.
    pub(super) fn drop_changes(&mut self) {
        self.changes.clear();
    }

    /// What is found when the power is back.
    pub(super) fn found_after(&self, cut: Cut, random: &mut Random) -> Self {
        let mut found = self.durable.clone();
        for change in &self.changes {
            match (cut, change) {
                (Cut::Nothing, _) => {}
                (Cut::Everything, Change::Write { offset, bytes }) => put(&mut found, *offset, bytes),
                (Cut::Everything, Change::Length(bytes)) => found.resize(*bytes, 0),
                (Cut::Torn, Change::Write { offset, bytes }) => tear(&mut found, *offset, bytes, random),
                (Cut::Torn, Change::Length(bytes)) if random.coin() => found.resize(*bytes, 0),
                (Cut::Torn, Change::Length(_)) => {}
            }
        }
        Self { view: found.clone(), durable: found, changes: Vec::new() }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(written);
}

fn tear(found: &mut Vec<u8>, offset: usize, bytes: &[u8], random: &mut Random) {
    match random.below(4) {
        0 => {}
        1 => put(found, offset, bytes),
        2 => put(found, offset, &bytes[..random.below(bytes.len() + 1)]),
        _ => {
            let mut from = 0;
            while from < bytes.len() {
                // Sectors lie in the file, not in the write.
                let to = bytes.len().min(from + SECTOR - (offset + from) % SECTOR);
                if random.coin() {
                    put(found, offset + from, &bytes[from..to]);
                }
                from = to;
            }
        }
    }
}
