//! The catalog: versions of packages that outlive a process, routes, and what holds a version.
//!
//! ```text
//! load ─▶ read and verify ─▶ queue ─▶ decide ─▶ stage the archive ─▶ reconciler: prepare, dormant
//!                                       └▶ refusal: audit entry             │
//!        answer ◀─ activate ◀─ publish ◀─ fold ◀─ record synced ◀───────────┘ its commit
//! ```
//!
//! Rules are values of [`acequia_core::catalog`]; what is here carries them out. What the program itself loads
//! ([`Engine::load`](crate::Engine::load)) is not the catalog's: it is listed, and neither journaled nor
//! routed.

mod actor;
mod archives;
mod boot;
mod commit;
mod error;
mod handle;
mod hold;
mod kept;
mod listing;
mod load;
mod note;
mod pin;
mod point;
mod quarantine;
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "tests bring readers of their own"))]
mod reader;
mod register;
mod release;
mod request;
mod route;
mod unload;
mod write;

#[cfg(feature = "testing")]
pub(crate) use actor::CatalogMsg;
pub(crate) use actor::{CatalogActor, CatalogArgs};
pub(crate) use archives::Archives;
pub use boot::{BootReport, FileReport, LeftOut};
pub(crate) use commit::{Commit, Passage};
pub use error::DeployError;
pub use handle::{CatalogHandle, Loaded, Routed};
pub use kept::{KeptError, KeptVersion, kept_versions};
pub use listing::{AuditError, VersionStatus};
pub use pin::PinTicket;
pub use point::DeployPoint;
pub(crate) use point::OnDeployPoint;
pub(crate) use reader::ArchiveReader;
#[cfg(feature = "testing")]
pub use reader::{Make, Taken, Unreadable};
#[cfg_attr(
    not(feature = "testing"),
    allow(unreachable_pub, reason = "tests bring readers of their own")
)]
pub use reader::{Reader, Source};
pub(crate) use register::{Register, RegisterArgs};
pub(crate) use write::{checkpoints, records};
