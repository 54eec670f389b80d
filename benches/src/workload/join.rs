//! `join`: two accumulators in turn, `when_all` in pairs, the graph of `lin`. Figures are per event, not pair.

use super::saturated::Saturated;
use crate::baseline::{plain, ractor, timely, tokio};
use crate::ours;
use crate::report::Bar;

/// The workload.
pub(crate) const JOIN: Saturated = Saturated {
    id: "join",
    baselines: || {
        vec![
            plain::variant(plain::join),
            timely::variant(timely::join),
            tokio::variant(tokio::join),
            ractor::variant(ractor::join),
        ]
    },
    ours: ours::join,
    bars: &[Bar { baseline: "tokio", ratio: 0.5 }, Bar { baseline: "fn", ratio: 2.5 }],
};
