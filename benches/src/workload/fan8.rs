//! `fan8`: one accumulator, one reactor, eight graphs of three nodes.

use super::saturated::Saturated;
use crate::baseline::{plain, ractor, timely, tokio};
use crate::ours;
use crate::report::Bar;

/// The workload.
pub(crate) const FAN8: Saturated = Saturated {
    id: "fan8",
    baselines: || {
        vec![
            plain::variant(plain::fan8),
            timely::variant(timely::fan8),
            tokio::variant(tokio::fan8),
            ractor::variant(ractor::fan8),
        ]
    },
    ours: ours::fan8,
    bars: &[Bar { baseline: "tokio", ratio: 0.6 }],
};
