//! The engine's clock: the one place where time is read.

use acequia_core::Timestamp;

/// Where time comes from.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Origin,
    /// What it said at its origin.
    since: Timestamp,
}

#[derive(Debug, Clone, Copy)]
enum Origin {
    /// The operating system's monotonic clock.
    Monotonic(std::time::Instant),
    /// tokio's clock, which a test can pause.
    Runtime(tokio::time::Instant),
}

impl Clock {
    /// The monotonic clock, starting now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the others ask")]
    pub fn monotonic() -> Self {
        Self { origin: Origin::Monotonic(std::time::Instant::now()), since: Timestamp::ZERO }
    }

    /// tokio's clock, starting now.
    pub fn runtime() -> Self {
        Self { origin: Origin::Runtime(tokio::time::Instant::now()), since: Timestamp::ZERO }
    }

    /// The same clock, going on from `since` instead of zero.
    #[must_use]
    pub fn going_on_from(self, since: Timestamp) -> Self {
        Self { since, ..self }
    }

    /// Time since the clock was made, or since the one that it goes on from was.
    pub fn now(&self) -> Timestamp {
        let elapsed = match &self.origin {
            Origin::Monotonic(origin) => origin.elapsed(),
            Origin::Runtime(origin) => origin.elapsed(),
        };
        self.since.after(elapsed)
    }
}
