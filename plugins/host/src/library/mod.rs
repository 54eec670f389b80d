//! A package's native library: judged, mapped, read, and used.
//!
//! ```text
//!   path ─▶ header from the file ─▶ map ─▶ table ─▶ declare ─▶ Library ─▶ init ─▶ Instance ─▶ Package
//! ```
//!
//! A file is mapped once and stays mapped for as long as the process runs: code may still be needed after
//! the last call (a destructor, a waker), and the C library keeps most of it anyway. Unloading is logical:
//! parts and instances are dropped, and [`mapped`] says what is left.

#![allow(unsafe_code, reason = "a library is foreign code")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod accumulator;

mod declared;
mod error;
mod failure;
mod graph;
mod image;
mod json;
mod log;
mod mapping;
mod parts;
mod runtime;
mod source;
mod tuning;
mod unmade;
mod values;

pub use error::LibraryError;
pub(crate) use image::header_abi;
pub(crate) use mapping::is_mapped;
pub use mapping::{Mapped, mapped};

use crate::signature::Trust;
use acequia_abi::declaration::PackageDeclaration;
use acequia_abi::{Fault, InstanceHandle, PackageHandle};
pub use acequia_abi::{HostServices, LogLevel, LogLine, Runtime};
use acequia_core::accumulator::Kind;
use acequia_core::id::AccumulatorName;
use acequia_core::package::Package;
use parts::{Later, Parts};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// A mapped library whose declarations were read. None of its parts exists yet.
pub struct Library {
    handle: PackageHandle,
    declaration: PackageDeclaration,
    declared: Vec<u8>,
    version: OnceLock<String>,
    runtime: OnceLock<Runtime>,
    mapping: Arc<mapping::Mapping>,
}

impl Library {
    /// Map the library at `path`, which belongs to no package, and read its declarations. Nobody can have signed a bare
    /// library: it is taken only where `trust` takes unsigned packages. That of a package is opened by
    /// [`Candidate::open`](crate::Candidate::open), once its signer was judged.
    ///
    /// What can be refused is refused before its code runs: where the platform allows, the header is read
    /// from the file before it is mapped. Give each version a path of its own, whose file is never written
    /// again; a path whose file has changed since it was mapped is refused, because the old code would run.
    ///
    /// # Errors
    /// [`LibraryError`], naming what is wrong, and what built the library where that is known.
    pub fn open(path: impl AsRef<Path>, trust: &Trust) -> Result<Arc<Self>, LibraryError> {
        let path = path.as_ref();
        if trust.needs_signatures() {
            return Err(LibraryError::Unsigned { path: path.to_owned() });
        }
        Self::map(path)
    }

    /// The same of a library that may be mapped, as was judged.
    pub(crate) fn map(path: &Path) -> Result<Arc<Self>, LibraryError> {
        let (mapping, handle) = mapping::map(path)?;
        let declared = handle
            .declare()
            .map_err(|fault| LibraryError::Declare { path: path.to_owned(), reason: fault.to_string() })?;
        let declaration: PackageDeclaration = serde_json::from_slice(&declared).map_err(|source| {
            LibraryError::Declaration { path: path.to_owned(), built_with: handle.built_with(), source }
        })?;
        declared::check(&declaration)
            .map_err(|reason| LibraryError::Inconsistent { package: declaration.name.clone(), reason })?;
        mapping.name(&declaration.name);
        let (version, runtime) = (OnceLock::new(), OnceLock::new());
        Ok(Arc::new(Self { handle, declaration, declared, version, runtime, mapping }))
    }

    /// What it declares, as data.
    pub fn declarations(&self) -> &PackageDeclaration {
        &self.declaration
    }

    /// The same as the bytes that the library gave.
    pub fn declared_json(&self) -> &[u8] {
        &self.declared
    }

    /// Its declarations for planning and listings: whatever is run of it fails.
    pub fn outline(&self) -> Package {
        declared::package(&self.declaration, &Parts::Unmade)
    }

    /// Its declarations for loading: the author's hook runs when the package is started ([`Package::start`]),
    /// or with the first part, with `services` at its disposal. It stops with the package ([`Package::stop`]).
    pub fn package(self: &Arc<Self>, services: Arc<dyn HostServices>) -> Package {
        let later = Later::new(Arc::clone(self), services);
        let package = declared::package(&self.declaration, &Parts::Later(Arc::clone(&later)));
        let ending = Arc::clone(&later);
        package.started_by(move || later.begin().map(|_| ())).stopped_by(move || ending.end())
    }

    /// The accumulators that it declares, with their kinds.
    pub fn accumulators(&self) -> Vec<(AccumulatorName, Kind)> {
        let outline = self.outline();
        let all = outline.reactors().iter().flat_map(|reactor| &reactor.accumulators);
        all.map(|decl| (decl.name.clone(), decl.kind)).collect()
    }

    /// What built it.
    pub fn built_with(&self) -> String {
        self.handle.built_with()
    }

    /// Whether its accumulators give their state, take one in, and take settings: libraries that were built
    /// with an older sdk know none of it.
    pub fn keeps(&self) -> bool {
        self.handle.keeps()
    }

    /// Let it begin to be used: runs the author's hook, with `services` at its disposal.
    ///
    /// # Errors
    /// [`LibraryError::Init`] if the hook fails or panics.
    pub fn init(self: &Arc<Self>, services: Arc<dyn HostServices>) -> Result<Arc<Instance>, LibraryError> {
        let handle = self.begin(&services).map_err(|fault| LibraryError::Init {
            package: self.declaration.name.clone(),
            failure: failure::from_fault(fault),
        })?;
        json::serve(&self.handle, &self.declaration);
        Ok(Instance::new(Arc::clone(self), handle))
    }
}

impl Library {
    /// Say in log lines of its code that it is of that version. The first word counts.
    pub fn known_as(&self, version: impl Into<String>) {
        let _ = self.version.set(version.into());
    }

    fn begin(self: &Arc<Self>, services: &Arc<dyn HostServices>) -> Result<InstanceHandle, Fault> {
        let package = self.declaration.name.clone();
        let version = self.version.get().cloned().unwrap_or_default();
        let services = self.lent(services);
        let log = log::Named { package, version, services: Arc::clone(&services) };
        self.handle.init_on(services, Arc::new(log), self.runtime())
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("package", &self.declaration.name).finish_non_exhaustive()
    }
}

/// A library in use. Its parts keep it; it stops when it is told to, or with the last of them.
pub struct Instance {
    library: Arc<Library>,
    handle: InstanceHandle,
    stopped: AtomicBool,
}

impl Instance {
    fn new(library: Arc<Library>, handle: InstanceHandle) -> Arc<Self> {
        Arc::new(Self { library, handle, stopped: AtomicBool::new(false) })
    }

    /// The library.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// Its declarations as the engine takes them. Their parts, sources and JSON forms call into the library.
    pub fn package(self: &Arc<Self>) -> Package {
        declared::package(&self.library.declaration, &Parts::Of(Arc::clone(self)))
    }

    /// Tell the library that it is no longer used. Once is enough; parts that are left still work.
    pub fn stop(&self) {
        if !self.stopped.swap(true, Ordering::AcqRel) {
            self.handle.stop();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("library", &self.library).finish_non_exhaustive()
    }
}
