//! Subscribes to `PriceReactor` by its name: what it must offer is in the graph's inputs, and the
//! publisher's code is nowhere to be seen.
//!
//! Both are polled by the engine. A package whose nodes need a tokio of their own says `runtime = "own"` in its `package.toml`.

use acequia_sdk::{computation_graph, package};
use serde::{Deserialize, Serialize};

/// What a firing comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Raw over normalized; nothing until both were seen.
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

    /// Raw over normalized.
    pub fn score(raw: Option<&f64>, normalized: Option<&f64>) -> Option<f64> {
        Some(raw? / normalized?)
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
