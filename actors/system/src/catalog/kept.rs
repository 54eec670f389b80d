//! The versions that a journal's catalog names, for who looks at a journal that nobody has open.

use super::archives;
use crate::journal::History;
use acequia_core::catalog::BootVersion;
use acequia_store::catalog::RecoverError;
use acequia_store::disk::Disk;
use acequia_store::journal::{OpenError, read};

/// A version that a start brings up, with the file beside the journal that it is brought up from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVersion {
    /// The version.
    pub version: BootVersion,
    /// The name of its archive.
    pub file: String,
}

/// A journal whose catalog cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeptError {
    /// Somebody has it open, or it cannot be read.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// Its records make no catalog.
    #[error(transparent)]
    Catalog(#[from] RecoverError),
}

/// The versions that the next start over the journal on `disk` brings up, or keeps out, in the order of their
/// deploys. Nothing is written; without a journal there are none.
///
/// # Errors
/// [`KeptError`].
pub fn kept_versions(disk: &dyn Disk) -> Result<Vec<KeptVersion>, KeptError> {
    let mut history = History::default();
    read(disk, |record| {
        history.take(record);
    })?;
    let kept = history.finish()?.boot().into_iter().map(|version| {
        let file = archives::name(&(version.package.clone(), version.version.clone()));
        KeptVersion { version, file }
    });
    Ok(kept.collect())
}
