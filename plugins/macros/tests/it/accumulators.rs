//! Accumulators: every kind, every form of its function, run in a slot without an engine.

use crate::harness::{block_on, pend};
use acequia_sdk::__private::core::accumulator::{AnySlot, SlotContext};
use acequia_sdk::__private::core::column::Column;
use acequia_sdk::__private::core::ring::{Doorbell, Ring};
use acequia_sdk::{
    AccumulatorDecl, AccumulatorDef, Failure, Kind, Overflow, Payload, SourceDecl, SourceOut, Span,
    Timestamp, batch_accumulator, passthrough_accumulator, polling_accumulator, state_accumulator,
    stream_accumulator, window_accumulator,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What slots ring; nobody listens here.
struct Silent;

impl Doorbell for Silent {
    fn ring(&self) {}
}

/// Push `events`, let the slot handle them, flush if asked: boundaries and failures.
fn feed<E: Payload, B: Payload>(
    decl: &AccumulatorDecl,
    events: Vec<E>,
    flush: bool,
) -> (Vec<B>, Vec<Failure>) {
    let mut slot: Box<dyn AnySlot> = decl.slot(None);
    let mut column = slot.column();
    let ring = slot.ring().as_any().downcast::<Ring<E>>().unwrap();
    for event in events {
        assert!(ring.try_push(event).is_ok());
    }
    let (mut letters, mut failures, mut order) = (Vec::new(), Vec::new(), Vec::new());
    let doorbell: Arc<dyn Doorbell> = Arc::new(Silent);
    loop {
        let now = Timestamp::ZERO;
        let mut cx = SlotContext {
            now,
            limit: 100,
            letters: &mut letters,
            failures: &mut failures,
            doorbell: &doorbell,
        };
        let turn = slot.turn(&mut cx, &mut *column, &mut order);
        let pending = turn.pending.is_some();
        if let Some(pending) = turn.pending {
            block_on(pending);
        }
        if !pending && !turn.more {
            if flush {
                slot.flush(&mut cx, &mut *column, &mut order);
            }
            break;
        }
    }
    let column = column.as_any().downcast_ref::<Column<B>>().unwrap();
    (column.as_slice().to_vec(), failures)
}

fn boundaries<E: Payload, B: Payload>(decl: &AccumulatorDecl, events: Vec<E>) -> Vec<B> {
    let (boundaries, failures) = feed(decl, events, true);
    assert_eq!(failures, []);
    boundaries
}

#[passthrough_accumulator]
pub(crate) async fn raw_prices(value: f64) -> f64 {
    value
}

#[passthrough_accumulator(name = "norm.prices", capacity = 7, overflow = drop_oldest, attempts = 2)]
pub(crate) fn normalized_prices(value: &f64) -> Option<String> {
    (*value > 0.0).then(|| value.to_string())
}

#[test]
fn identity_hands_on_what_comes() {
    let decl = raw_prices::decl();

    assert_eq!(boundaries::<f64, f64>(&decl, vec![1.5, -0.0]), [1.5, -0.0]);
    assert_eq!((decl.name.as_str(), decl.kind), ("raw_prices", Kind::Passthrough));
    assert_eq!(block_on(raw_prices(2.0)), 2.0, "the function is still there");
}

#[test]
fn options_reach_the_declaration() {
    let decl = normalized_prices::decl();

    assert_eq!(boundaries::<f64, String>(&decl, vec![1.5, -1.0]), ["1.5"]);
    assert_eq!(normalized_prices::NAME, "norm.prices");
    assert_eq!((decl.capacity, decl.overflow, decl.budget.attempts), (7, Overflow::DropOldest, 2));
}

mod forms {
    use super::*;

    #[passthrough_accumulator]
    pub(super) fn by_value(value: u64) -> u64 {
        value + 1
    }

    #[passthrough_accumulator(attempts = 1)]
    pub(super) fn fallible(value: u64) -> Result<u64, String> {
        if value == 0 { Err("zero".to_owned()) } else { Ok(value) }
    }

    #[passthrough_accumulator]
    pub(super) async fn awaiting(value: u64) -> Result<Option<u64>, std::fmt::Error> {
        pend(1).await;
        Ok(Some(value).filter(|value| value % 2 == 0))
    }

    #[passthrough_accumulator]
    pub(super) async fn borrowing(value: &String) -> Option<usize> {
        pend(usize::from(value.len() > 3)).await;
        Some(value.len())
    }
}

#[test]
fn every_form_of_function_is_called() {
    assert_eq!(boundaries::<u64, u64>(&forms::by_value::decl(), vec![1, 2]), [2, 3]);
    assert_eq!(boundaries::<u64, u64>(&forms::awaiting::decl(), vec![1, 2, 4]), [2, 4]);
    let words = vec!["a".to_owned(), "abcd".to_owned()];
    assert_eq!(boundaries::<String, usize>(&forms::borrowing::decl(), words), [1, 4]);
    let (passed, failures) = feed::<u64, u64>(&forms::fallible::decl(), vec![0, 5], false);
    assert_eq!(passed, [5]);
    assert_eq!(failures[0].message, "zero");
}

fn counter() -> SourceDecl {
    SourceDecl::run(|out: SourceOut<u64>| async move { out.push(1).await })
}

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Sum(u64);

#[stream_accumulator(source = counter, state = Sum)]
fn summed(state: &mut Sum, value: &u64) -> Option<u64> {
    state.0 += value;
    (state.0 > 2).then_some(state.0)
}

#[stream_accumulator(source = SourceDecl::run(|out: SourceOut<u64>| async move { out.push(1).await }))]
fn streamed(value: u64) -> u64 {
    value * 2
}

#[stream_accumulator]
fn unfed(value: u64) -> u64 {
    value
}

#[test]
fn stream_has_source_and_state() {
    let decl = summed::decl();

    assert_eq!(boundaries::<u64, u64>(&decl, vec![1, 2, 3]), [3, 6]);
    assert!(decl.source.is_some());
    assert_eq!(decl.kind, Kind::Stream);
    assert_eq!(boundaries::<u64, u64>(&streamed::decl(), vec![4]), [8]);
    assert!(streamed::decl().source.is_some() && unfed::decl().source.is_none());
    assert_eq!(unfed::decl().kind, Kind::Stream);
}

#[polling_accumulator(interval = "250ms")]
async fn polled() -> Option<u64> {
    Some(3)
}

#[polling_accumulator(interval = 2)]
async fn polled_fallible() -> Result<Option<u64>, std::fmt::Error> {
    Ok(None)
}

#[test]
fn polling_is_a_source_of_its_own() {
    for (decl, interval) in [(polled::decl(), 250), (polled_fallible::decl(), 2_000)] {
        let slot = decl.slot(None);
        let ring = slot.ring().as_any();
        let drive = decl.source.as_ref().and_then(|source| source.drive(&ring, &Arc::default()));
        let Some(acequia_sdk::__private::core::source::SourceDrive::Poll { interval: every, .. }) = drive
        else {
            panic!("a polling accumulator is polled");
        };
        assert_eq!(every.as_millis(), interval);
        assert_eq!(decl.kind, Kind::Polling);
    }
}

#[batch_accumulator(flush_interval = "1s", max_buffer_size = 2)]
fn batched(events: &[u64]) -> Option<u64> {
    Some(events.iter().sum())
}

#[batch_accumulator(max_buffer_size = 3)]
fn batched_by_value(events: Vec<u64>) -> Result<Vec<u64>, String> {
    Ok(events)
}

#[test]
fn batch_is_flushed_whole() {
    assert_eq!(boundaries::<u64, u64>(&batched::decl(), vec![1, 2, 3]).iter().sum::<u64>(), 6);
    assert_eq!(boundaries::<u64, Vec<u64>>(&batched_by_value::decl(), vec![1, 2]), [vec![1, 2]]);
    assert_eq!(batched::decl().kind, Kind::Batch);
}

#[state_accumulator(capacity = 2, ring_capacity = 9)]
fn recent(value: u64) -> u64 {
    value
}

#[state_accumulator(capacity = -1)]
fn all(value: &u64) -> Option<u64> {
    Some(*value).filter(|value| *value > 1)
}

#[test]
fn state_emits_its_window() {
    let decl = recent::decl();

    assert_eq!(boundaries::<u64, Vec<u64>>(&decl, vec![1, 2, 3]), [vec![1], vec![1, 2], vec![2, 3]]);
    assert_eq!((decl.capacity, decl.kind), (9, Kind::State));
    assert_eq!(boundaries::<u64, Vec<u64>>(&all::decl(), vec![1, 2, 3]), [vec![2], vec![2, 3]]);
}

#[derive(Clone, Serialize, Deserialize)]
struct Tick {
    at: i64,
    price: u64,
}

fn tick_time(tick: &Tick) -> Timestamp {
    Timestamp::from_millis(tick.at)
}

#[window_accumulator(tumbling = "1s", time = tick_time, lateness = "5m")]
fn bars(span: Span, events: &[Tick]) -> (i64, u64) {
    (span.start.as_millis(), events.iter().map(|tick| tick.price).sum())
}

#[window_accumulator(sliding = "2s", slide = "1s", time = |tick: &Tick| Timestamp::from_millis(tick.at))]
fn overlapping(events: &[Tick]) -> Result<Option<usize>, String> {
    Ok(Some(events.len()))
}

#[window_accumulator(session = "30s", time = |tick| tick_time(tick))]
fn sessions(events: &[Tick]) -> Option<usize> {
    Some(events.len())
}

#[test]
fn window_groups_by_event_time() {
    let ticks =
        || vec![Tick { at: 100, price: 1 }, Tick { at: 1_200, price: 2 }, Tick { at: 1_300, price: 3 }];

    assert_eq!(boundaries::<Tick, (i64, u64)>(&bars::decl(), ticks()), [(0, 1), (1_000, 5)]);
    assert_eq!(boundaries::<Tick, usize>(&overlapping::decl(), ticks()), [1, 3, 2]);
    assert_eq!(boundaries::<Tick, usize>(&sessions::decl(), ticks()), [3]);
    assert_eq!(bars::decl().kind, Kind::Window);
}
