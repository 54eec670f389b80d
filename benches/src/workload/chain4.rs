//! `chain4`: four reactors in a row; each graph sends an event of its own on to the next.

use super::saturated::Saturated;
use crate::baseline::{plain, ractor, timely, tokio};
use crate::ours;
use crate::report::Bar;

/// The workload.
pub(crate) const CHAIN4: Saturated = Saturated {
    id: "chain4",
    baselines: || {
        vec![
            plain::variant(plain::chain4),
            timely::variant(timely::chain4),
            tokio::variant(tokio::chain4),
            ractor::variant(ractor::chain4),
        ]
    },
    ours: ours::chain4,
    bars: &[Bar { baseline: "tokio", ratio: 0.6 }],
};
