//! What a supervisor knows of a child.

use std::time::Duration;

/// Whether a child that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// Only if it failed.
    Transient,
    /// Never.
    Temporary,
}

/// Which children are restarted with the one that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// It alone.
    #[default]
    OneForOne,
    /// It and those started after it.
    RestForOne,
    /// All of them.
    OneForAll,
}

/// How many restarts a supervisor allows before it gives up itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts allowed.
    pub restarts: u32,
    /// Within this period.
    pub period: Duration,
}

impl Default for Intensity {
    /// Three restarts in thirty seconds.
    fn default() -> Self {
        Self { restarts: 3, period: Duration::from_secs(30) }
    }
}

/// One child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildSpec {
    /// Its name within the supervisor.
    pub name: String,
    /// When it is restarted.
    pub restart: Restart,
    /// Restarts that this child has for itself, before the supervisor's strategy and budget.
    pub intensity: Intensity,
}

impl ChildSpec {
    /// A permanent child with the default intensity.
    pub fn permanent(name: impl Into<String>) -> Self {
        Self { name: name.into(), restart: Restart::Permanent, intensity: Intensity::default() }
    }

    /// A transient child with the default intensity.
    pub fn transient(name: impl Into<String>) -> Self {
        Self { restart: Restart::Transient, ..Self::permanent(name) }
    }

    /// A child that is not restarted.
    pub fn temporary(name: impl Into<String>) -> Self {
        Self { restart: Restart::Temporary, ..Self::permanent(name) }
    }

    /// Set its own intensity.
    #[must_use]
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// In good order.
    Normal,
    /// By a panic, an error, or a failed start.
    Failed(String),
}
