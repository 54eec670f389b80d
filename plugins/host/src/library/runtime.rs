//! Where the futures of a library run, and the threads that it has for them.

use super::error::LibraryError;
use super::mapping::RuntimeCount;
use super::{Library, Runtime};
use acequia_abi::{HostServices, LogLevel, LogLine, Offloaded};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

impl Library {
    /// Whether it can be told to run its futures on a runtime of its own.
    pub fn can_run(&self) -> bool {
        self.declaration.own_runtime && self.handle.runs()
    }

    /// Run its futures there from its next beginning on. The first word counts.
    ///
    /// # Errors
    /// [`LibraryError::NoRuntime`].
    pub fn run_on(&self, runtime: Runtime) -> Result<(), LibraryError> {
        if runtime == Runtime::Own && !self.can_run() {
            let package = self.declaration.name.clone();
            return Err(LibraryError::NoRuntime { package, built_with: self.handle.built_with() });
        }
        let _ = self.runtime.set(runtime);
        Ok(())
    }

    /// Where its futures run.
    pub fn runtime(&self) -> Runtime {
        self.runtime.get().copied().unwrap_or_default()
    }

    /// What a beginning lends to it. A thread of the library holds it to its end, and is counted by that.
    pub(super) fn lent(&self, services: &Arc<dyn HostServices>) -> Arc<dyn HostServices> {
        match self.runtime() {
            Runtime::Engine => Arc::clone(services),
            Runtime::Own => {
                Arc::new(Counted { services: Arc::clone(services), _runtime: self.mapping.count_runtime() })
            }
        }
    }
}

/// Services that say by their being there that somebody may call them.
struct Counted {
    services: Arc<dyn HostServices>,
    _runtime: RuntimeCount,
}

impl HostServices for Counted {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.services.sleep(duration)
    }

    fn offload(&self, code: Offloaded) {
        self.services.offload(code);
    }

    fn listens(&self, level: LogLevel) -> bool {
        self.services.listens(level)
    }

    fn log(&self, line: &LogLine<'_>) {
        self.services.log(line);
    }
}
