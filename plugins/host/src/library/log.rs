//! Log lines of a library, under the name of its package.

use acequia_abi::{HostServices, LogLevel, LogLine, LogSink};
use std::sync::Arc;

/// Says whose lines they are.
pub(super) struct Named {
    pub(super) package: String,
    pub(super) version: String,
    pub(super) services: Arc<dyn HostServices>,
}

impl LogSink for Named {
    fn listens(&self, level: LogLevel) -> bool {
        self.services.listens(level)
    }

    fn log(&self, line: &LogLine<'_>) {
        self.services.log(&LogLine { package: &self.package, version: &self.version, ..*line });
    }
}
