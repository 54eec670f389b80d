//! Shapes without branches.

use crate::harness::{Run, fire_without_sources};
use acequia_sdk::{GraphDef, GraphPlacement, Presence, computation_graph};

#[computation_graph(graph = { single(raw) })]
mod single_node {
    pub(crate) fn single(raw: Option<&u64>) -> u64 {
        raw.map_or(0, |raw| raw * 2)
    }
}

#[test]
fn single_node_runs() {
    let decl = single_node::graph();

    let mut ran = Run::default().with([1_u64, 2]).fire(&decl);

    assert_eq!(ran.output::<u64>(0), [2, 4]);
    assert_eq!(decl.name.as_str(), "single_node");
    assert!(decl.reactor.is_none());
    assert_eq!(decl.inputs[0].presence, Presence::Optional);
    assert_eq!(single_node::Graph::NAME, "single_node");
}

#[computation_graph(
    trigger = reactor("PriceReactor"),
    name = "pricing",
    deadline = "1500ms",
    overflow = drop_oldest,
    attempts = 5,
    detached,
    graph = { score(raw) -> publish, publish -> out }
)]
mod chain {
    fn score(raw: &u64) -> u64 {
        raw + 1
    }

    fn publish(score: &u64) -> String {
        format!("<{score}>")
    }

    fn out(text: &String) -> usize {
        text.len()
    }
}

#[test]
fn chain_runs_and_keeps_its_options() {
    let decl = chain::Graph::decl();

    let mut ran = Run::default().with([9_u64]).fire(&decl);

    assert_eq!(ran.output::<usize>(0), [4]);
    assert_eq!(decl.name.as_str(), "pricing");
    assert_eq!(decl.reactor.as_ref().map(|name| name.as_str()), Some("PriceReactor"));
    assert_eq!(decl.deadline, Some(std::time::Duration::from_millis(1_500)));
    assert_eq!(decl.overflow, Some(acequia_sdk::Overflow::DropOldest));
    assert_eq!(decl.budget.attempts, 5);
    assert_eq!(decl.placement, GraphPlacement::Detached);
    assert_eq!(decl.inputs[0].presence, Presence::Required);
    assert_eq!(decl.topology.nodes, ["score", "publish", "out"]);
    assert_eq!(decl.topology.edges.len(), 3);
}

#[computation_graph(graph = {
    split(raw) -> left,
    split -> right,
    left -> join,
    right -> join,
})]
mod diamond {
    fn split(raw: &i64) -> i64 {
        *raw
    }

    fn left(value: &i64) -> i64 {
        value + 1
    }

    fn right(value: &i64) -> String {
        format!("{value}")
    }

    fn join(left: &i64, right: &String) -> String {
        format!("{left}/{right}")
    }
}

#[test]
fn diamond_joins_in_declared_edge_order() {
    let mut ran = Run::default().with([5_i64, 6]).fire(&diamond::graph());

    assert_eq!(ran.output::<String>(0), ["6/5", "7/6"]);
}

#[computation_graph(graph = { feed(raw) -> [first, second], feed -> third })]
mod fan_out {
    fn feed(raw: &u64) -> u64 {
        *raw
    }

    fn first(value: &u64) -> u64 {
        value + 1
    }

    fn second(value: &u64) -> u64 {
        value + 2
    }

    fn third(_: &u64) {}
}

#[test]
fn fan_out_has_several_terminals() {
    let decl = fan_out::graph();

    let mut ran = Run::default().with([10_u64]).fire(&decl);

    let names: Vec<&str> = decl.terminals.iter().map(|terminal| terminal.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    assert_eq!(
        (ran.output::<u64>(0), ran.output::<u64>(1), ran.output::<()>(2)),
        (vec![11], vec![12], vec![()])
    );
}

#[computation_graph(graph = { b(beta) -> join, a(alpha) -> join, join(alpha) })]
mod fan_in {
    fn a(alpha: Option<&u64>) -> u64 {
        alpha.copied().unwrap_or(0)
    }

    fn b(beta: Option<&String>) -> String {
        beta.cloned().unwrap_or_default()
    }

    // A source and two upstreams.
    fn join(alpha: &u64, b: &String, a: &u64) -> String {
        format!("{alpha}{b}{a}")
    }
}

#[test]
fn fan_in_takes_sources_first_then_edges() {
    let decl = fan_in::graph();

    let mut ran = Run::default().with(["x".to_owned()]).with([3_u64, 4]).fire(&decl);

    assert_eq!(ran.output::<String>(0), ["3x3", "44"]);
    assert_eq!(decl.inputs[0].accumulator.as_str(), "beta");
    assert_eq!(decl.inputs[0].presence, Presence::Optional);
    assert_eq!(decl.inputs[1].presence, Presence::Required, "one of its readers needs it");
}

#[computation_graph(graph = { work(raw) -> done })]
mod blocking {
    #[node(blocking)]
    fn work(raw: &u64) -> u64 {
        *raw
    }

    fn done(value: &u64) -> u64 {
        *value
    }
}

#[test]
fn blocking_node_moves_its_graph() {
    let decl = blocking::graph();

    assert_eq!(decl.placement, GraphPlacement::Blocking);
    assert_eq!(Run::default().with([1_u64]).fire(&decl).output::<u64>(0), [1]);
}

#[computation_graph(graph = { graph(raw) -> outside })]
mod own_names {
    // Nested modules are the place for what is no node.
    mod inner {
        pub(super) fn twice(value: u64) -> u64 {
            value * 2
        }
    }

    struct Twice(u64);

    fn graph(raw: &u64) -> Twice {
        Twice(inner::twice(*raw))
    }

    fn outside(twice: &Twice) -> u64 {
        twice.0
    }
}

#[test]
fn node_may_be_called_graph() {
    let mut ran = Run::default().with([4_u64]).fire(&own_names::Graph::decl());

    assert_eq!(ran.output::<u64>(0), [8]);
}

#[test]
fn macros_work_inside_a_function() {
    #[computation_graph(graph = { only(raw) })]
    mod local {
        fn only(raw: &u64) -> u64 {
            *raw
        }
    }

    assert_eq!(Run::default().with([4_u64]).fire(&local::graph()).output::<u64>(0), [4]);
}

#[computation_graph(graph = { now -> [tell, note] })]
mod without_sources {
    fn now() -> u64 {
        12
    }

    fn tell(now: &u64) -> Option<u64> {
        Some(*now)
    }

    // A bare alias of `Result` has the output `()`.
    fn note(_now: &u64) -> std::fmt::Result {
        Ok(())
    }
}

#[test]
fn graph_needs_no_sources() {
    let mut ran = fire_without_sources(&without_sources::graph(), 2);

    assert_eq!(ran.output::<Option<u64>>(0), [Some(12), Some(12)]);
    assert_eq!(ran.output::<()>(1), [(), ()]);
}
