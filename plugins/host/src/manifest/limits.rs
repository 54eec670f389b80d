//! `[limits]`: limits of the parts of a package that say nothing else.

use super::section::{Flaws, Section};
use acequia_core::fault::FaultBudget;
use std::time::Duration;

/// Keys of the section.
const KEYS: [&str; 6] =
    ["ring_capacity", "delivery_capacity", "attempts", "faults", "dead_letters", "fault_window"];

/// The section `[limits]`. What is absent is as the engine has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartLimits {
    /// Room in the ring of an accumulator, in events.
    pub ring_capacity: Option<usize>,
    /// Room in the ring towards a detached graph, in firings.
    pub delivery_capacity: Option<usize>,
    /// How often an item is tried.
    pub attempts: Option<u32>,
    /// Panics and errors within the window that quarantine a part.
    pub faults: Option<u32>,
    /// Dead letters within the window that quarantine a part.
    pub dead_letters: Option<u32>,
    /// The window of these two.
    pub fault_window: Option<Duration>,
}

impl PartLimits {
    /// `default` with what is said here.
    pub fn budget(&self, default: FaultBudget) -> FaultBudget {
        FaultBudget {
            attempts: self.attempts.unwrap_or(default.attempts),
            dead_letters: self.dead_letters.unwrap_or(default.dead_letters),
            faults: self.faults.unwrap_or(default.faults),
            window: self.fault_window.unwrap_or(default.window),
        }
    }
}

/// Read the section.
pub(super) fn read(section: &Section<'_>, flaws: &mut Flaws<'_>) -> PartLimits {
    section.allow(&KEYS, flaws);
    let room = |key: &str, flaws: &mut Flaws<'_>| section.count(key, 1, flaws).map(|room| room as usize);
    PartLimits {
        ring_capacity: room("ring_capacity", flaws),
        delivery_capacity: room("delivery_capacity", flaws),
        attempts: section.count("attempts", 1, flaws),
        faults: section.count("faults", 1, flaws),
        dead_letters: section.count("dead_letters", 1, flaws),
        fault_window: section.duration("fault_window", Duration::from_millis(1), flaws),
    }
}
