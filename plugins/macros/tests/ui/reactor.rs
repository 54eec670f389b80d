//! Mistakes in reactors.

#![allow(unused)]

use acequia_sdk::{passthrough_accumulator, reactor};

#[passthrough_accumulator]
pub fn raw_prices(value: f64) -> f64 {
    value
}

#[passthrough_accumulator]
pub fn ticks(value: u64) -> u64 {
    value
}

#[reactor(accumulators = [], criteria = when_any())]
struct NoAccumulators;

#[reactor(accumulators = [ticks, raw_prices, ticks], criteria = when_any())]
struct Duplicate;

#[reactor(accumulators = [ticks, raw_prices], criteria = when_any(ticks, raw_price))]
struct UnknownSource;

#[reactor(accumulators = [ticks, raw_prices], criteria = k_of(3, ticks, raw_prices))]
struct OutOfRange;

#[reactor(accumulators = [ticks], criteria = k_of(ticks))]
struct WithoutNumber;

#[reactor(accumulators = [ticks], criteria = when_some(ticks))]
struct UnknownCriterion;

#[reactor(accumulators = [ticks], criteria = when_any(), stratgy = latest)]
struct UnknownKey;

#[reactor(accumulators = [ticks], criteria = when_any(), strategy = sequentially)]
struct UnknownStrategy;

#[reactor(accumulators = [ticks], criteria = when_any())]
struct NotUnit {
    field: u64,
}

#[reactor(accumulators = [ticks])]
struct NoCriteria;

#[reactor(criteria = when_any())]
struct NoList;

#[reactor(accumulators = [String], criteria = when_any())]
struct NoAccumulator;

#[reactor(accumulators = [ticks], criteria = when_any())]
enum NoStruct {}

fn main() {}
