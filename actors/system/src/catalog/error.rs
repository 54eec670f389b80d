//! Why a deploy was not carried out.

use acequia_core::catalog::{Held, Refusal};
use acequia_core::id::PackageName;
use acequia_core::package::Version;
use acequia_core::reconcile::UnloadRefusal;

/// A load, a route or an unload that was not carried out; but for [`Refusal::ReleaseIncomplete`], after which
/// the unload stands, nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others depend on what the package has.
    #[error("{links}")]
    Linked {
        /// Who.
        links: UnloadRefusal,
        /// What holds its versions besides.
        pins: Vec<Held>,
    },
    /// A part did not come up.
    #[error(
        "E0667: version {version} of package {package} did not come up: {reason}; the version before serves on, and what could not be taken down again: {}",
        or_nothing(left)
    )]
    Failed {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// What failed.
        reason: String,
        /// What could not be taken down again.
        left: Vec<String>,
    },
    /// The engine ended before it answered.
    #[error(
        "E0668: nobody is left to answer: {reason}; look at the versions after the next start, and ask again"
    )]
    Interrupted {
        /// Why.
        reason: String,
    },
}

impl DeployError {
    /// The refusal, if that is what it is.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

fn or_nothing(left: &[String]) -> String {
    if left.is_empty() { "nothing".to_owned() } else { left.join(", ") }
}
