//! The package `pricing-subscriber` in its next version: it declares the same, and its signals are in percent.

use acequia_sdk::{computation_graph, package};
use serde::{Deserialize, Serialize};

/// What a firing comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Raw in percent of normalized; nothing until both were seen.
    pub signal: Option<f64>,
}

/// The ratio of the two feeds, as a signal. It has one for each price, so it would rather be waited for than
/// pass one over.
#[computation_graph(
    trigger = reactor("PriceReactor"),
    graph = { score(raw_prices, normalized_prices) -> publish },
    overflow = block
)]
pub mod price_consumer {
    use super::Signal;

    /// Raw in percent of normalized.
    pub fn score(raw: Option<&f64>, normalized: Option<&f64>) -> Option<f64> {
        Some(raw? / normalized? * 100.0)
    }

    /// As others will see it.
    pub fn publish(score: &Option<f64>) -> Signal {
        Signal { signal: *score }
    }
}

package! {
    name = "pricing-subscriber",
    graphs = [price_consumer],
}
