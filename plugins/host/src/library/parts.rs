//! Where the parts of a package come from: a library in use, one that begins when it is needed, or none.

use super::failure::from_fault;
use super::{Instance, Library, json};
use acequia_abi::HostServices;
use acequia_core::fault::Failure;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// The failure of the author's hook, or that the package was unloaded.
    pub(super) fn instance(&self) -> Result<Arc<Instance>, Failure> {
        match self {
            Self::Of(instance) => Ok(Arc::clone(instance)),
            Self::Later(later) => later.instance(),
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
    state: Mutex<State>,
}

enum State {
    Waiting,
    Begun(Arc<Instance>),
    Ended,
}

impl Later {
    pub(super) fn new(library: Arc<Library>, services: Arc<dyn HostServices>) -> Arc<Self> {
        Arc::new(Self { library, services, state: Mutex::new(State::Waiting) })
    }

    /// Begin, unless that was done. A hook that failed is run again at the next call.
    ///
    /// # Errors
    /// The failure of the author's hook.
    pub(super) fn begin(&self) -> Result<Arc<Instance>, Failure> {
        self.begun(&mut self.lock())
    }

    /// The same for a part, which must not bring a package back that has ended.
    fn instance(&self) -> Result<Arc<Instance>, Failure> {
        let mut state = self.lock();
        match *state {
            State::Ended => Err(Failure::error("the package was unloaded; load it again to run it")),
            State::Waiting | State::Begun(_) => self.begun(&mut state),
        }
    }

    fn begun(&self, state: &mut State) -> Result<Arc<Instance>, Failure> {
        if let State::Begun(instance) = state {
            return Ok(Arc::clone(instance));
        }
        let handle = self.library.begin(&self.services).map_err(from_fault)?;
        json::serve(&self.library.handle, &self.library.declaration);
        let instance = Instance::new(Arc::clone(&self.library), handle);
        *state = State::Begun(Arc::clone(&instance));
        Ok(instance)
    }

    /// No longer to be used, whoever still holds parts of it. It may be told to begin anew.
    pub(super) fn end(&self) {
        let before = std::mem::replace(&mut *self.lock(), State::Ended);
        if let State::Begun(instance) = before {
            instance.stop();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
