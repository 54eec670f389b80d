//! Settings of a kind, laid over those with which an accumulator was declared.

use super::{Kind, WindowShape};
use crate::id::AccumulatorName;
use std::time::Duration;

/// What may be changed about an accumulator without touching its code. What is absent stays as declared.
///
/// ```
/// use acequia_core::accumulator::{Kind, Tuning};
///
/// let tuning = Tuning { max_buffer_size: Some(10), ..Tuning::default() };
/// assert_eq!(tuning.fits(&"prices".into(), Kind::Batch), Ok(()));
/// let refusal = tuning.fits(&"prices".into(), Kind::State).unwrap_err().to_string();
/// assert!(refusal.contains("`max_buffer_size` of accumulator prices, which is a state"), "{refusal}");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tuning {
    /// Polling: time between two polls.
    pub interval: Option<Duration>,
    /// Batch: the oldest that it becomes.
    pub flush_interval: Option<Duration>,
    /// Batch: the largest that it becomes.
    pub max_buffer_size: Option<usize>,
    /// State: length of the window; -1 keeps all, 0 emits nothing.
    pub window_capacity: Option<i64>,
    /// Window: how events are grouped.
    pub shape: Option<WindowShape>,
    /// Window: how long a pane waits for late events.
    pub lateness: Option<Duration>,
}

/// A setting that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// It belongs to another kind.
    #[error(
        "E0338: a setting changes `{key}` of accumulator {accumulator}, which is a {kind}; {} can be changed",
        allowed_text(*kind)
    )]
    Key {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The setting.
        key: &'static str,
        /// What the accumulator is.
        kind: Kind,
    },
    /// No accumulator can have that value.
    #[error(
        "E0339: a setting gives `{key}` of accumulator {accumulator} a value that it cannot have: {rule}"
    )]
    Value {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The setting.
        key: &'static str,
        /// What it has to be.
        rule: &'static str,
    },
}

/// Each setting with the kind that has it.
const KEYS: [(&str, Kind); 6] = [
    ("interval", Kind::Polling),
    ("flush_interval", Kind::Batch),
    ("max_buffer_size", Kind::Batch),
    ("window_capacity", Kind::State),
    ("shape", Kind::Window),
    ("lateness", Kind::Window),
];

/// The settings of `kind`, as a sentence begins.
fn allowed_text(kind: Kind) -> String {
    let keys: Vec<String> = Tuning::allowed(kind).map(|key| format!("`{key}`")).collect();
    if keys.is_empty() { "nothing of it".to_owned() } else { format!("{} of it", keys.join(", ")) }
}

impl Tuning {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The settings that a `kind` has.
    pub fn allowed(kind: Kind) -> impl Iterator<Item = &'static str> {
        KEYS.into_iter().filter(move |(_, owner)| *owner == kind).map(|(key, _)| key)
    }

    /// Whether an accumulator of that kind can have all that it sets.
    ///
    /// # Errors
    /// [`TuneError`], naming the first setting that it cannot have.
    pub fn fits(&self, accumulator: &AccumulatorName, kind: Kind) -> Result<(), TuneError> {
        let accumulator = || accumulator.clone();
        if let Some(key) = self.set().find(|key| Self::allowed(kind).all(|allowed| allowed != *key)) {
            return Err(TuneError::Key { accumulator: accumulator(), key, kind });
        }
        match self.broken() {
            Some((key, rule)) => Err(TuneError::Value { accumulator: accumulator(), key, rule }),
            None => Ok(()),
        }
    }

    /// The same, with what `later` sets in place of its own.
    #[must_use]
    pub fn under(self, later: Self) -> Self {
        Self {
            interval: later.interval.or(self.interval),
            flush_interval: later.flush_interval.or(self.flush_interval),
            max_buffer_size: later.max_buffer_size.or(self.max_buffer_size),
            window_capacity: later.window_capacity.or(self.window_capacity),
            shape: later.shape.or(self.shape),
            lateness: later.lateness.or(self.lateness),
        }
    }

    /// The settings that it has.
    fn set(&self) -> impl Iterator<Item = &'static str> {
        let is_set = [
            self.interval.is_some(),
            self.flush_interval.is_some(),
            self.max_buffer_size.is_some(),
            self.window_capacity.is_some(),
            self.shape.is_some(),
            self.lateness.is_some(),
        ];
        KEYS.into_iter().zip(is_set).filter(|(_, is_set)| *is_set).map(|((key, _), _)| key)
    }

    /// A value that breaks a rule, and the rule.
    fn broken(&self) -> Option<(&'static str, &'static str)> {
        let none = |duration: Option<Duration>| duration.is_some_and(|duration| duration.is_zero());
        let shape = self.shape.and_then(|shape| match shape {
            WindowShape::Tumbling { size: length } | WindowShape::Session { gap: length } => {
                length.is_zero().then_some("a pane has a length")
            }
            WindowShape::Sliding { size, slide } if size.is_zero() || slide.is_zero() => {
                Some("a pane has a length, and a distance to the next")
            }
            WindowShape::Sliding { size, slide } => (slide > size)
                .then_some("panes further apart than they are long would lose what falls between"),
        });
        let rules = [
            ("interval", none(self.interval).then_some("it is longer than nothing")),
            ("flush_interval", none(self.flush_interval).then_some("it is longer than nothing")),
            ("max_buffer_size", (self.max_buffer_size == Some(0)).then_some("it is at least 1")),
            (
                "window_capacity",
                self.window_capacity.filter(|n| *n < -1).map(|_| "it is at least -1, which keeps all"),
            ),
            ("shape", shape),
        ];
        rules.into_iter().find_map(|(key, rule)| Some((key, rule?)))
    }
}
