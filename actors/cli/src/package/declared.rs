//! What a library declares, as far as the command line shows and compares it.

use crate::error::CommandError;
use acequia_core::accumulator::Kind;
use acequia_core::id::{AccumulatorName, GraphName, PackageName, ReactorName};
use acequia_core::package::Package;
use acequia_host::{TARGET, Verified};

/// The declarations of one library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The package's name, as its code states it.
    pub package: PackageName,
    /// Its reactors.
    pub reactors: Vec<Reactor>,
    /// Its graphs.
    pub graphs: Vec<Graph>,
    /// It can run its futures on a runtime of its own.
    pub own_runtime: bool,
    /// The canonical bytes that the library gave, which go into the version.
    pub canonical: Vec<u8>,
}

/// A reactor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reactor {
    /// Its name.
    pub name: ReactorName,
    /// Its accumulators.
    pub accumulators: Vec<Accumulator>,
}

/// An accumulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accumulator {
    /// Its name.
    pub name: AccumulatorName,
    /// What it does.
    pub kind: Kind,
    /// The schema of its boundaries.
    pub boundary: Schema,
}

/// A graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Its name.
    pub name: GraphName,
    /// The reactor that it is bound to; none if it is invoked.
    pub reactor: Option<ReactorName>,
    /// The accumulators that it reads, and what it takes their boundaries for.
    pub reads: Vec<(AccumulatorName, Schema)>,
}

/// A type that crosses between packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its name in code, for messages.
    pub name: String,
    /// The hash on which both ends must agree.
    pub hash: String,
}

/// Reads the declarations of a library without running any more of it.
pub trait Loader {
    /// The declarations of the library with these bytes.
    ///
    /// # Errors
    /// If it cannot be mapped, or does not declare.
    fn declared(&self, library: &[u8]) -> Result<Declared, Box<dyn std::error::Error + Send + Sync>>;

    /// The same as the engine takes them, where this loader can say.
    fn outline(&self, _library: &[u8]) -> Option<Package> {
        None
    }
}

impl Declared {
    /// All accumulators with their kinds.
    pub fn accumulators(&self) -> Vec<(AccumulatorName, Kind)> {
        let all = self.reactors.iter().flat_map(|reactor| &reactor.accumulators);
        all.map(|accumulator| (accumulator.name.clone(), accumulator.kind)).collect()
    }
}

/// What an engine would plan with, if the library can be looked into.
pub(crate) fn outline(package: &Verified, loader: Option<&dyn Loader>) -> Option<Package> {
    loader?.outline(package.contents().library(TARGET)?.bytes)
}

/// The declarations of a package's library for this host: none if it has no such library, or nobody can
/// load it here.
pub(crate) fn of(package: &Verified, loader: Option<&dyn Loader>) -> Result<Option<Declared>, CommandError> {
    let (Some(library), Some(loader)) = (package.contents().library(TARGET), loader) else { return Ok(None) };
    let loaded = loader.declared(library.bytes);
    let failed = |source| CommandError::Load { package: package.name().to_string(), source };
    loaded.map(Some).map_err(failed)
}
