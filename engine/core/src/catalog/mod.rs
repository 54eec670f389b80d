//! The catalog: which versions of each package are loaded, where new work goes, and what holds a version.
//!
//! ```text
//!  command ─▶ Catalog::decide ─▶ Decision { record, answer } ─▶ (journal, sync) ─▶ Catalog::apply ─▶ snapshot
//!                            └─▶ Refusal: nothing has changed
//! ```
//!
//! [`Catalog`] is a value: what its [`Record`]s add up to. Whoever starts folds the journaled records in
//! order, and has the catalog as it was. Readers clone a [`Snapshot`] and wait for nobody. A start takes a
//! [`StartPin`] at a version's door, and an unload closes that door before it looks: so the unload sees
//! the start, or the start is turned away.
//!
//! ```
//! use acequia_core::catalog::{Catalog, Command, Load, Operation};
//! use acequia_core::Timestamp;
//!
//! let mut catalog = Catalog::default();
//! let load = Load::new("pricing", "3f9ac2").label("1.0.0");
//! let command = Command::new("alice", Timestamp::ZERO, Operation::Load(load));
//!
//! let decision = catalog.decide(&command)?;
//! // Here the record is journaled and synced; only then does anybody see it.
//! catalog.apply(&decision.record)?;
//!
//! assert_eq!(catalog.snapshot().routed(&"pricing".into()).map(|v| v.as_str()), Some("3f9ac2"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod version;

pub mod pin;
pub mod route;

pub mod door;
pub mod snapshot;

pub mod audit;
pub mod command;
pub mod decision;
pub mod record;
pub mod refusal;

mod admission;
mod drain;
mod load;
mod lookup;
mod quarantine;
mod unload;

pub mod boot;
pub mod condense;
pub mod fold;
pub mod listing;

pub use audit::{AuditEntry, Outcome, Standing};
pub use boot::{BootVersion, FilePackage, FilePolicy, FileVerdict};
pub use command::{Author, Command, Load, Operation};
pub use decision::{Answer, Decision};
pub use door::{Closed, StartPin};
pub use fold::{Catalog, FoldError};
pub use listing::Row;
pub use pin::{Holder, HolderPage, PinChange, PinCounts, PinKind, Pins};
pub use record::{Change, Record};
pub use refusal::{Held, Refusal};
pub use route::Route;
pub use snapshot::{PackageVersions, Snapshot};
pub use version::{Drain, Label, LoadedVersion, ManifestDigest, Origin, Selector, VersionState};
