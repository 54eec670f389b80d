//! Mistakes in accumulators.

#![allow(unused)]

use acequia_sdk::{
    batch_accumulator, passthrough_accumulator, polling_accumulator, state_accumulator, stream_accumulator,
    window_accumulator,
};

#[batch_accumulator(flush_interval = "1s")]
async fn async_batch(events: &[u64]) -> Option<u64> {
    None
}

#[batch_accumulator(flush_interval = "1s")]
fn one_event(event: u64) -> Option<u64> {
    Some(event)
}

#[batch_accumulator]
fn no_limit(events: &[u64]) -> Option<u64> {
    None
}

#[stream_accumulator(state = u64)]
async fn async_state(state: &mut u64, value: &u64) -> u64 {
    *value
}

#[stream_accumulator(state = u64)]
fn stateless(value: &u64) -> u64 {
    *value
}

#[stream_accumulator(migrate = from_nothing)]
fn migrated(value: u64) -> u64 {
    value
}

#[polling_accumulator(interval = "1 day")]
async fn bad_interval() -> Option<u64> {
    None
}

#[polling_accumulator]
async fn no_interval() -> Option<u64> {
    None
}

#[polling_accumulator(interval = "1s")]
fn plain_poll() -> Option<u64> {
    None
}

#[polling_accumulator(interval = "1s")]
async fn always() -> u64 {
    1
}

#[state_accumulator]
fn no_capacity(value: u64) -> u64 {
    value
}

#[window_accumulator(sliding = "1m", time = |e: &u64| acequia_sdk::Timestamp::ZERO)]
fn no_slide(events: &[u64]) -> usize {
    events.len()
}

#[window_accumulator(tumbling = "1m", session = "1s", time = |e: &u64| acequia_sdk::Timestamp::ZERO)]
fn two_shapes(events: &[u64]) -> usize {
    events.len()
}

#[window_accumulator(tumbling = "1m")]
fn no_time(events: &[u64]) -> usize {
    events.len()
}

#[passthrough_accumulator(capcity = 3)]
fn unknown_key(value: u64) -> u64 {
    value
}

#[passthrough_accumulator(capacity = 0)]
fn no_room(value: u64) -> u64 {
    value
}

#[passthrough_accumulator]
fn two_events(value: u64, other: u64) -> u64 {
    value + other
}

#[passthrough_accumulator]
fn returns_nothing(value: u64) {}

#[passthrough_accumulator]
fn generic<T: Clone>(value: T) -> T {
    value
}

#[passthrough_accumulator]
struct NoFunction;

fn main() {}
