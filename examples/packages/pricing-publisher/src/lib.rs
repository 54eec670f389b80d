//! Publishes `PriceReactor` over two feeds of prices. Who subscribes to it, it does not know.

use acequia_sdk::{package, passthrough_accumulator, reactor};

/// Prices as they came.
#[passthrough_accumulator]
pub fn raw_prices(price: f64) -> f64 {
    price
}

/// The prices to measure them by.
#[passthrough_accumulator]
pub fn normalized_prices(price: f64) -> f64 {
    price
}

/// Fires once for each price of either feed, in order of arrival.
#[reactor(
    accumulators = [raw_prices, normalized_prices],
    criteria = when_any(raw_prices, normalized_prices),
    strategy = sequential
)]
pub struct PriceReactor;

package! {
    name = "pricing-publisher",
    reactors = [PriceReactor],
}
