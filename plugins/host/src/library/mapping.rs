//! The process-wide account of mapped libraries.

use super::error::LibraryError;
use super::image;
use acequia_abi::{Header, PackageHandle, SYMBOL};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// One library that this process has mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Its file.
    pub path: PathBuf,
    /// The package in it, once its declarations were read.
    pub package: Option<String>,
    /// What built it.
    pub built_with: String,
    /// How many hold it: libraries that were opened, and instances with what belongs to them. Zero means
    /// that it is unloaded, and still mapped.
    pub live: usize,
    /// Threads in it that the sdk started for packages with a runtime of their own, and that have not ended.
    pub runtimes: usize,
}

/// Every library that this process has mapped, in the order in which that happened.
pub fn mapped() -> Vec<Mapped> {
    let all = all().lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().map(|mapping| mapping.describe()).collect()
}

/// Whether this process has mapped `path`.
pub(crate) fn is_mapped(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let all = all().lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().any(|mapping| mapping.path == path)
}

/// A library that was mapped, and stays so.
pub(super) struct Mapping {
    path: PathBuf,
    contents: Contents,
    /// Where the exported static is.
    header: HeaderAt,
    built_with: String,
    package: OnceLock<String>,
    /// Held by all that may call into it.
    users: Arc<()>,
    /// Held by each runtime of its own.
    runtimes: Arc<()>,
}

/// A runtime in a library. It is counted, and counts as a user of the library, for as long as this is there.
pub(super) struct RuntimeCount {
    _user: Arc<()>,
    _runtime: Arc<()>,
}

struct HeaderAt(*const Header);

// SAFETY: it points to a static of a library that stays mapped, which is only read.
unsafe impl Send for HeaderAt {}
// SAFETY: as above.
unsafe impl Sync for HeaderAt {}

/// What tells one state of a file from another, without reading it.
#[derive(PartialEq, Eq)]
struct Contents {
    len: u64,
    modified: Option<SystemTime>,
    file: u64,
}

impl Contents {
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let file = 0;
        Ok(Self { len: metadata.len(), modified: metadata.modified().ok(), file })
    }
}

fn all() -> &'static Mutex<Vec<Arc<Mapping>>> {
    static ALL: OnceLock<Mutex<Vec<Arc<Mapping>>>> = OnceLock::new();
    ALL.get_or_init(Mutex::default)
}

impl Mapping {
    fn describe(&self) -> Mapped {
        Mapped {
            path: self.path.clone(),
            package: self.package.get().cloned(),
            built_with: self.built_with.clone(),
            live: Arc::strong_count(&self.users) - 1,
            runtimes: Arc::strong_count(&self.runtimes) - 1,
        }
    }

    /// Note which package is in it.
    pub(super) fn name(&self, package: &str) {
        let _ = self.package.set(package.to_owned());
    }

    /// Count a runtime.
    pub(super) fn count_runtime(&self) -> RuntimeCount {
        RuntimeCount { _user: Arc::clone(&self.users), _runtime: Arc::clone(&self.runtimes) }
    }

    /// A handle that counts as a user.
    fn handle(&self) -> Result<PackageHandle, LibraryError> {
        // SAFETY: the symbol of this name is a table behind its header by the ABI's word, aligned by the
        // linker, and the library is never unmapped.
        let handle = unsafe { PackageHandle::new(self.header.0, Arc::clone(&self.users) as _) };
        handle.map_err(|source| LibraryError::Table { path: self.path.clone(), source })
    }
}

/// Map the library at `path`, or find it again.
pub(super) fn map(path: &Path) -> Result<(Arc<Mapping>, PackageHandle), LibraryError> {
    let unreadable = |source| LibraryError::Unreadable { path: path.to_owned(), source };
    let path = path.canonicalize().map_err(unreadable)?;
    let contents = Contents::of(&path).map_err(unreadable)?;
    // Held while the loader works: two threads must not both find a path unmapped.
    let mut all = all().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(mapping) = all.iter().find(|mapping| mapping.path == path) {
        if mapping.contents != contents {
            return Err(LibraryError::Replaced { path });
        }
        return Ok((Arc::clone(mapping), mapping.handle()?));
    }
    if let Some(header) = image::header(&path)? {
        header.check().map_err(|source| LibraryError::Table { path: path.clone(), source })?;
    }
    let header = load(&path)?;
    // SAFETY: the loader found the symbol, and by the ABI's word a header begins there.
    let built_with = unsafe { *header }.built_with();
    let mapping = Arc::new(Mapping {
        path,
        contents,
        header: HeaderAt(header),
        built_with,
        package: OnceLock::new(),
        users: Arc::new(()),
        runtimes: Arc::new(()),
    });
    all.push(Arc::clone(&mapping));
    let handle = mapping.handle()?;
    Ok((mapping, handle))
}

/// Have the system map it, for itself alone, with all its symbols bound now. It is never unmapped.
fn load(path: &Path) -> Result<*const Header, LibraryError> {
    let refused = |source| LibraryError::NotALibrary { path: path.to_owned(), source };
    #[cfg(unix)]
    // SAFETY: the constructors of the library run, as operators who deploy native code accept.
    let library = unsafe {
        use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
        Library::open(Some(path), RTLD_NOW | RTLD_LOCAL).map_err(refused)?
    };
    #[cfg(not(unix))]
    // SAFETY: as above.
    let library = unsafe { libloading::Library::new(path).map_err(refused)? };
    // SAFETY: the symbol is taken as an address only, and looked up in this library alone.
    let header = unsafe { library.get::<*const Header>(SYMBOL.as_bytes()) }.map(|symbol| *symbol);
    // Kept mapped whatever comes: its constructors have run, and may have left something behind.
    std::mem::forget(library);
    header.map_err(|_| LibraryError::NoSymbol { path: path.to_owned(), symbol: SYMBOL })
}
