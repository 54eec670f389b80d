//! Overflow policies: of an accumulator's ring, and towards subscribers.

use acequia::testing::{Probe, TestEngine, faults};
use acequia::{
    AccumulatorDecl, Dropped, Entry, Outcome, Overflow, Package, PushError, ReactorDecl, Settled, Strategy,
    when_any,
};
use acequia_tests::{echo, single, started};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// A ring for three numbers under `overflow`, over which 1 to 7 were pushed before anybody could draw.
async fn pushed_over(overflow: Overflow) -> (TestEngine, Vec<u64>, Entry) {
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").capacity(3).overflow(overflow);
    let (engine, probe) = started::<u64>(single::<u64>(accumulator, Strategy::Sequential)).await;
    engine.settle().await;
    let numbers = engine.accumulator::<u64>("n").unwrap();
    for n in 1..=7 {
        numbers.try_push(n).unwrap();
    }
    engine.assert_settled().await;
    engine.assert_ledger().await;
    let events = engine.ledger().await.edge("R/events/n").unwrap();
    assert_eq!(events.accepted, 7, "{overflow:?}");
    (engine, probe.all(), events)
}

#[tokio::test(start_paused = true)]
async fn a_full_ring_that_blocks_answers_full_with_a_time_and_a_push_waits_for_room() {
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").capacity(3);
    let (engine, probe) = started::<u64>(single::<u64>(accumulator, Strategy::Sequential)).await;
    let numbers = engine.accumulator::<u64>("n").unwrap();
    for n in 1..=3 {
        numbers.try_push(n).unwrap();
    }

    let refused = numbers.try_push(4).unwrap_err();

    let PushError::Full { item: 4, retry_after } = refused else { panic!("{refused}") };
    assert!(retry_after > Duration::ZERO);
    assert_eq!(numbers.len(), 3, "nothing was counted");
    let text = refused.to_string();
    assert!(
        text.starts_with("E0120: the edge is full; try again in ") && text.ends_with("or await `push`"),
        "{text}"
    );
    numbers.push(4).await.unwrap();
    assert_eq!(numbers.push_batch(5..100).await.unwrap(), 95);
    assert_eq!(probe.expect(99).await, (1..100).collect::<Vec<_>>());
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_ring_drops_newest_or_oldest_and_counts_them() {
    let (_engine, passed, events) = pushed_over(Overflow::DropNewest).await;
    assert_eq!((passed, events.dropped_for(Dropped::Overflow)), (vec![1, 2, 3], 4));

    let (_engine, passed, events) = pushed_over(Overflow::DropOldest).await;
    assert_eq!((passed, events.dropped_for(Dropped::Overflow)), (vec![5, 6, 7], 4));
}

#[tokio::test(start_paused = true)]
async fn a_full_ring_that_coalesces_keeps_the_newest_and_counts_the_others_as_superseded() {
    let (_engine, passed, events) = pushed_over(Overflow::Coalesce).await;

    assert_eq!(passed, [7], "1 to 3 gave way to 4, and 4 to 6 to 7");
    assert_eq!((events.settled_as(Settled::Superseded), events.dropped()), (6, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_ring_that_dead_letters_keeps_each_event_with_its_value() {
    let (engine, passed, events) = pushed_over(Overflow::DeadLetter).await;

    assert_eq!((passed, events.dropped_for(Dropped::Overflow)), (vec![1, 2, 3], 4));
    let letters = engine.dead_letters().list();
    let told: Vec<_> = letters.iter().map(|letter| (letter.place.as_str(), letter.value.as_u64())).collect();
    let wanted: Vec<_> = (4..=7).map(|n| ("accumulator n", Some(n))).collect();
    assert_eq!(told, wanted);
    engine.replay(letters[0].id).await.unwrap();
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

/// Reactor `R` over `n`; graph `g`, which is elsewhere and has room for two firings, sleeps for a day at
/// its first; graph `h` is its sibling. 1 to 6, or fewer, were pushed one after another.
struct Subscribers {
    engine: TestEngine,
    slow: Probe<u64>,
    sibling: Probe<u64>,
}

async fn subscribers(strategy: Strategy, overflow: Option<Overflow>) -> Subscribers {
    subscribers_after(6, strategy, overflow).await
}

async fn subscribers_after(n: u64, strategy: Strategy, overflow: Option<Overflow>) -> Subscribers {
    let numbers = AccumulatorDecl::passthrough::<u64>("n");
    let reactor = ReactorDecl::new("R", vec![numbers], when_any(["n"])).strategy(strategy);
    let mut graph = faults().sleep_at(0, DAY).wrap(echo::<u64>("g", "n")).delivery_capacity(2);
    if let Some(overflow) = overflow {
        graph = graph.overflow(overflow);
    }
    let package =
        Package::new("p").reactor(reactor).graph(graph.on("R")).graph(echo::<u64>("h", "n").on("R"));
    let (slow, sibling) = (Probe::new(), Probe::new());
    let builder = TestEngine::builder().package(package).probe("g", "out", &slow).probe("h", "out", &sibling);
    let engine = builder.start().await;
    for n in 1..=n {
        engine.push("n", n).await;
        engine.settle().await;
    }
    engine.assert_ledger().await;
    Subscribers { engine, slow, sibling }
}

impl Subscribers {
    /// Let the day pass: what the slow graph and its sibling got, and the slow one's edge.
    async fn end(&self) -> (Vec<u64>, Vec<u64>, Entry) {
        self.engine.advance(DAY).await;
        self.engine.assert_settled().await;
        self.engine.assert_ledger().await;
        let entry = self.engine.ledger().await.edge("R/deliveries/g").unwrap();
        (self.slow.all(), self.sibling.all(), entry)
    }

    /// How firings 3 to 6 (from 1) ended for the slow graph.
    async fn last_outcomes(&self) -> Vec<Outcome> {
        let firings = self.engine.reactor("R").unwrap().firings(4).await;
        firings.iter().map(|firing| firing.outcomes[0].outcome.clone()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn towards_a_full_subscriber_latest_coalesces() {
    let all = subscribers(Strategy::Latest, None).await;
    let (slow, sibling, entry) = all.end().await;
    assert_eq!((slow, sibling), (vec![1, 6], vec![1, 2, 3, 4, 5, 6]));
    assert_eq!((entry.settled_as(Settled::Superseded), entry.dropped()), (4, 0));
    let superseded = Outcome::Superseded;
    let wanted = [superseded.clone(), superseded.clone(), superseded, Outcome::Completed];
    assert_eq!(all.last_outcomes().await, wanted);
}

#[tokio::test(start_paused = true)]
async fn towards_a_full_subscriber_sequential_dead_letters_what_can_be_replayed() {
    let all = subscribers(Strategy::Sequential, None).await;
    let (slow, sibling, entry) = all.end().await;
    assert_eq!((slow, sibling), (vec![1, 2, 3], vec![1, 2, 3, 4, 5, 6]));
    assert_eq!(entry.dropped_for(Dropped::Overflow), 3);
    let dropped = Outcome::Dropped(Dropped::Overflow);
    assert_eq!(all.last_outcomes().await, [Outcome::Completed, dropped.clone(), dropped.clone(), dropped]);

    let letters = all.engine.dead_letters().list();
    let told: Vec<_> = letters.iter().map(|l| (l.place.as_str(), l.item, l.value.clone())).collect();
    let wanted: Vec<_> = (4..=6).map(|n| ("graph g", n - 1, serde_json::json!([n]))).collect();
    assert_eq!(told, wanted);
    for letter in letters {
        all.engine.replay(letter.id).await.unwrap();
    }
    assert_eq!(all.slow.expect(6).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(all.sibling.len(), 6, "a replay is for the graph that missed it alone");
    all.engine.assert_settled().await;
    all.engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn towards_a_full_subscriber_the_oldest_or_the_newest_are_dropped_and_counted() {
    for (overflow, wanted) in [(Overflow::DropOldest, vec![1, 5, 6]), (Overflow::DropNewest, vec![1, 2, 3])] {
        let all = subscribers(Strategy::Sequential, Some(overflow)).await;
        let (slow, sibling, entry) = all.end().await;
        assert_eq!((slow, sibling), (wanted, vec![1, 2, 3, 4, 5, 6]), "{overflow:?}");
        assert_eq!(entry.dropped_for(Dropped::Overflow), 3);
        assert!(all.engine.dead_letters().is_empty());
        let outcomes = all.last_outcomes().await;
        let dropped = outcomes.iter().filter(|outcome| **outcome == Outcome::Dropped(Dropped::Overflow));
        assert_eq!(dropped.count(), if overflow == Overflow::DropOldest { 2 } else { 3 });
    }
}

#[tokio::test(start_paused = true)]
async fn towards_a_full_subscriber_block_loses_nothing_and_stalls_its_siblings() {
    for strategy in [Strategy::Sequential, Strategy::Latest] {
        let all = subscribers(strategy, Some(Overflow::Block)).await;
        assert_eq!(all.sibling.all(), [1, 2, 3], "{strategy:?}");
        let refused = all.engine.reactor("R").unwrap().fire().await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "E0323: reactor R waits for room at a subscriber; try again when it has caught up"
        );
        let (slow, sibling, entry) = all.end().await;
        let wanted = if strategy == Strategy::Sequential { vec![1, 2, 3, 4, 5, 6] } else { vec![1, 2, 3, 6] };
        assert_eq!((&slow, &sibling), (&wanted, &wanted));
        assert_eq!(entry.dropped(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn firing_by_hand_asks_a_subscriber_that_blocks_for_room_as_well() {
    // One firing in hand and two that wait: full, and nothing yet waits for it.
    let all = subscribers_after(3, Strategy::Sequential, Some(Overflow::Block)).await;
    let refused = all.engine.reactor("R").unwrap().fire().await.unwrap_err();
    assert!(refused.to_string().starts_with("E0323"), "{refused}");
    let (slow, sibling, entry) = all.end().await;
    assert_eq!((slow, sibling, entry.dropped()), (vec![1, 2, 3], vec![1, 2, 3], 0));
}
