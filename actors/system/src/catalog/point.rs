//! Places in the work of a deploy where a crash is worth a test.
//!
//! Each is reached right after what it names, but for the two intents, which come before anything is done.
//! [`EngineBuilder::on_deploy_point`](crate::EngineBuilder::on_deploy_point) has a function called there; a
//! child process that is to be killed at one takes its name from its environment and aborts:
//!
//! ```
//! use acequia::DeployPoint;
//!
//! let name = std::env::var("POINT").unwrap_or_else(|_| "load: commit".to_owned());
//! let point = DeployPoint::named(&name).ok_or("no such point")?;
//! let builder = acequia::Engine::builder().on_deploy_point(move |reached| {
//!     if reached == point {
//!         std::process::abort();
//!     }
//! });
//! # let _ = builder;
//! # Ok::<(), &'static str>(())
//! ```

use std::fmt;
use std::sync::Arc;

/// A place where a test may end the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DeployPoint {
    /// The archive is written under a name of its own; nothing is synced.
    UploadTempWrite,
    /// What was written was read again, and has the hash that it should have.
    UploadHash,
    /// The file is synced; its name is not the right one yet.
    UploadFileSync,
    /// It has its name; the folder is not synced.
    UploadRename,
    /// File and name are on disk; no record names them.
    UploadDirectorySync,
    /// The record that names the archive is about to be appended.
    UploadCatalogCommit,
    /// Somebody asked for a load; nothing was read.
    LoadIntent,
    /// Files and signature are in order.
    LoadVerify,
    /// The library stands on the shelf.
    LoadCopy,
    /// The library is mapped, and its declarations are read.
    LoadMap,
    /// Library and manifest belong together; the version is known.
    LoadManifest,
    /// The author's hook has run.
    LoadInit,
    /// Everything is prepared, dormant.
    LoadRegister,
    /// The record is synced and folded; nothing of it works yet.
    LoadCommit,
    /// Somebody asked for a route; nothing was done.
    RouteIntent,
    /// The parts are made, and the cells stand still.
    RouteGate,
    /// The parts have been exchanged, and the new version is published.
    RouteSwap,
    /// The record is synced and folded; no part has been exchanged.
    RouteCommit,
    /// Nobody new is let in.
    UnloadGate,
    /// Nobody holds it.
    UnloadLinkCheck,
    /// What had been accepted is worked off.
    UnloadDrain,
    /// It is torn down, and the journal knows that its reactors ended.
    UnloadCheckpoint,
    /// Its archive is removed.
    UnloadRelease,
    /// The record is synced and folded; nothing is torn down yet.
    UnloadCommit,
}

impl DeployPoint {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::UploadTempWrite,
        Self::UploadHash,
        Self::UploadFileSync,
        Self::UploadRename,
        Self::UploadDirectorySync,
        Self::UploadCatalogCommit,
        Self::LoadIntent,
        Self::LoadVerify,
        Self::LoadCopy,
        Self::LoadMap,
        Self::LoadManifest,
        Self::LoadInit,
        Self::LoadRegister,
        Self::LoadCommit,
        Self::RouteIntent,
        Self::RouteGate,
        Self::RouteSwap,
        Self::RouteCommit,
        Self::UnloadGate,
        Self::UnloadLinkCheck,
        Self::UnloadDrain,
        Self::UnloadCheckpoint,
        Self::UnloadRelease,
        Self::UnloadCommit,
    ];

    /// Its name, by which a test asks for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UploadTempWrite => "upload: temp write",
            Self::UploadHash => "upload: hash",
            Self::UploadFileSync => "upload: file sync",
            Self::UploadRename => "upload: rename",
            Self::UploadDirectorySync => "upload: directory sync",
            Self::UploadCatalogCommit => "upload: catalog commit",
            Self::LoadIntent => "load: intent",
            Self::LoadVerify => "load: verify",
            Self::LoadCopy => "load: copy",
            Self::LoadMap => "load: dlopen",
            Self::LoadManifest => "load: manifest",
            Self::LoadInit => "load: init",
            Self::LoadRegister => "load: register",
            Self::LoadCommit => "load: commit",
            Self::RouteIntent => "route: intent",
            Self::RouteGate => "route: gate",
            Self::RouteSwap => "route: swap",
            Self::RouteCommit => "route: commit",
            Self::UnloadGate => "unload: gate",
            Self::UnloadLinkCheck => "unload: link check",
            Self::UnloadDrain => "unload: drain",
            Self::UnloadCheckpoint => "unload: checkpoint",
            Self::UnloadRelease => "unload: release",
            Self::UnloadCommit => "unload: commit",
        }
    }

    /// The point of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.as_str() == name)
    }
}

impl fmt::Display for DeployPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is called at each point: it may abort the process, and must not ask anything of the engine.
#[derive(Clone, Default)]
pub(crate) struct OnDeployPoint(Option<Arc<dyn Fn(DeployPoint) + Send + Sync>>);

impl OnDeployPoint {
    #[cfg(feature = "testing")]
    pub(crate) fn new(hook: impl Fn(DeployPoint) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(crate) fn reach(&self, point: DeployPoint) {
        if let Some(hook) = &self.0 {
            hook(point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DeployPoint;

    #[test]
    fn every_point_is_found_by_its_name() {
        for point in DeployPoint::ALL {
            assert_eq!(DeployPoint::named(point.as_str()), Some(point));
        }
        assert_eq!(DeployPoint::named("load"), None);
    }
}
