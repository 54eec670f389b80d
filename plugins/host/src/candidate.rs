//! A package on its way in: its files verified, its library kept and mapped, its declarations read.
//!
//! None of the author's own code runs on the way, but what declares.

use crate::library::{Library, LibraryError};
use crate::manifest::Override;
use crate::shelf::{Shelf, ShelfError};
use crate::signature::{Trust, TrustError};
use crate::verify::{TARGET, Verified, VerifyError};
use crate::version::Version;
use acequia_abi::HostServices;
use acequia_core::accumulator::{AccumulatorDecl, TuneError, Tuning};
use acequia_core::graph::GraphDecl;
use acequia_core::id::{AccumulatorName, PackageName};
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

/// How far a package is on its way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its library stands on the shelf.
    Kept,
    /// The library is mapped, and its declarations are read.
    Mapped,
    /// Library and manifest belong together; the version is known.
    Judged,
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
    /// A setting that its accumulator cannot have.
    #[error(transparent)]
    Tune(#[from] TuneError),
    /// Settings that the library is too old to be given.
    #[error(
        "E0876: package.toml changes settings of accumulator {accumulator}, and the library was built with {built_with}, which takes none; rebuild it with this engine's sdk"
    )]
    Untunable {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// What built the library.
        built_with: String,
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
        Self::watched(verified, shelf, trust, &mut |_| ())
    }

    /// The same, and `reached` hears how far it is.
    ///
    /// # Errors
    /// As [`Candidate::open`].
    pub fn watched(
        verified: Verified,
        shelf: &Shelf,
        trust: &Trust,
        reached: &mut dyn FnMut(Stage),
    ) -> Result<Self, CandidateError> {
        trust.judge(&verified)?;
        let kept = shelf.keep(verified.library(TARGET)?.bytes)?;
        reached(Stage::Kept);
        let library = Library::map(kept.path())?;
        reached(Stage::Mapped);
        let declared = library.declarations();
        if declared.name != verified.name().as_str() {
            let (manifest, library) = (verified.name().clone(), declared.name.clone());
            return Err(CandidateError::Name { manifest, library });
        }
        verified.fits(&library.accumulators())?;
        tunable(&verified, &library)?;
        let version = verified.version(library.declared_json());
        library.known_as(version.to_string());
        library.run_on(verified.manifest().package.runtime.into())?;
        reached(Stage::Judged);
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
        decl.guarantee = own.and_then(|own| own.delivery).unwrap_or(decl.guarantee);
        decl.budget = manifest.limits.budget(decl.budget);
        decl.budget.attempts = own.and_then(|own| own.attempts).unwrap_or(decl.budget.attempts);
        let tuned = decl.tune(own.map(Override::tuning).unwrap_or_default());
        tuned.unwrap_or_else(|error| unreachable!("all settings were checked as it was opened: {error}"))
    }

    fn graph(&self, mut decl: GraphDecl) -> GraphDecl {
        let limits = &self.verified.manifest().limits;
        decl.delivery_capacity = limits.delivery_capacity.unwrap_or(decl.delivery_capacity);
        decl.budget = limits.budget(decl.budget);
        decl
    }
}

/// Whether the library can be given all settings that its manifest changes.
fn tunable(verified: &Verified, library: &Library) -> Result<(), CandidateError> {
    for (accumulator, kind) in library.accumulators() {
        let own = verified.manifest().accumulators.get(&accumulator);
        let tuning = own.map(Override::tuning).unwrap_or_default();
        tuning.fits(&accumulator, kind)?;
        // Who polls is the engine: it needs no library to do so at another interval.
        let of_the_part = Tuning { interval: None, ..tuning };
        if !of_the_part.is_empty() && !library.keeps() {
            return Err(CandidateError::Untunable { accumulator, built_with: library.built_with() });
        }
    }
    Ok(())
}
