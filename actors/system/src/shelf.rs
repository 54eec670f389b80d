//! Where an engine keeps the libraries of its packages.

use acequia_host::{Shelf, ShelfError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The engine's shelf, made when the first package is opened.
pub(crate) struct LazyShelf {
    folder: PathBuf,
    /// In the system's folder for temporary files: it goes with the engine. What is mapped stays mapped.
    temporary: bool,
    /// How many libraries the process may map.
    budget: usize,
    shelf: Mutex<Option<Arc<Shelf>>>,
}

impl LazyShelf {
    /// In `folder`, or in one of its own that goes with the engine `id`.
    pub(crate) fn new(folder: Option<PathBuf>, budget: usize, id: uuid::Uuid) -> Self {
        let temporary = folder.is_none();
        let folder = folder.unwrap_or_else(|| std::env::temp_dir().join(format!("acequia-{id}")));
        Self { folder, temporary, budget, shelf: Mutex::default() }
    }

    pub(crate) fn get(&self) -> Result<Arc<Shelf>, ShelfError> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shelf) = &*shelf {
            return Ok(Arc::clone(shelf));
        }
        let opened = Arc::new(Shelf::open(&self.folder)?.budget(self.budget));
        Ok(Arc::clone(shelf.insert(opened)))
    }
}

impl Drop for LazyShelf {
    fn drop(&mut self) {
        let opened = self.shelf.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if self.temporary && opened.is_some() {
            drop(opened);
            // Whatever stands in the way, the system clears its temporary files.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
