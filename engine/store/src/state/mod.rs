//! The state store: small tables of what can be rebuilt from the journal, as pointers, indexes and rows of
//! the catalog.
//!
//! ```text
//!  journal (the truth) ─▶ batch at LSN ─▶ Guarded ─▶ back end: memory, sled, redb
//!                                            └─▶ anchor: LSN, hash of all rows, epoch; a file of its own
//! ```
//!
//! A [`StateStore`] is only a table. What makes one trustworthy is [`open`]: it compares the store with
//! its anchor and, where they differ, or where the back end fails or panics, moves the store aside and
//! has it rebuilt from the journal. What happened is told, in [`Opened`]. A store is never silently empty.

mod batch;
mod error;
mod table;

mod memory;
#[cfg(feature = "redb")]
mod redb;
mod sled;

mod anchor;
mod contained;
mod content;
mod folders;
mod guard;
mod inspect;
mod open;
mod seal;
mod verdict;

pub use anchor::{Anchor, AnchorError};
pub use batch::{Batch, MAX_KEY, MAX_VALUE};
pub use content::ContentHash;
pub use error::StateError;
pub use guard::Guarded;
pub use inspect::{Inspected, inspect};
pub use memory::MemoryStore;
pub use open::{OpenError, Opened, Place, Rebuild, RebuildError, Truth, open};
#[cfg(feature = "redb")]
pub use redb::RedbBackend;
pub use sled::SledBackend;
pub use table::Table;
pub use verdict::Reason;

use crate::Lsn;
use bytes::Bytes;
use std::fmt;
use std::path::Path;

/// One row of one table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The table.
    pub table: Table,
    /// The key, unique in its table.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
}

/// Rows, as they are read.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Row, StateError>> + 'a>;

/// Small tables with one writer. Every batch is applied as a whole, together with the LSN up to which the
/// journal is taken in, so that whoever reopens the store knows where to go on.
pub trait StateStore: fmt::Debug + Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StateError`] if the back end fails.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StateError>;

    /// The rows of a table whose keys begin with `prefix`, in the order of keys.
    fn scan<'a>(&'a self, table: Table, prefix: &[u8]) -> Rows<'a>;

    /// All rows, by table and key.
    fn rows(&self) -> Rows<'_>;

    /// Apply all of a batch, or nothing; from then on the store is at `at`, which is not before where it
    /// was. Apply what the journal has synced, nothing else.
    ///
    /// # Errors
    /// [`StateError`]; nothing was applied.
    fn apply(&mut self, batch: &Batch, at: Lsn) -> Result<(), StateError>;

    /// The LSN up to which the journal is taken in.
    fn at(&self) -> Lsn;

    /// Make everything that was applied durable; gives the LSN up to which it is.
    ///
    /// # Errors
    /// [`StateError`]. It is not known then what is on the disk: close the store and open it again.
    fn checkpoint(&mut self) -> Result<Lsn, StateError>;
}

/// Opens stores of one kind, each in a folder of its own.
pub trait Backend: fmt::Debug + Send + Sync {
    /// What it is called in reports.
    fn name(&self) -> &'static str;

    /// Open the store in `folder`, or make one there.
    ///
    /// # Errors
    /// [`StateError`]. It may panic as well; [`open`] contains that.
    fn open(&self, folder: &Path) -> Result<Box<dyn StateStore>, StateError>;
}
