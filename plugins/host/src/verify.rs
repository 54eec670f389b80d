//! What can be said of a package from its files: before any of its code is mapped.

use crate::archive::{ArchiveError, Contents, Library, Limits};
use crate::manifest::{Manifest, ManifestError, Misfit};
use crate::signature::{Signature, SignatureError};
use crate::suggest::listed;
use crate::version::Version;
use acequia_abi::declaration::{KindDeclaration, PackageDeclaration};
use acequia_core::accumulator::Kind;
use acequia_core::id::{AccumulatorName, PackageName};
use semver::VersionReq;
use std::path::Path;

/// The target for which this host was built, and for which it needs a library.
pub const TARGET: &str = env!("ACEQUIA_TARGET");
/// The ending of an archive's name.
pub const ENDING: &str = ".acequia";

/// A package whose files are in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    manifest: Manifest,
    contents: Contents,
    signature: Option<Signature>,
}

/// Why a package is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Its files are no package.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Its manifest is none.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its overrides do not fit its library.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// Its signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The file is called something else than its manifest says.
    #[error("E0871: the archive is called {found:?} and holds {expected:?}; rename it")]
    FileName {
        /// What it is called.
        found: String,
        /// What it should be called.
        expected: String,
    },
    /// It needs another engine.
    #[error(
        "E0872: package {package} requires engine {required}, and this is {engine}; take a fitting version of either"
    )]
    Engine {
        /// The package.
        package: PackageName,
        /// What it requires.
        required: VersionReq,
        /// What there is.
        engine: semver::Version,
    },
    /// It has no library for this host.
    #[error(
        "E0873: package {package} has no library for {target}; it has {found}; build one with `acequia package build`"
    )]
    NoLibrary {
        /// The package.
        package: PackageName,
        /// The target.
        target: String,
        /// Those that it has.
        found: String,
    },
}

impl Verified {
    /// Read a package from an archive or a folder, and verify it for this engine.
    ///
    /// # Errors
    /// With the first reason to refuse it.
    pub fn open(path: &Path) -> Result<Self, VerifyError> {
        let verified = Self::new(Contents::open(path, Limits::default())?)?;
        verified.is_called(path)?;
        Ok(verified)
    }

    /// Whether an archive at `path` is called as its manifest says; other files may be called anything.
    ///
    /// # Errors
    /// If it is not.
    pub fn is_called(&self, path: &Path) -> Result<(), VerifyError> {
        let expected = self.manifest.archive_name();
        match path.file_name().and_then(|name| name.to_str()) {
            Some(found) if found.ends_with(ENDING) && found != expected => {
                Err(VerifyError::FileName { found: found.to_owned(), expected })
            }
            _ => Ok(()),
        }
    }

    /// Verify contents for this engine; if they are signed, their signature.
    ///
    /// # Errors
    /// With the first reason to refuse them.
    pub fn new(contents: Contents) -> Result<Self, VerifyError> {
        let manifest = Manifest::parse(contents.manifest_text())?;
        let signature = Signature::verified(&contents, &manifest)?;
        let verified = Self { manifest, contents, signature };
        verified.fits_engine(&engine())?;
        Ok(verified)
    }

    /// Whether an engine of that version is one that the package works with.
    ///
    /// # Errors
    /// If it is not.
    pub fn fits_engine(&self, engine: &semver::Version) -> Result<(), VerifyError> {
        match &self.manifest.requires.engine {
            Some(required) if !required.matches(engine) => Err(VerifyError::Engine {
                package: self.name().clone(),
                required: required.clone(),
                engine: engine.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// The package's name.
    pub fn name(&self) -> &PackageName {
        &self.manifest.package.name
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its files.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Its signature, if it has one. It holds: its key signed all of these files.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// The library that was built for `target`; [`TARGET`] is that of this host.
    ///
    /// # Errors
    /// If there is none.
    pub fn library(&self, target: &str) -> Result<Library<'_>, VerifyError> {
        self.contents.library(target).ok_or_else(|| VerifyError::NoLibrary {
            package: self.name().clone(),
            target: target.to_owned(),
            found: listed(self.contents.libraries().map(|library| library.target)),
        })
    }

    /// Its version, given the canonical bytes of the declarations that its library made.
    pub fn version(&self, declared: &[u8]) -> Version {
        Version::of(&self.contents, declared)
    }

    /// Whether its overrides fit the accumulators that its library declares.
    ///
    /// # Errors
    /// At the first that does not.
    pub fn fits(&self, declared: &[(AccumulatorName, Kind)]) -> Result<(), VerifyError> {
        Ok(self.manifest.fits(declared)?)
    }
}

/// The accumulators that a library declares, with their kinds, in the order of their positions.
pub fn accumulators(declared: &PackageDeclaration) -> Vec<(AccumulatorName, Kind)> {
    let kind = |kind: KindDeclaration| match kind {
        KindDeclaration::Passthrough => Kind::Passthrough,
        KindDeclaration::Stream => Kind::Stream,
        KindDeclaration::Polling => Kind::Polling,
        KindDeclaration::Batch => Kind::Batch,
        KindDeclaration::State => Kind::State,
        KindDeclaration::Window => Kind::Window,
        KindDeclaration::Custom => Kind::Custom,
    };
    declared.accumulators().map(|found| (found.name.as_str().into(), kind(found.kind))).collect()
}

/// The version of this engine.
pub fn engine() -> semver::Version {
    let version = semver::Version::parse(env!("CARGO_PKG_VERSION"));
    version.unwrap_or_else(|_| unreachable!("cargo accepts no other version"))
}
