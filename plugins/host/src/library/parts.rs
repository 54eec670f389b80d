//! Where the parts of a package come from: a library in use, one that begins when it is needed, or none.

use super::failure::from_fault;
use super::{Instance, Library, json};
use acequia_abi::HostServices;
use acequia_core::fault::Failure;
use std::sync::{Arc, Mutex, PoisonError};

/// Makes parts.
#[derive(Clone)]
pub(super) enum Parts {
    /// Of a library in use.
    Of(Arc<Instance>),
    /// Of a library that begins when it is told to, or when the first part is needed.
    Later(Arc<Later>),
    /// Of a library that was only read: whatever is run of it fails.
    Unmade,
}

impl Parts {
    /// What makes them.
    ///
    /// # Errors
    /// The failure of the author's hook.
    pub(super) fn instance(&self) -> Result<Arc<Instance>, Failure> {
        match self {
            Self::Of(instance) => Ok(Arc::clone(instance)),
            Self::Later(later) => later.begin(),
            Self::Unmade => {
                Err(Failure::error("the library was read and not started; load the package to run it"))
            }
        }
    }
}

/// A library that has not begun, or has.
pub(super) struct Later {
    library: Arc<Library>,
    services: Arc<dyn HostServices>,
    instance: Mutex<Option<Arc<Instance>>>,
}

impl Later {
    pub(super) fn new(library: Arc<Library>, services: Arc<dyn HostServices>) -> Arc<Self> {
        Arc::new(Self { library, services, instance: Mutex::default() })
    }

    /// Begin, unless that was done. A hook that failed is run again at the next call.
    ///
    /// # Errors
    /// The failure of the author's hook.
    pub(super) fn begin(&self) -> Result<Arc<Instance>, Failure> {
        let mut known = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(instance) = &*known {
            return Ok(Arc::clone(instance));
        }
        let handle = self.library.begin(&self.services).map_err(from_fault)?;
        json::serve(&self.library.handle, &self.library.declaration);
        let instance = Instance::new(Arc::clone(&self.library), handle);
        Ok(Arc::clone(known.insert(instance)))
    }

    /// No longer to be used, whoever still holds parts of it. It begins anew if it is.
    pub(super) fn end(&self) {
        let known = self.instance.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(instance) = known {
            instance.stop();
        }
    }
}
