//! `lin`: one passthrough accumulator, `when_any`, a graph of three nodes in line.

use super::saturated::Saturated;
use crate::baseline::{plain, ractor, timely, tokio};
use crate::ours;
use crate::report::Bar;

/// The workload.
pub(crate) const LIN: Saturated = Saturated {
    id: "lin",
    baselines: || {
        vec![
            plain::variant(plain::lin),
            timely::variant(timely::lin),
            tokio::variant(tokio::lin),
            ractor::variant(ractor::lin),
        ]
    },
    ours: ours::lin,
    bars: &[Bar { baseline: "tokio", ratio: 0.5 }, Bar { baseline: "fn", ratio: 2.5 }],
};
