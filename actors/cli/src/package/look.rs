//! Looks into a library: maps it from a private folder and reads its declarations, without starting it.

use super::declared::{Accumulator, Declared, Graph, Loader, Reactor, Schema};
use acequia_core::accumulator::Kind;
use acequia_core::id::AccumulatorName;
use acequia_core::package::Package;
use acequia_host::{Library, Shelf, Trust, verify};
use std::error::Error;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

/// Maps libraries into this process. What it mapped stays mapped until the process ends; its files do not
/// outlive it.
pub struct Look {
    /// Taken before the folder goes.
    shelf: Option<Shelf>,
    folder: PathBuf,
}

impl Look {
    /// Make a private folder to map libraries from.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let number = RandomState::new().hash_one(std::process::id());
        let folder = std::env::temp_dir().join(format!("acequia-look-{number:016x}"));
        make(&folder)?;
        let mut look = Self { shelf: None, folder };
        look.shelf = Some(Shelf::open(&look.folder)?);
        Ok(look)
    }
}

impl Look {
    fn open(&self, library: &[u8]) -> Result<Arc<Library>, Box<dyn Error + Send + Sync>> {
        let shelf =
            self.shelf.as_ref().unwrap_or_else(|| unreachable!("a look has its shelf until it is dropped"));
        // The commands read packages as files: whose they may be is said by --trust, before it comes to this.
        Ok(Library::open(shelf.keep(library)?, &Trust::optional())?)
    }
}

/// A new folder: one that is there already may be somebody else's.
fn make(folder: &PathBuf) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

impl Drop for Look {
    fn drop(&mut self) {
        drop(self.shelf.take());
        // What stays behind is the system's to clear.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Loader for Look {
    fn declared(&self, library: &[u8]) -> Result<Declared, Box<dyn Error + Send + Sync>> {
        Ok(declared(&*self.open(library)?))
    }

    fn outline(&self, library: &[u8]) -> Option<Package> {
        self.open(library).ok().map(|library| library.outline())
    }
}

/// Positions of types are in range: the library was refused otherwise.
fn declared(library: &Library) -> Declared {
    let declarations = library.declarations();
    let schema = |at: usize| match declarations.types.get(at) {
        Some(found) => Schema { name: found.name.clone(), hash: found.hash.clone() },
        None => Schema { name: "unknown".to_owned(), hash: String::new() },
    };
    let mut kinds: Vec<(AccumulatorName, Kind)> = verify::accumulators(declarations);
    let reactors = declarations.reactors.iter().map(|reactor| Reactor {
        name: reactor.name.as_str().into(),
        accumulators: kinds
            .drain(..reactor.accumulators.len())
            .zip(&reactor.accumulators)
            .map(|((name, kind), found)| Accumulator { name, kind, boundary: schema(found.boundary) })
            .collect(),
    });
    let reactors = reactors.collect();
    let graphs = declarations.graphs.iter().map(|graph| Graph {
        name: graph.name.as_str().into(),
        reactor: graph.reactor.as_deref().map(Into::into),
        reads: graph
            .inputs
            .iter()
            .map(|read| (read.accumulator.as_str().into(), schema(read.payload)))
            .collect(),
    });
    Declared {
        package: declarations.name.as_str().into(),
        reactors,
        graphs: graphs.collect(),
        own_runtime: library.can_run(),
        canonical: library.declared_json().to_vec(),
    }
}
