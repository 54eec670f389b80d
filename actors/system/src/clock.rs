//! The engine's clock: the one place where time is read.

use acequia_core::Timestamp;

/// Where time comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The operating system's monotonic clock.
    Monotonic(std::time::Instant),
    /// tokio's clock, which a test can pause.
    Runtime(tokio::time::Instant),
}

impl Clock {
    /// The monotonic clock, starting now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the others ask")]
    pub fn monotonic() -> Self {
        Self::Monotonic(std::time::Instant::now())
    }

    /// tokio's clock, starting now.
    pub fn runtime() -> Self {
        Self::Runtime(tokio::time::Instant::now())
    }

    /// Time since the clock was made.
    pub fn now(&self) -> Timestamp {
        let elapsed = match self {
            Self::Monotonic(origin) => origin.elapsed(),
            Self::Runtime(origin) => origin.elapsed(),
        };
        Timestamp::from_nanos(i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
    }
}
