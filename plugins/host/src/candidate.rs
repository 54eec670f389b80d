//! A package on its way in: its files verified, its library kept and mapped, its declarations read.
//!
//! None of the author's own code runs on the way, but what declares.

use crate::library::{Library, LibraryError};
use crate::shelf::{Shelf, ShelfError};
use crate::signature::{Trust, TrustError};
use crate::verify::{TARGET, Verified, VerifyError};
use crate::version::Version;
use acequia_abi::HostServices;
use acequia_core::accumulator::AccumulatorDecl;
use acequia_core::graph::GraphDecl;
use acequia_core::id::PackageName;
use acequia_core::package::{Package, Requirement};
use acequia_core::reactor::ReactorDecl;
use std::path::Path;
use std::sync::Arc;

/// A package whose declarations are known.
#[derive(Debug)]
pub struct Candidate {
    verified: Verified,
    library: Arc<Library>,
    version: Version,
}

/// Why a package is not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CandidateError {
    /// Its files are not in order.
    #[error(transparent)]
    Files(#[from] VerifyError),
    /// Its signer is not trusted, or nobody signed it.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Its library cannot be kept.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// Its library cannot be used.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// Library and manifest do not belong together.
    #[error(
        "E0875: package.toml is that of {manifest}, and the library calls itself {library}; give both one name"
    )]
    Name {
        /// The name in the manifest.
        manifest: PackageName,
        /// The name that the library declares.
        library: String,
    },
}

impl Candidate {
    /// Read the package in `path`, a folder or an archive; if it is to be trusted, keep its library on
    /// `shelf`, map it and read its declarations.
    ///
    /// # Errors
    /// With the first reason to refuse it; nothing of its own code has run.
    pub fn open(path: &Path, shelf: &Shelf, trust: &Trust) -> Result<Self, CandidateError> {
        Self::of(Verified::open(path)?, shelf, trust)
    }

    /// The same of files that were verified.
    ///
    /// # Errors
    /// As [`Candidate::open`].
    pub fn of(verified: Verified, shelf: &Shelf, trust: &Trust) -> Result<Self, CandidateError> {
        trust.judge(&verified)?;
        let kept = shelf.keep(verified.library(TARGET)?.bytes)?;
        let library = Library::open(kept)?;
        let declared = library.declarations();
        if declared.name != verified.name().as_str() {
            let (manifest, library) = (verified.name().clone(), declared.name.clone());
            return Err(CandidateError::Name { manifest, library });
        }
        verified.fits(&library.accumulators())?;
        let version = verified.version(library.declared_json());
        Ok(Self { verified, library, version })
    }

    /// Its name.
    pub fn name(&self) -> &PackageName {
        self.verified.name()
    }

    /// Its version: the hash of its code.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its files.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// Its library.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// What it declares, with what its manifest changes, for planning and listings. No part of it can be
    /// made: that needs [`Candidate::package`].
    pub fn outline(&self) -> Package {
        self.as_the_manifest_says(self.library.outline())
    }

    /// What it declares, with what its manifest changes, for loading. The author's hook runs as the package
    /// is started, with `services` at its disposal; every part keeps the library.
    pub fn package(&self, services: Arc<dyn HostServices>) -> Package {
        self.as_the_manifest_says(self.library.package(services))
    }

    fn as_the_manifest_says(&self, declared: Package) -> Package {
        let manifest = self.verified.manifest();
        let adjusted = declared
            .map_reactors(|reactor| self.reactor(reactor))
            .map_graphs(|graph| self.graph(graph))
            .version(self.version.to_string())
            .release(manifest.package.version.clone())
            .manifest(manifest.digest().to_string());
        manifest.requires.reactors.iter().fold(adjusted, |package, required| {
            package.requirement(Requirement {
                reactor: required.reactor.clone(),
                package: required.package.clone(),
                releases: required.version.clone(),
            })
        })
    }

    fn reactor(&self, mut reactor: ReactorDecl) -> ReactorDecl {
        let accumulators = std::mem::take(&mut reactor.accumulators);
        reactor.accumulators = accumulators.into_iter().map(|decl| self.accumulator(decl)).collect();
        reactor
    }

    /// What is said of the accumulator goes before what is said of all parts.
    fn accumulator(&self, mut decl: AccumulatorDecl) -> AccumulatorDecl {
        let manifest = self.verified.manifest();
        let own = manifest.accumulators.get(&decl.name);
        let ring = own.and_then(|own| own.ring()).or(manifest.limits.ring_capacity);
        decl.capacity = ring.unwrap_or(decl.capacity);
        decl.overflow = own.and_then(|own| own.overflow).unwrap_or(decl.overflow);
        decl.budget = manifest.limits.budget(decl.budget);
        decl.budget.attempts = own.and_then(|own| own.attempts).unwrap_or(decl.budget.attempts);
        decl
    }

    fn graph(&self, mut decl: GraphDecl) -> GraphDecl {
        let limits = &self.verified.manifest().limits;
        decl.delivery_capacity = limits.delivery_capacity.unwrap_or(decl.delivery_capacity);
        decl.budget = limits.budget(decl.budget);
        decl
    }
}
