//! The nodes of every graph, as plain functions on references. All variants call these.
//!
//! Inputs and results go through `black_box`, so that no variant gets a node for free by fusing or by
//! computing eight equal graphs once.

use std::hint::black_box;

use crate::event::Event;
use crate::tally::Published;

/// What `score` found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    pub(crate) sequence: u64,
    pub(crate) score: f64,
}

/// What `adjust` made of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adjusted {
    pub(crate) sequence: u64,
    pub(crate) level: f64,
}

/// First node: reads the value and one letter of the name.
#[inline]
pub(crate) fn score(event: &Event) -> Scored {
    let event = black_box(event);
    black_box(Scored { sequence: event.sequence, score: event.value * 1.5 + letter(event) })
}

/// First node of `join`: reads both sides of the pair.
#[inline]
pub(crate) fn score_pair(left: &Event, right: &Event) -> Scored {
    let (left, right) = (black_box(left), black_box(right));
    let score = left.value * 1.5 - right.value + letter(left) + letter(right);
    black_box(Scored { sequence: right.sequence, score })
}

/// Second node.
#[inline]
pub(crate) fn adjust(scored: &Scored) -> Adjusted {
    let scored = black_box(scored);
    black_box(Adjusted { sequence: scored.sequence, level: scored.score.max(1.0).mul_add(0.25, 7.0) })
}

/// Third and last node.
#[inline]
pub(crate) fn publish(adjusted: &Adjusted) -> Published {
    let adjusted = black_box(adjusted);
    let digest = adjusted.level.to_bits() ^ adjusted.sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    black_box(Published { sequence: adjusted.sequence, digest })
}

/// First node of a `chain4` graph.
#[inline]
pub(crate) fn weigh(event: &Event) -> f64 {
    let event = black_box(event);
    black_box(event.value.mul_add(0.5, letter(event)))
}

/// Last node of a `chain4` graph: an event of its own for the next accumulator.
#[inline]
pub(crate) fn forward(event: &Event, weight: f64) -> Event {
    let event = black_box(event);
    black_box(Event { sequence: event.sequence, value: weight, name: event.name.clone() })
}

/// The graph of `lin` and, eight times over, of `fan8`.
#[inline]
pub(crate) fn line(event: &Event) -> Published {
    publish(&adjust(&score(event)))
}

/// The graph of `join`.
#[inline]
pub(crate) fn pair_line(left: &Event, right: &Event) -> Published {
    publish(&adjust(&score_pair(left, right)))
}

/// One of the four graphs of `chain4`.
#[inline]
pub(crate) fn link(event: &Event) -> Event {
    forward(event, weigh(event))
}

/// What leaves the last graph of `chain4`, for the tally.
#[inline]
pub(crate) fn chain_end(event: &Event) -> Published {
    Published { sequence: event.sequence, digest: event.value.to_bits() ^ event.name.len() as u64 }
}

fn letter(event: &Event) -> f64 {
    f64::from(event.name.as_bytes()[event.sequence as usize % event.name.len()])
}
