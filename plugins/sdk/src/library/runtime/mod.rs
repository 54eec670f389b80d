//! Where the code of an instance runs: under the services of its engine, and on a runtime of its own if its manifest
//! says so.

#[cfg(not(feature = "own-runtime"))]
mod absent;
#[cfg(feature = "own-runtime")]
mod own;

#[cfg(not(feature = "own-runtime"))]
use absent::OwnRuntime;
#[cfg(feature = "own-runtime")]
use own::OwnRuntime;

use crate::services::{HostServices, Scoped, current, scoped};
use acequia_abi::{Fault, LibraryFuture, Runtime};
use acequia_core::id::PackageName;
use acequia_core::unpolled::unpolled;
use std::sync::{Arc, Weak};

/// Whether this build of the sdk can start one.
pub(super) const CAN_RUN: bool = cfg!(feature = "own-runtime");

/// Where the code of an instance runs.
pub(super) struct Home {
    services: Lent,
    own: Option<OwnRuntime>,
}

/// The services of the engine.
enum Lent {
    /// For as long as the instance is held.
    ToInstance(Arc<dyn HostServices>),
    /// For as long as its runtime is there: the engine counts runtimes by who has these.
    ToRuntime(Weak<dyn HostServices>),
}

impl Home {
    pub(super) fn new(
        services: Arc<dyn HostServices>,
        runtime: Runtime,
        package: &PackageName,
    ) -> Result<Self, Fault> {
        Ok(match runtime {
            Runtime::Engine => Self { services: Lent::ToInstance(services), own: None },
            Runtime::Own => {
                let lent = Lent::ToRuntime(Arc::downgrade(&services));
                Self { services: lent, own: Some(OwnRuntime::start(package, services)?) }
            }
        })
    }

    fn services(&self) -> Arc<dyn HostServices> {
        match &self.services {
            Lent::ToInstance(services) => Arc::clone(services),
            // The engine is done with the package: what code still runs is nobody's.
            Lent::ToRuntime(services) => services.upgrade().unwrap_or_else(current),
        }
    }

    /// Run `code` here and now. Code of a package with a runtime finds it, and its futures are made, not polled.
    pub(super) fn call<R>(&self, code: impl FnOnce() -> R) -> R {
        scoped(&self.services(), || match &self.own {
            Some(own) => own.within(|| unpolled(code)),
            None => code(),
        })
    }

    /// `future`, run where futures of this instance are.
    pub(super) fn run(&self, future: LibraryFuture) -> LibraryFuture {
        let scoped: LibraryFuture = Box::pin(Scoped::new(self.services(), future));
        match &self.own {
            Some(own) => own.run(scoped),
            None => scoped,
        }
    }

    /// No longer to be used: what still runs on a runtime of its own is dropped there.
    pub(super) fn stop(&self) {
        if let Some(own) = &self.own {
            own.stop();
        }
    }
}
