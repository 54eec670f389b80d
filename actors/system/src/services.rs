//! Time and blocking threads for user code, on the runtimes that the engine has; and an ear for what code in
//! libraries says.

use acequia_sdk::services::{HostServices, LogLevel, LogLine};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::runtime::Handle;

/// Serves user code from a runtime.
pub(crate) struct RuntimeServices {
    work: Handle,
    /// Code in this process is polled on its own engine's runtime, of which there may be several.
    prefers_current: bool,
}

impl RuntimeServices {
    /// For a library that belongs to one engine: always its work runtime.
    pub(crate) fn of(work: Handle) -> Self {
        Self { work, prefers_current: false }
    }

    /// For code in this process: the runtime that polls it, and else the one of the engine that came last.
    pub(crate) fn in_process(work: Handle) -> Self {
        Self { work, prefers_current: true }
    }

    fn runtime(&self) -> Handle {
        if !self.prefers_current {
            return self.work.clone();
        }
        Handle::try_current().unwrap_or_else(|_| self.work.clone())
    }
}

impl HostServices for RuntimeServices {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // A timer belongs to the runtime in whose context it is made, whoever polls it.
        let runtime = self.runtime();
        let _context = runtime.enter();
        Box::pin(tokio::time::sleep(duration))
    }

    fn offload(&self, code: Box<dyn FnOnce() + Send>) {
        self.runtime().spawn_blocking(code);
    }

    fn listens(&self, level: LogLevel) -> bool {
        // A place in the code for each level: whether anybody listens is then known without asking.
        match level {
            LogLevel::Error => tracing::enabled!(target: "acequia::library", tracing::Level::ERROR),
            LogLevel::Warn => tracing::enabled!(target: "acequia::library", tracing::Level::WARN),
            LogLevel::Info => tracing::enabled!(target: "acequia::library", tracing::Level::INFO),
            LogLevel::Debug => tracing::enabled!(target: "acequia::library", tracing::Level::DEBUG),
            LogLevel::Trace => tracing::enabled!(target: "acequia::library", tracing::Level::TRACE),
        }
    }

    fn log(&self, line: &LogLine<'_>) {
        let LogLine { package, version, target: module, message, fields, .. } = *line;
        macro_rules! say {
            ($level:ident) => {
                tracing::event!(
                    target: "acequia::library",
                    tracing::Level::$level,
                    package,
                    version,
                    module,
                    fields,
                    "{message}"
                )
            };
        }
        match line.level {
            LogLevel::Error => say!(ERROR),
            LogLevel::Warn => say!(WARN),
            LogLevel::Info => say!(INFO),
            LogLevel::Debug => say!(DEBUG),
            LogLevel::Trace => say!(TRACE),
        }
    }
}
