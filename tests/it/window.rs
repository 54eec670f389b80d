//! Window: events grouped by their own time.

use acequia::{
    AccumulatorDecl, AccumulatorDef, Dropped, Failure, Kind, Span, Strategy, Timestamp, Window, WindowShape,
    window_accumulator,
};
use acequia_tests::{single, started};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A pane as start, end and times, in seconds.
type Pane = (i64, i64, Vec<i64>);

type Late = Arc<Mutex<Vec<i64>>>;

/// A window `w` over events that are their own time in seconds, which emits its panes.
fn window(shape: WindowShape, lateness: u64, late: &Late) -> AccumulatorDecl {
    let late = Arc::clone(late);
    AccumulatorDecl::new("w", Kind::Window, move || {
        let late = Arc::clone(&late);
        let time = |event: &i64| Timestamp::from_millis(event * 1000);
        let close = |span: Span, events: &[i64]| {
            let (start, end) = (span.start.as_millis() / 1000, span.end.as_millis() / 1000);
            Ok::<_, Failure>(Some((start, end, events.to_vec())))
        };
        Window::new(shape, Duration::from_secs(lateness), time, close)
            .late_output(Box::new(move |event| late.lock().unwrap().push(event)))
    })
}

/// Push `times`, compare the panes that close by themselves, then those of a flush, then the late ones.
async fn check(shape: WindowShape, lateness: u64, times: &[i64], panes: &str, flushed: &str, late: &[i64]) {
    let seen = Late::default();
    let package = single::<Pane>(window(shape, lateness, &seen), Strategy::Sequential);
    let (engine, probe) = started::<Pane>(package).await;
    engine.push_all("w", times.to_vec()).await;
    engine.assert_ledger().await;
    let told = |panes: &[Pane]| {
        let texts = panes.iter().map(|(start, end, times)| format!("{start}..{end} {times:?}"));
        texts.collect::<Vec<_>>().join("; ")
    };
    let closed = probe.all();
    assert_eq!(told(&closed), panes, "{shape:?}: {times:?}");

    engine.reactor("R").unwrap().flush().await;
    engine.assert_settled().await;
    assert_eq!(told(&probe.all()[closed.len()..]), flushed, "flush of {shape:?}: {times:?}");
    assert_eq!(*seen.lock().unwrap(), late);
    let events = engine.ledger().await.edge("R/events/w").unwrap();
    assert_eq!(events.dropped_for(Dropped::Late), late.len() as u64);
    engine.assert_ledger().await;
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test(start_paused = true)]
async fn tumbling_panes_lie_side_by_side_and_close_when_time_passes_them() {
    let shape = WindowShape::Tumbling { size: seconds(10) };
    check(shape, 0, &[1, 9, 10, 25], "0..10 [1, 9]; 10..20 [10]", "20..30 [25]", &[]).await;
    check(shape, 0, &[1, 2], "", "0..10 [1, 2]", &[]).await;
    check(shape, 0, &[-1, 0, 10], "-10..0 [-1]; 0..10 [0]", "10..20 [10]", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn sliding_panes_overlap() {
    let shape = WindowShape::Sliding { size: seconds(10), slide: seconds(5) };
    let panes = "-5..5 [1]; 0..10 [1, 7]; 5..15 [7, 12]";
    check(shape, 0, &[1, 7, 12, 15], panes, "10..20 [12, 15]; 15..25 [15]", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_where_no_event_came() {
    let shape = WindowShape::Session { gap: seconds(5) };
    check(shape, 0, &[1, 4, 20, 22, 40], "1..9 [1, 4]; 20..27 [20, 22]", "40..45 [40]", &[]).await;
    // 8 joins 4 and 12, which were apart.
    check(shape, 20, &[4, 12, 8], "", "4..17 [4, 12, 8]", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn lateness_keeps_panes_open_and_what_comes_later_still_is_counted() {
    let shape = WindowShape::Tumbling { size: seconds(10) };
    check(shape, 5, &[1, 12, 2, 15, 3], "0..10 [1, 2]", "10..20 [12, 15]", &[3]).await;
    check(shape, 0, &[1, 12, 2, 11], "0..10 [1]", "10..20 [12, 11]", &[2]).await;
    let session = WindowShape::Session { gap: seconds(5) };
    check(session, 0, &[1, 20, 2], "1..6 [1]", "20..25 [20]", &[2]).await;
}

#[window_accumulator(tumbling = "10s", time = |time: &i64| Timestamp::from_millis(time * 1000), lateness = "5s")]
fn busy(times: &[i64]) -> Option<usize> {
    (times.len() > 1).then_some(times.len())
}

#[tokio::test(start_paused = true)]
async fn events_stay_unsettled_until_their_last_pane_closes() {
    let (engine, probe) = started::<usize>(single::<usize>(busy::decl(), Strategy::Sequential)).await;

    engine.push_all("busy", [1_i64, 2, 11]).await;
    engine.settle().await;
    assert_eq!(engine.unsettled().await.n(), 3);
    engine.push("busy", 40_i64).await;

    assert_eq!(probe.expect(1).await, [2]);
    engine.settle().await;
    let events = engine.ledger().await.edge("R/events/busy").unwrap();
    assert_eq!((events.unsettled, events.settled()), (1, 3), "the pane of 11 was filtered");
    let report = engine.shutdown(seconds(5)).await;
    assert!(report.unsettled.is_empty());
    report.ledger.check().unwrap();
}
