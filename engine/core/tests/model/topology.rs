//! Topologies: cycles against a naive depth-first search, order against the edges.

use super::harness::cases;
use acequia_core::graph::{Edge, Topology, TopologyError};
use proptest::prelude::*;

fn name(node: usize) -> String {
    format!("n{node}")
}

/// Whether `to` can be reached from `from` over at least one edge.
fn reaches(edges: &[(usize, usize)], from: usize, to: usize, seen: &mut Vec<usize>) -> bool {
    edges.iter().filter(|(start, _)| *start == from).any(|(_, end)| {
        *end == to
            || (!seen.contains(end) && {
                seen.push(*end);
                reaches(edges, *end, to, seen)
            })
    })
}

fn topology(n: usize, edges: &[(usize, usize)]) -> Result<Topology, TopologyError> {
    let edges = edges
        .iter()
        .map(|(from, to)| Edge { from: name(*from), to: name(*to), variant: None })
        .chain((0..n).map(|node| Edge { from: "source".into(), to: name(node), variant: None }))
        .collect();
    Topology::new(vec!["source".into()], (0..n).map(name).collect(), edges)
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_cycle_is_found_exactly_where_there_is_one(
        n in 1..9_usize, edges in proptest::collection::vec((0..9_usize, 0..9_usize), 0..14),
    ) {
        let edges: Vec<_> = edges.into_iter().map(|(from, to)| (from % n, to % n)).collect();
        let cyclic = (0..n).any(|node| reaches(&edges, node, node, &mut Vec::new()));
        match topology(n, &edges) {
            Ok(topology) => {
                prop_assert!(!cyclic);
                let at = |node: usize| topology.nodes.iter().position(|known| *known == name(node)).unwrap();
                prop_assert_eq!(topology.nodes.len(), n);
                for (from, to) in &edges {
                    prop_assert!(at(*from) < at(*to), "each node follows all that it needs");
                }
                let leaves: Vec<String> =
                    topology.nodes.iter().filter(|node| edges.iter().all(|(from, _)| name(*from) != **node)).cloned().collect();
                prop_assert_eq!(topology.terminals().map(str::to_owned).collect::<Vec<_>>(), leaves);
            }
            Err(TopologyError::Cycle { path }) => {
                prop_assert!(cyclic);
                let nodes: Vec<&str> = path.split(" -> ").collect();
                prop_assert!(nodes.len() >= 2 && nodes.first() == nodes.last(), "{}", path);
                for step in nodes.windows(2) {
                    let real = edges.iter().any(|(from, to)| name(*from) == step[0] && name(*to) == step[1]);
                    prop_assert!(real, "{} is an edge of {:?}", path, edges);
                }
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

#[test]
fn unknown_repeated_and_missing_nodes_are_refused() {
    let edge = |from: &str, to: &str| Edge { from: from.into(), to: to.into(), variant: None };
    let of = |nodes: &[&str], edges: Vec<Edge>| {
        Topology::new(vec!["s".into()], nodes.iter().map(|node| (*node).to_owned()).collect(), edges)
    };
    assert_eq!(of(&[], vec![]), Err(TopologyError::Empty));
    assert_eq!(of(&["a", "a"], vec![]), Err(TopologyError::Duplicate { node: "a".into() }));
    let named = of(&["s"], vec![edge("s", "s")]);
    assert_eq!(
        named,
        Err(TopologyError::NamedLikeSource { node: "s".into() }),
        "no cycle, two things of one name"
    );
    for (from, to) in [("x", "a"), ("a", "x"), ("a", "s")] {
        let unknown = TopologyError::UnknownNode { from: from.into(), to: to.into() };
        assert_eq!(of(&["a"], vec![edge(from, to)]), Err(unknown));
    }
    assert!(of(&["a", "b"], vec![edge("s", "b"), edge("b", "a"), edge("b", "a")]).is_ok());
}
