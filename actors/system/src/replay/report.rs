//! What a replay came to.

use acequia_store::Lsn;
use acequia_store::journal::{Damage, Torn};
use serde_json::Value;
use std::fmt;

/// What a replay came to.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Records that were gone through.
    pub records: u64,
    /// The last of them.
    pub last: Lsn,
    /// Those reactors that the journal knows, in declared order.
    pub reactors: Vec<ReactorReport>,
    /// Where the journal could not be read any further.
    pub damage: Option<Damage>,
    /// What was never acknowledged, and is no part of it.
    pub torn: Option<Torn>,
}

/// What the replay of one reactor came to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReactorReport {
    /// The reactor.
    pub reactor: String,
    /// How far it came.
    pub stage: Stage,
    /// Turns that were gone through.
    pub turns: u64,
    /// Events that they handled.
    pub events: u64,
    /// Firings that the journal tells of.
    pub firings_then: u64,
    /// Firings now.
    pub firings_now: u64,
    /// Firings by hand: their inputs are in no journal.
    pub by_hand: u64,
    /// Deliveries of firings to graphs whose results were compared.
    pub compared: u64,
    /// Deliveries whose results the journal does not tell: their graph ran elsewhere, or an earlier release wrote.
    pub untold: u64,
    /// Turns that came to something else.
    pub differing: u64,
    /// The first of them.
    pub first: Vec<Difference>,
}

/// How far the replay of a reactor came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The journal tells nothing of it.
    Unknown,
    /// Where it begins was trimmed, and no checkpoint follows.
    Trimmed,
    /// It was gone through from this record on.
    From(Lsn),
    /// It was gone through up to this record, and could not be any further.
    Stopped {
        /// The record.
        at: Lsn,
        /// Why.
        why: String,
    },
}

/// A turn that came to something else.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The turn's record.
    pub lsn: Lsn,
    /// The reactor.
    pub reactor: String,
    /// Number of the first firing of the turn, as recorded.
    pub first_firing: u64,
    /// What is different about it.
    pub changes: Vec<Change>,
}

/// What is different about a turn.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// An accumulator made another number of boundaries.
    Boundaries {
        /// The accumulator.
        accumulator: String,
        /// As recorded.
        then: u32,
        /// As it came out.
        now: u32,
    },
    /// An accumulator holds another number of events.
    Held {
        /// The accumulator.
        accumulator: String,
        /// As recorded.
        then: u64,
        /// As it came out.
        now: u64,
    },
    /// Another number of firings.
    Firings {
        /// As recorded.
        then: u64,
        /// As it came out.
        now: u64,
    },
    /// As many firings, of other boundaries.
    Inputs,
    /// A graph gave up another number of firings.
    GivenUp {
        /// The graph.
        graph: String,
        /// As recorded.
        then: u32,
        /// As it came out.
        now: u32,
    },
    /// Other values came out.
    Results {
        /// The graph.
        graph: String,
        /// The terminal.
        terminal: String,
        /// How many were recorded.
        then: u32,
        /// How many came out.
        now: u32,
        /// The first of those that came out. The journal has a digest of the others.
        came: Vec<Value>,
    },
    /// The graph, or its terminal, is not there any more.
    Gone {
        /// The graph, or graph and terminal.
        place: String,
    },
}

impl Report {
    /// Whether everything came to the same, to the end of a journal that is whole.
    pub fn is_equal(&self) -> bool {
        let stopped = self.reactors.iter().any(|reactor| matches!(reactor.stage, Stage::Stopped { .. }));
        self.damage.is_none() && self.n_differing() == 0 && !stopped
    }

    /// Turns that came to something else.
    pub fn n_differing(&self) -> u64 {
        self.reactors.iter().map(|reactor| reactor.differing).sum()
    }

    /// The first difference of all, in the journal's order.
    pub fn first_difference(&self) -> Option<&Difference> {
        self.reactors.iter().filter_map(|reactor| reactor.first.first()).min_by_key(|first| first.lsn)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} turns differ",
            self.n_differing(),
            self.reactors.iter().map(|it| it.turns).sum::<u64>()
        )?;
        if let Some(first) = self.first_difference() {
            write!(f, "; the first: {first}")?;
        }
        if let Some(damage) = self.damage {
            write!(f, "; the journal ends in damage: {damage}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LSN {}, reactor {}: ", self.lsn, self.reactor)?;
        for (at, change) in self.changes.iter().enumerate() {
            let between = if at == 0 { "" } else { "; " };
            write!(f, "{between}{change}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boundaries { accumulator, then, now } => {
                write!(f, "accumulator {accumulator} made {now} boundaries, recorded {then}")
            }
            Self::Held { accumulator, then, now } => {
                write!(f, "accumulator {accumulator} holds {now} events, recorded {then}")
            }
            Self::Firings { then, now } => write!(f, "{now} firings, recorded {then}"),
            Self::Inputs => f.write_str("as many firings, of other boundaries"),
            Self::GivenUp { graph, then, now } => {
                write!(f, "graph {graph} gave up {now} firings, recorded {then}")
            }
            Self::Results { graph, terminal, then, now, came } if then == now => {
                write!(f, "other values from {graph}.{terminal}, {now} of them; now {}", shown(came))
            }
            Self::Results { graph, terminal, then, now, came } => {
                write!(f, "{now} values from {graph}.{terminal}, recorded {then}; now {}", shown(came))
            }
            Self::Gone { place } => write!(f, "{place} is not there any more"),
        }
    }
}

fn shown(values: &[Value]) -> String {
    let values: Vec<String> = values.iter().map(Value::to_string).collect();
    if values.is_empty() { "none".to_owned() } else { values.join(", ") }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("not in the journal"),
            Self::Trimmed => f.write_str("its beginning was trimmed"),
            Self::From(lsn) => write!(f, "replayed from LSN {lsn}"),
            Self::Stopped { at, why } => write!(f, "replayed up to LSN {at}: {why}"),
        }
    }
}
