//! Bugs that the models found, each as the short story that showed it.

use super::harness::{Rig, Row, Seen, criteria_of, recorder};
use acequia_core::accumulator::{AccumulatorDecl, Kind, Passthrough, Reply};
use acequia_core::graph::{GraphBuilder, View};
use acequia_core::reactor::{ReactorDecl, Strategy};
use acequia_core::ring::Ring;
use acequia_core::{FiringId, Overflow};
use std::sync::{Arc, OnceLock};

fn sequential(capacities: &[usize], named: &[usize], needed: usize) -> Rig {
    Rig::new(capacities, Overflow::Block, criteria_of(named, needed), Strategy::Sequential)
}

fn push(rig: &Rig, source: usize, values: impl IntoIterator<Item = u64>) {
    values.into_iter().for_each(|value| assert!(rig.rings[source].try_push(value).is_ok()));
}

fn row(values: &[u64]) -> Row {
    values.iter().map(|value| Some(*value)).collect()
}

/// The turn that made room in the column said that there was nothing more to do, and the ring, which
/// was not empty, did not ring again.
#[test]
fn events_behind_a_full_column_go_on_once_it_has_room() {
    let mut rig = sequential(&[1], &[0], 1);
    rig.cell.pause();
    for value in 0..3 {
        push(&rig, 0, [value]);
        rig.settle();
    }
    rig.cell.resume();
    rig.turn();

    rig.settle();

    assert_eq!(rig.seen(), [row(&[0]), row(&[1]), row(&[2])]);
}

/// The same for a column that was full of boundaries waiting for partners.
#[test]
fn pairs_behind_a_full_column_fire_once_it_has_room() {
    let mut rig = sequential(&[1, 8], &[0, 1], 2);
    for value in 0..3 {
        push(&rig, 0, [value]);
        rig.settle();
    }
    push(&rig, 1, [10, 11, 12]);

    rig.settle();

    assert_eq!(rig.seen(), [row(&[0, 10]), row(&[1, 11]), row(&[2, 12])]);
}

/// A source that had more in hand than a turn handles drew nothing, so that the other source's event
/// passed those that waited in its ring.
#[test]
fn an_event_in_a_ring_goes_before_a_newer_one_of_another_source() {
    let mut rig = sequential(&[400, 400], &[0, 1], 1);
    push(&rig, 0, 0..300);
    rig.turn();
    push(&rig, 0, [300]);
    push(&rig, 1, [301]);

    rig.settle();

    let seen = rig.seen();
    assert_eq!(seen.len(), 302);
    assert_eq!(seen[300], [Some(300), None]);
    assert_eq!(seen[301], row(&[300, 301]));
}

/// Both pushes happen after the first source drew and before the second does.
#[test]
fn pushes_between_two_draws_of_a_turn_keep_their_order() {
    type Rings = Arc<OnceLock<Vec<Arc<Ring<u64>>>>>;
    let rings = Rings::default();
    let others = Arc::clone(&rings);
    let first = AccumulatorDecl::new("s0", Kind::Passthrough, move || {
        let others = Arc::clone(&others);
        Passthrough::<u64, u64, _>::new(move |event: &u64| {
            if *event == 0 {
                let rings = others.get().unwrap();
                rings[0].try_push(1).unwrap();
                rings[1].try_push(2).unwrap();
            }
            Ok(Reply::Ready(Some(*event)))
        })
    });
    let accumulators = vec![first, AccumulatorDecl::passthrough::<u64>("s1")];
    let decl = ReactorDecl::new("r", accumulators, criteria_of(&[0, 1], 1)).strategy(Strategy::Sequential);
    let mut rig = Rig::over(decl);
    assert!(rings.set(rig.rings.clone()).is_ok());
    push(&rig, 0, [0]);

    rig.settle();

    assert_eq!(rig.seen(), [vec![Some(0), None], vec![Some(1), None], row(&[1, 2])]);
}

/// A paused reactor's column was full: what waited in its ring was passed by another source.
#[test]
fn a_pause_with_a_full_column_keeps_the_order_of_arrival() {
    let mut rig = sequential(&[1, 8], &[0, 1], 1);
    rig.cell.pause();
    for value in 0..3 {
        push(&rig, 0, [value]);
        rig.turn();
    }
    push(&rig, 1, [10]);
    rig.turn();
    rig.cell.resume();
    rig.turn();

    rig.settle();

    let firsts: Vec<Option<u64>> = rig.seen().into_iter().map(|row| row[0]).collect();
    assert_eq!(firsts, [Some(0), Some(1), Some(2), Some(2)]);
    assert_eq!(rig.seen()[3], row(&[2, 10]));
}

/// Two of three: what waits behind a full column is older than what came after its last partner.
#[test]
fn k_of_pairs_by_arrival_behind_a_full_column() {
    let mut rig = sequential(&[1, 8, 8], &[0, 1, 2], 2);
    for value in 0..3 {
        push(&rig, 0, [value]);
        rig.settle();
    }
    push(&rig, 1, [10, 11, 12]);
    push(&rig, 2, [20]);

    rig.settle();

    let seen = rig.seen();
    assert_eq!(seen.len(), 3, "the third of the first source is older than 20, and took 12");
    assert_eq!(seen[2], [Some(2), Some(12), None]);
}

/// A branch's branch was drawn from the outer branch, which is no node, and the graph was refused.
#[test]
fn a_branch_of_a_branch_starts_at_the_node_that_decided() {
    let mut graph = GraphBuilder::new("g");
    let source = graph.source::<u64>("s0");
    let decide = graph.node("decide", (source.optional(),), |(value,)| value.copied());
    let some = graph.branch(decide, "Some", |value| *value);
    let even = graph.branch(some, "Even", |value| (value % 2 == 0).then_some(*value));
    let send = graph.node("send", (even,), |(value,)| *value);
    graph.terminal(send);

    let decl = graph.build().unwrap();

    let edge = &decl.topology.edges[1];
    assert_eq!((edge.from.as_str(), edge.to.as_str()), ("decide", "send"));
    assert_eq!(edge.variant.as_deref(), Some("Some.Even"));
}

/// A graph that reads nothing lost what was delivered to it: its firings are rows of no width.
#[test]
fn a_graph_without_inputs_gets_its_deliveries() {
    let mut rig = sequential(&[8], &[0], 1);
    rig.bind(recorder("elsewhere", 0, &Seen::default()));
    rig.cell.detach(&"elsewhere".into()).unwrap();
    push(&rig, 0, 0..3);
    rig.settle();

    let batch = rig.cell.delivery(&"elsewhere".into()).unwrap().take(rig.now).unwrap();

    assert_eq!(batch.len(), 3);
    assert_eq!(View::new(&batch.columns, &[], &batch.rows, FiringId(0)).len(), 3);
}

/// It said so until somebody took nothing.
#[test]
fn nothing_waits_after_a_delivery_ring_was_given_up() {
    let mut rig = sequential(&[8], &[0], 1);
    rig.bind(recorder("elsewhere", 1, &Seen::default()));
    rig.cell.detach(&"elsewhere".into()).unwrap();
    push(&rig, 0, 0..3);
    rig.settle();
    let delivery = rig.cell.delivery(&"elsewhere".into()).unwrap();
    assert!(delivery.has_waiting());

    let mut letters = Vec::new();
    delivery.give_up(acequia_core::ledger::Dropped::Unbound, rig.now, &mut letters);

    assert!(!delivery.has_waiting());
    assert_eq!(letters.len(), 3);
}
