//! Who still needs records, and from where on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Lsn;

/// Holds records in the journal: nothing from its position on is trimmed. Dropping it lets go.
#[derive(Debug)]
pub struct Consumer {
    consumers: Arc<Consumers>,
    key: u64,
    name: Arc<str>,
}

/// All consumers of a journal.
#[derive(Debug, Default)]
pub(super) struct Consumers(Mutex<Positions>);

#[derive(Debug, Default)]
struct Positions {
    next_key: u64,
    held: BTreeMap<u64, Position>,
}

/// Where a consumer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The consumer's name.
    pub name: Arc<str>,
    /// The first record that it still needs.
    pub from: Lsn,
}

impl Consumers {
    pub(super) fn register(self: &Arc<Self>, name: &str, from: Lsn) -> Consumer {
        let name: Arc<str> = Arc::from(name);
        let mut positions = self.lock();
        let key = positions.next_key;
        positions.next_key += 1;
        positions.held.insert(key, Position { name: Arc::clone(&name), from });
        Consumer { consumers: Arc::clone(self), key, name }
    }

    /// Runs `f` with the slowest, while nobody moves.
    pub(super) fn with_slowest<T>(&self, f: impl FnOnce(Option<&Position>) -> T) -> T {
        let positions = self.lock();
        f(positions.held.values().min_by_key(|position| position.from))
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Position> {
        self.lock().held.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Positions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first record that it still needs.
    pub fn position(&self) -> Lsn {
        self.consumers.lock().held.get(&self.key).map_or(Lsn::ZERO, |position| position.from)
    }

    /// Needs nothing below `from` any more. A consumer never goes back.
    pub fn advance(&self, from: Lsn) {
        if let Some(position) = self.consumers.lock().held.get_mut(&self.key) {
            position.from = position.from.max(from);
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.consumers.lock().held.remove(&self.key);
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.name, self.from)
    }
}
