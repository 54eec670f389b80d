//! No runtime: this sdk was built without its feature `own-runtime`.

use acequia_abi::{Fault, HostServices, LibraryFuture};
use acequia_core::id::PackageName;
use std::sync::Arc;

/// There is none.
pub(super) enum OwnRuntime {}

impl OwnRuntime {
    pub(super) fn start(package: &PackageName, _: Arc<dyn HostServices>) -> Result<Self, Fault> {
        Err(Fault::error(format_args!(
            "package {package} is to have a runtime of its own, and its sdk was built without the feature `own-runtime`"
        )))
    }

    pub(super) fn within<R>(&self, _: impl FnOnce() -> R) -> R {
        match *self {}
    }

    pub(super) fn run(&self, _: LibraryFuture) -> LibraryFuture {
        match *self {}
    }

    pub(super) fn stop(&self) {
        match *self {}
    }
}
