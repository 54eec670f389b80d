//! Typed handles on accumulators that take bytes.

use super::{Other, Quote, package, quote, quotes, source};
use acequia::testing::{Probe, TestEngine};
use acequia::{Dropped, LookupError, PushError};
use acequia_tests::echo;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

async fn started() -> (TestEngine, Probe<Quote>) {
    let probe = Probe::<Quote>::new();
    let package = package(source(true).capacity(4), echo::<Quote>("g", "n"));
    let engine = TestEngine::builder().package(package).probe("g", "out", &probe).start().await;
    (engine, probe)
}

#[tokio::test(start_paused = true)]
async fn every_way_to_push_encodes_and_keeps_the_order() {
    let (engine, probe) = started().await;
    let handle = engine.accumulator::<Quote>("n").unwrap();

    handle.push(quote(0)).await.unwrap();
    handle.try_push(quote(1)).unwrap();
    assert_eq!(handle.len(), 2);
    assert_eq!(handle.push_batch((2..30).map(quote)).await.unwrap(), 28);
    handle.clone().push(quote(30)).await.unwrap();
    engine.settle().await;
    handle.push_inline(quote(31)).unwrap();
    let blocking = handle.clone();
    std::thread::spawn(move || blocking.push_blocking(quote(32)).unwrap()).join().unwrap();

    assert_eq!(probe.expect(33).await, quotes(33));
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_comes_back_as_it_was() {
    let (engine, _) = started().await;
    let handle = engine.accumulator::<Quote>("n").unwrap();
    for number in 0..4 {
        handle.try_push(quote(number)).unwrap();
    }
    let Err(PushError::Full { item, .. }) = handle.try_push(quote(4)) else { panic!("it took a fifth") };
    assert_eq!(item, quote(4));

    engine.shutdown(std::time::Duration::from_secs(10)).await;
    assert_eq!(handle.push(quote(5)).await.unwrap_err().into_item(), quote(5));
    assert_eq!(handle.try_push(quote(6)).unwrap_err().into_item(), quote(6));
    assert_eq!(handle.push_inline(quote(7)).unwrap_err().into_item(), quote(7));
    assert_eq!(handle.push_batch(quotes(3)).await.unwrap_err().into_item(), quotes(3));
}

#[tokio::test(start_paused = true)]
async fn a_handle_of_another_schema_is_refused() {
    let (engine, _) = started().await;
    let refused = engine.accumulator::<Other>("n");
    assert!(matches!(refused.err(), Some(LookupError::OtherType { .. })));
}

/// Refuses to be serialised once it holds more than one entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Picky {
    #[serde(serialize_with = "one_at_most")]
    entries: HashMap<String, u8>,
}

fn one_at_most<S: serde::Serializer>(entries: &HashMap<String, u8>, to: S) -> Result<S::Ok, S::Error> {
    if entries.len() > 1 {
        return Err(serde::ser::Error::custom("too many entries"));
    }
    entries.serialize(to)
}

#[tokio::test(start_paused = true)]
async fn an_event_that_refuses_to_be_encoded_comes_back() {
    let decl = acequia::AccumulatorDecl::passthrough::<Picky>("n");
    let package = package(acequia_tests::accumulator_behind_bytes(decl), echo::<Picky>("g", "n"));
    let engine = TestEngine::builder().package(package).start().await;
    let handle = engine.accumulator::<Picky>("n").unwrap();
    let picky = Picky { entries: [("a".to_owned(), 1), ("b".to_owned(), 2)].into() };

    let Err(PushError::Unencodable { item, source }) = handle.try_push(picky.clone()) else {
        panic!("taken")
    };
    assert_eq!(item, picky);
    assert!(source.to_string().contains("too many entries"), "{source}");
    assert_eq!(handle.push(picky.clone()).await.unwrap_err().into_item(), picky);
    assert_eq!(handle.push_batch([picky.clone()]).await.unwrap_err().into_item(), [picky]);

    engine.assert_ledger().await;
    assert_eq!(engine.ledger().await.edge("R/events/n").unwrap().dropped_for(Dropped::Undecodable), 0);
}
