//! Taking packages in from files: verified, kept, mapped, and read; then they are loaded like any other.

use super::Engine;
use acequia_core::package::Package;
use acequia_host::{Candidate, CandidateError, ShelfError};
use std::path::PathBuf;

/// A package that cannot be taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] CandidateError),
    /// There is no place for its library.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The engine's runtime is going down.
    #[error(
        "E0417: the package was not read, because the engine's runtime is going down; open it in a running engine"
    )]
    Stopping,
}

impl Engine {
    /// Read the package in `path`, a folder or an archive, for [`Engine::load`]. Its files and its signature
    /// are verified, its signer is judged ([`EngineBuilder::trust`](super::EngineBuilder::trust)), its library is kept under its own hash, mapped, and asked what it declares; nothing of it runs before it
    /// is loaded.
    ///
    /// ```no_run
    /// # async fn load(engine: acequia::Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// let package = engine.open("pricing-publisher-0.1.0.acequia").await?;
    /// engine.load(package).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`OpenError`], naming the entry, the field or the symbol that is wrong; nothing was loaded.
    pub async fn open(&self, path: impl Into<PathBuf>) -> Result<Package, OpenError> {
        let (engine, path) = (self.clone(), path.into());
        let read = self.inner.env.spawn_blocking(move || {
            let shelf = engine.inner.shelf.get()?;
            let candidate = Candidate::open(&path, &shelf, &engine.inner.trust)?;
            Ok(candidate.package(engine.services()))
        });
        read.await.unwrap_or(Err(OpenError::Stopping))
    }
}
