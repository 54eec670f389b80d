//! What an operator is told of an accumulator or a reactor.

use crate::id::AccumulatorName;

/// State of an accumulator's source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SourceHealth {
    /// It has no source of its own; events are pushed.
    #[default]
    SocketOnly,
    /// Its source has not delivered or reported yet.
    Connecting,
    /// Its source runs.
    Live,
    /// Its source ended in good order.
    Finished,
    /// Its source is dead, and will be started again.
    Disconnected {
        /// What killed it.
        reason: String,
    },
    /// Its source died too often.
    Quarantined {
        /// What killed it the last time.
        reason: String,
    },
}

impl SourceHealth {
    /// Whether events can be expected from it.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::SocketOnly | Self::Live | Self::Finished)
    }
}

/// State of a reactor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Its parts are not all installed yet.
    Starting,
    /// Its criteria cannot be met before these sources are there.
    Warming {
        /// Sources that are not connected.
        waiting: Vec<AccumulatorName>,
    },
    /// It fires when its criteria are met.
    Live,
    /// It fires, but these sources are dead.
    Degraded {
        /// Sources that were connected and are not any more.
        sources: Vec<AccumulatorName>,
    },
    /// It accepts and remembers, and does not fire.
    Paused,
    /// It is out of service.
    Quarantined {
        /// What brought it here.
        reason: String,
    },
}
