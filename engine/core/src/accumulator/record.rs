//! What kinds keep between two events, in the form in which it is handed over and recorded.
//!
//! The hash of their schema goes along, so a form that changes is told from those of before.

use super::WindowShape;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The buffer of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buffered<E> {
    /// Its events, oldest first.
    pub events: Vec<E>,
    /// Nanoseconds until it is flushed, by the clock of whoever has it; none if only its size counts. A later
    /// process has another clock.
    pub left: Option<u64>,
}

/// The panes of a window that are open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPanes<E> {
    /// The newest event time that was seen, in nanoseconds since the Unix epoch; none before the first.
    pub newest: Option<i64>,
    /// The panes, by their start.
    pub panes: Vec<OpenPane<E>>,
}

/// One pane that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPane<E> {
    /// First instant in it, in nanoseconds since the Unix epoch.
    pub start: i64,
    /// First instant after it.
    pub end: i64,
    /// The shape that it is of: whoever goes on with it may have another.
    pub shape: PaneShape,
    /// Its events, in the order in which they came.
    pub events: Vec<E>,
    /// For how many of them this is the last pane: they settle when it closes.
    pub owned: u64,
}

/// A [`WindowShape`] in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaneShape {
    /// Side by side.
    Tumbling {
        /// Length of a pane.
        size: u64,
    },
    /// One every `slide`.
    Sliding {
        /// Length of a pane.
        size: u64,
        /// Distance between the starts of two panes.
        slide: u64,
    },
    /// Up to a silence.
    Session {
        /// How long that is.
        gap: u64,
    },
}

impl From<WindowShape> for PaneShape {
    fn from(shape: WindowShape) -> Self {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        match shape {
            WindowShape::Tumbling { size } => Self::Tumbling { size: nanos(size) },
            WindowShape::Sliding { size, slide } => Self::Sliding { size: nanos(size), slide: nanos(slide) },
            WindowShape::Session { gap } => Self::Session { gap: nanos(gap) },
        }
    }
}

impl From<PaneShape> for WindowShape {
    fn from(shape: PaneShape) -> Self {
        let nanos = Duration::from_nanos;
        match shape {
            PaneShape::Tumbling { size } => Self::Tumbling { size: nanos(size) },
            PaneShape::Sliding { size, slide } => Self::Sliding { size: nanos(size), slide: nanos(slide) },
            PaneShape::Session { gap } => Self::Session { gap: nanos(gap) },
        }
    }
}
