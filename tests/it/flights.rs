//! `flights`, the main example, against the plain loop over the same file.

use acequia_examples::flights::{Flown, Options, chaos, report, run};
use acequia_examples::{plain, slices};
use std::collections::HashSet;

/// Departures in the slice.
const ROWS: u64 = 80_000;

async fn flown(chaos: Option<u64>) -> Flown {
    let options = Options { path: slices::flights(), chaos, durable: None, rate: None };
    run(&options, |_| ()).await.expect("the departures of the slice come through")
}

#[tokio::test]
async fn flights_table_is_that_of_the_plain_loop() {
    let flown = flown(None).await;

    let expected = plain::sum(&slices::flights(), &HashSet::new()).unwrap();
    assert_eq!(flown.gathered.summary, expected);
    assert_eq!(flown.gathered.summary.rows, ROWS);
    assert!(flown.dead.is_empty());
}

#[tokio::test]
async fn flights_ledger_balances_with_nothing_left() {
    let flown = flown(None).await;

    assert_eq!(flown.ledger.check(), Ok(()));
    assert_eq!((flown.ledger.accepted, flown.ledger.settled()), (ROWS, ROWS));
    assert_eq!((flown.ledger.dropped(), flown.ledger.unsettled), (0, 0));
    assert_eq!(flown.firings["Departures"], ROWS);
    assert_eq!(flown.firings["Hours"], flown.firings["Bulletin"]);
    assert_eq!(flown.firings["Bulletin"], flown.gathered.n_bulletins);
}

#[tokio::test]
async fn flights_under_chaos_is_the_plain_loop_without_the_dead_rows() {
    chaos::silence();

    let flown = flown(Some(7)).await;

    let dead = flown.dead_rows();
    assert!(!dead.is_empty() && dead.len() == flown.dead.len(), "{} rows died", dead.len());
    let expected = plain::sum(&slices::flights(), &dead).unwrap();
    assert_eq!(flown.gathered.summary, expected);
    assert_eq!(flown.deliveries.check(), Ok(()));
    assert_eq!(flown.deliveries.dropped(), dead.len() as u64);
}

#[tokio::test]
async fn flights_dies_on_the_same_rows_by_the_same_seed() {
    chaos::silence();

    let (first, second, other) = (flown(Some(1)).await, flown(Some(1)).await, flown(Some(2)).await);

    assert_eq!(first.dead_rows(), second.dead_rows());
    assert_ne!(first.dead_rows(), other.dead_rows());
}

#[tokio::test]
async fn flights_report_holds_every_origin_in_order() {
    let flown = flown(None).await;

    let report = serde_json::to_value(report::Report::from(&flown)).unwrap();

    let airports = report["airports"].as_array().unwrap();
    let origins: Vec<&str> = airports.iter().map(|airport| airport["origin"].as_str().unwrap()).collect();
    assert!(origins.is_sorted() && origins.len() == flown.gathered.summary.airports.len());
    let flights: u64 = airports.iter().map(|airport| airport["flights"].as_u64().unwrap()).sum();
    let alerts = ["severe", "late", "on_time"].map(|branch| report["alerts"][branch].as_u64().unwrap());
    assert_eq!((flights, alerts.iter().sum(), report["rows"].as_u64().unwrap()), (ROWS, ROWS, ROWS));
    let ledger = serde_json::json!({ "accepted": ROWS, "settled": ROWS, "dropped": 0, "unsettled": 0 });
    assert_eq!(report["ledger"], ledger);
}
