//! Supervision: what a crash costs, whom it touches, and how it ends.

mod budget;
mod source;

use acequia::testing::{Probe, TestEngine, faults};
use acequia::{
    AccumulatorDecl, Batch, Component, Engine, FaultBudget, GraphDecl, Health, Kind, Link, Outcome, Overflow,
    Package, ReactorDecl, Strategy, when_any,
};
use acequia_tests::{echo, single, started};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// Package `p`: reactor `R` over `n`, sequential, with `graph` and its sibling `h`.
fn siblings(graph: GraphDecl) -> Package {
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
    let reactor = reactor.strategy(Strategy::Sequential);
    Package::new("p").reactor(reactor).graph(graph).graph(echo::<u64>("h", "n").on("R"))
}

async fn with_siblings(graph: GraphDecl) -> (TestEngine, Probe<u64>, Probe<u64>) {
    let (g, h) = (Probe::new(), Probe::new());
    let builder = TestEngine::builder().package(siblings(graph));
    let engine = builder.probe("g", "out", &g).probe("h", "out", &h).start().await;
    (engine, g, h)
}

/// Crash `component` twice, so that its next restart waits for about 100 ms.
async fn crash_until_it_waits(engine: &TestEngine, component: Component<'_>) {
    assert!(engine.crash(component).await);
    engine.settle().await;
    assert!(engine.crash(component).await);
    engine.settle().await;
}

/// Actor id and status of a child of package `p`.
async fn child(engine: &Engine, name: &str) -> (Option<String>, String) {
    let tree = engine.tree().await;
    let children = tree.iter().flat_map(|(_, children)| children);
    children
        .filter(|child| child.name == name)
        .map(|child| (child.actor.clone(), child.status.clone()))
        .next()
        .unwrap_or_else(|| panic!("{name} is not in {tree:#?}"))
}

async fn link(engine: &TestEngine, graph: &str) -> Option<Link> {
    let subscribers = engine.reactor("R").unwrap().subscribers().await;
    subscribers.into_iter().find(|(name, _)| name.as_str() == graph).map(|(_, link)| link)
}

