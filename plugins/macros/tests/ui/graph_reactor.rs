//! A graph and a reactor of the same crate.

#![allow(unused)]

use acequia_sdk::{computation_graph, passthrough_accumulator, reactor};

#[passthrough_accumulator]
pub fn raw_prices(value: f64) -> f64 {
    value
}

#[reactor(accumulators = [raw_prices], criteria = when_any())]
pub struct PriceReactor;

#[computation_graph(trigger = reactor(PriceReactor), graph = { score(raw_prics) })]
mod unknown_accumulator {
    fn score(raw: Option<&f64>) -> f64 {
        raw.copied().unwrap_or(0.0)
    }
}

#[computation_graph(trigger = reactor(PriceReactor), graph = { score(raw_prices) })]
mod other_type {
    fn score(raw: Option<&String>) -> usize {
        raw.map_or(0, String::len)
    }
}

#[computation_graph(trigger = reactor(String), graph = { score(raw_prices) })]
mod no_reactor {
    fn score(raw: Option<&f64>) -> f64 {
        raw.copied().unwrap_or(0.0)
    }
}

#[computation_graph(trigger = reacter("PriceReactor"), graph = { score(raw_prices) })]
mod unknown_trigger {
    fn score(raw: Option<&f64>) -> f64 {
        raw.copied().unwrap_or(0.0)
    }
}

fn main() {}
