//! What is asked of the catalog's actor.

use super::error::DeployError;
use super::reader::{Taken, Unreadable};
use acequia_core::catalog::{Answer, Author, Command, Origin, Selector};
use acequia_core::id::PackageName;
use acequia_core::package::Version;
use std::time::Duration;
use tokio::sync::oneshot;

/// Where an answer goes, if somebody waits for one.
pub(super) type Reply = Option<oneshot::Sender<Result<Answer, DeployError>>>;

/// One thing asked of the catalog.
pub(super) enum Request {
    /// Load what was read, or say why it could not be.
    Load { taken: Result<Box<Taken>, Unreadable>, origin: Origin, by: Author, reply: Reply },
    /// Send new work to a loaded version.
    Route { package: PackageName, version: Selector, expected: Option<Version>, by: Author, reply: Reply },
    /// Unload a version, or the package.
    Unload { package: PackageName, version: Option<Selector>, drain: Duration, by: Author, reply: Reply },
    /// What is decided and written, and needs nothing else.
    Note { command: Command, reply: Reply },
    /// Unload what nobody holds any more.
    FinishDrain { package: PackageName },
    /// Try again to release what unloads left.
    Reap,
}

/// Answer who asked. A vanished caller is not our failure: what was done stays done.
pub(super) fn tell(reply: Reply, result: Result<Answer, DeployError>) {
    if let Some(reply) = reply {
        let _ = reply.send(result);
    }
}