#[tokio::test(start_paused = true)]
async fn a_panicking_graph_fails_for_itself_and_fires_for_its_siblings_in_the_same_turn() {
    let graph = faults().panic_at(1).wrap(echo::<u64>("g", "n").on("R"));
    let (engine, g, h) = with_siblings(graph.budget(FaultBudget::unlimited(1))).await;
    let before = (child(&engine, "graph g").await, child(&engine, "graph h").await);

    engine.push_all("n", [1_u64, 2, 3]).await;
    engine.settle().await;

    assert_eq!(g.all(), [1, 3]);
    assert_eq!(h.all(), [1, 2, 3]);
    let firings = engine.reactor("R").unwrap().firings(3).await;
    let outcomes: Vec<_> = firings[1].outcomes.iter().map(|o| (o.graph.as_str(), &o.outcome)).collect();
    assert!(matches!(outcomes[0], ("g", Outcome::Failed(failure)) if failure.message.contains("injected")));
    assert!(matches!(outcomes[1], ("h", Outcome::Completed)));
    assert_eq!(firings[0].at, firings[2].at, "all three fired in one turn");
    assert_eq!((child(&engine, "graph g").await, child(&engine, "graph h").await), before);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn firings_of_a_crashed_graph_queue_and_run_in_order_after_its_restart() {
    let (engine, g, h) = with_siblings(echo::<u64>("g", "n").on("R")).await;
    engine.push("n", 0_u64).await;
    crash_until_it_waits(&engine, Component::Graph("g")).await;

    for n in 1..=100_u64 {
        engine.push("n", n).await;
    }
    engine.settle().await;
    assert_eq!(g.all(), [0]);
    assert_eq!(h.len(), 101);
    assert_eq!(engine.ledger().await.edge("R/deliveries/g").unwrap().unsettled, 100);

    engine.advance(150 * MS).await;
    engine.push("n", 101_u64).await;
    engine.assert_settled().await;
    assert_eq!(g.all(), (0..=101).collect::<Vec<_>>());
    assert_eq!(h.all(), g.all());
    engine.assert_ledger().await;
}

/// What reaches a graph that was out while 1 to 5 were pushed, with room for two.
async fn queued_under(overflow: Overflow) -> (Vec<u64>, usize, Vec<u64>) {
    let graph = echo::<u64>("g", "n").on("R").overflow(overflow).delivery_capacity(2);
    let (engine, g, h) = with_siblings(graph).await;
    crash_until_it_waits(&engine, Component::Graph("g")).await;

    engine.push_all("n", 1..=5_u64).await;
    engine.assert_ledger().await;
    let meanwhile = h.all();

    engine.advance(150 * MS).await;
    engine.assert_settled().await;
    engine.assert_ledger().await;
    assert_eq!(h.all(), [1, 2, 3, 4, 5], "{overflow:?}");
    (g.all(), engine.dead_letters().len(), meanwhile)
}

#[tokio::test(start_paused = true)]
async fn what_queues_for_a_crashed_graph_is_under_its_overflow_policy() {
    let all = || vec![1, 2, 3, 4, 5];
    assert_eq!(queued_under(Overflow::DropOldest).await, (vec![4, 5], 0, all()));
    assert_eq!(queued_under(Overflow::DropNewest).await, (vec![1, 2], 0, all()));
    assert_eq!(queued_under(Overflow::Coalesce).await, (vec![5], 0, all()));
    assert_eq!(queued_under(Overflow::DeadLetter).await, (vec![1, 2], 3, all()));
    assert_eq!(queued_under(Overflow::Block).await, (all(), 0, vec![1, 2]), "it stalls siblings, by choice");
}

#[tokio::test(start_paused = true)]
async fn a_link_becomes_a_reservation_until_the_restart() {
    let (engine, _, _) = with_siblings(echo::<u64>("g", "n").on("R")).await;
    assert!(matches!(link(&engine, "g").await, Some(Link::Linked(_))));

    assert!(engine.crash(Component::Graph("g")).await);
    assert!(link(&engine, "g").await.is_some(), "there is no moment without either");
    engine.settle().await;
    assert!(engine.crash(Component::Graph("g")).await);
    engine.settle().await;

    assert_eq!(link(&engine, "g").await, Some(Link::Reserved));
    assert!(matches!(link(&engine, "h").await, Some(Link::Linked(_))));
    engine.advance(150 * MS).await;
    assert!(matches!(link(&engine, "g").await, Some(Link::Linked(_))));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_restarted_reactor_has_its_subscribers_linked_again_and_stays_paused() {
    let (engine, g, _) = with_siblings(echo::<u64>("g", "n").on("R")).await;
    let reactor = engine.reactor("R").unwrap();
    let before = (link(&engine, "g").await, child(&engine, "reactor R").await);
    reactor.pause().await;
    engine.push("n", 1_u64).await;

    assert!(engine.crash(Component::Reactor("R")).await);
    engine.settle().await;

    assert_ne!(child(&engine, "reactor R").await, before.1);
    assert_eq!(link(&engine, "g").await, before.0, "the same actor, linked again");
    assert!(link(&engine, "h").await.is_some());
    assert_eq!(reactor.health().await, Health::Paused);
    engine.push("n", 2_u64).await;
    engine.settle().await;
    assert!(g.is_empty());

    reactor.resume().await;
    assert_eq!(g.expect(2).await, [1, 2]);
    // The new links are real.
    crash_until_it_waits(&engine, Component::Graph("g")).await;
    assert_eq!(link(&engine, "g").await, Some(Link::Reserved));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_restarted_reactor_reserves_the_seat_of_a_graph_that_is_out() {
    let (engine, _, _) = with_siblings(echo::<u64>("g", "n").on("R")).await;
    crash_until_it_waits(&engine, Component::Graph("g")).await;

    assert!(engine.crash(Component::Reactor("R")).await);
    engine.settle().await;

    assert_eq!(link(&engine, "g").await, Some(Link::Reserved));
    assert!(matches!(link(&engine, "h").await, Some(Link::Linked(_))));
    engine.advance(500 * MS).await;
    assert!(matches!(link(&engine, "g").await, Some(Link::Linked(_))));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_reactors_restart_does_not_lift_the_quarantine_of_its_graph() {
    let graph = faults().panic_at(0).wrap(echo::<u64>("g", "n").on("R"));
    let once = FaultBudget { attempts: 1, dead_letters: 1, ..FaultBudget::default() };
    let (engine, g, h) = with_siblings(graph.budget(once)).await;
    engine.push("n", 1_u64).await;
    engine.settle().await;

    for component in [Component::Reactor("R"), Component::Graph("g")] {
        assert!(engine.crash(component).await);
        engine.settle().await;
        engine.push("n", 2_u64).await;
        engine.settle().await;
        assert!(g.is_empty(), "{component:?}");
        assert!(child(&engine, "graph g").await.1.starts_with("quarantined: "), "{component:?}");
    }

    assert!(engine.pardon("p", "graph g").await);
    engine.push("n", 3_u64).await;
    assert_eq!(g.expect(1).await, [3]);
    assert_eq!(h.all(), [1, 2, 2, 3]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_crashed_accumulator_actor_loses_nothing() {
    let batch = || Batch::new(None, 10, |events: &[u64]| Ok(Some(events.iter().sum::<u64>())));
    let package = single::<u64>(AccumulatorDecl::new("n", Kind::Batch, batch), Strategy::Sequential);
    let (engine, sums) = started::<u64>(package).await;
    engine.push_all("n", [1_u64, 2, 3]).await;

    assert!(engine.crash(Component::Accumulator("n")).await);
    engine.push_all("n", [4_u64, 5]).await;
    engine.settle().await;
    engine.push("n", 6_u64).await;

    engine.reactor("R").unwrap().flush().await;
    engine.assert_settled().await;
    assert_eq!(sums.all(), [21]);
    engine.assert_ledger().await;
}
