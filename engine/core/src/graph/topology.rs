//! Nodes and edges of a graph as data: checked for shape, and drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// An edge of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Source or node it leaves.
    pub from: String,
    /// Node it enters.
    pub to: String,
    /// The variant that opens it, if it is a branch.
    pub variant: Option<String>,
}

/// The shape of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topology {
    /// Accumulators it reads.
    pub sources: Vec<String>,
    /// Nodes in an order in which each follows all that it needs.
    pub nodes: Vec<String>,
    /// Edges in declared order.
    pub edges: Vec<Edge>,
}

/// A shape that cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// A node waits for itself.
    #[error(
        "E0201: the nodes {path} form a cycle; a graph runs once per firing, feed back through an accumulator"
    )]
    Cycle {
        /// The nodes on the cycle, as `a -> b -> a`.
        path: String,
    },
    /// An edge names a node that is not declared.
    #[error("E0202: edge {from} -> {to} names an unknown node; declare it or correct the name")]
    UnknownNode {
        /// Where the edge starts.
        from: String,
        /// Where it ends.
        to: String,
    },
    /// Two nodes have one name.
    #[error("E0203: node {node} is declared twice; names are unique in a graph")]
    Duplicate {
        /// The name.
        node: String,
    },
    /// A node has the name of a source.
    #[error("E0205: node {node} has the name of an accumulator that the graph reads; rename the node")]
    NamedLikeSource {
        /// The name.
        node: String,
    },
    /// There is nothing in it.
    #[error("E0204: a graph needs at least one node")]
    Empty,
}

impl Topology {
    /// Check and order the nodes.
    ///
    /// # Errors
    /// [`TopologyError`] for a cycle, an unknown or a repeated node, one named like a source, or an empty graph.
    pub fn new(sources: Vec<String>, nodes: Vec<String>, edges: Vec<Edge>) -> Result<Self, TopologyError> {
        if nodes.is_empty() {
            return Err(TopologyError::Empty);
        }
        let mut known = BTreeSet::new();
        for node in &nodes {
            if !known.insert(node.as_str()) {
                return Err(TopologyError::Duplicate { node: node.clone() });
            }
            if sources.contains(node) {
                return Err(TopologyError::NamedLikeSource { node: node.clone() });
            }
        }
        for edge in &edges {
            let from_known = known.contains(edge.from.as_str()) || sources.contains(&edge.from);
            if !from_known || !known.contains(edge.to.as_str()) {
                return Err(TopologyError::UnknownNode { from: edge.from.clone(), to: edge.to.clone() });
            }
        }
        let nodes = order(&nodes, &edges)?;
        Ok(Self { sources, nodes, edges })
    }

    /// A shape that a macro has checked already; `nodes` must be in order.
    pub fn checked(sources: &[&str], nodes: &[&str], edges: &[(&str, &str, Option<&str>)]) -> Self {
        let own = |text: &[&str]| text.iter().map(|text| (*text).to_owned()).collect();
        let edges = edges
            .iter()
            .map(|(from, to, variant)| Edge {
                from: (*from).to_owned(),
                to: (*to).to_owned(),
                variant: variant.map(str::to_owned),
            })
            .collect();
        Self { sources: own(sources), nodes: own(nodes), edges }
    }

    /// Nodes that no edge leaves.
    pub fn terminals(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(String::as_str).filter(|node| self.edges.iter().all(|edge| edge.from != *node))
    }

    /// The graph as a Mermaid flowchart.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for source in &self.sources {
            let _ = writeln!(text, "  {source}([{source}])");
        }
        for node in &self.nodes {
            let _ = writeln!(text, "  {node}[{node}]");
        }
        for edge in &self.edges {
            let arrow =
                edge.variant.as_ref().map_or_else(|| "-->".to_owned(), |variant| format!("-- {variant} -->"));
            let _ = writeln!(text, "  {} {arrow} {}", edge.from, edge.to);
        }
        text
    }
}

/// Kahn's algorithm (CACM 5:11, 1962), stable in declared order.
fn order(nodes: &[String], edges: &[Edge]) -> Result<Vec<String>, TopologyError> {
    let mut waiting: BTreeMap<&str, usize> = nodes.iter().map(|node| (node.as_str(), 0)).collect();
    for edge in edges {
        if waiting.contains_key(edge.from.as_str())
            && let Some(count) = waiting.get_mut(edge.to.as_str())
        {
            *count += 1;
        }
    }
    let mut ordered: Vec<String> = Vec::new();
    while ordered.len() < nodes.len() {
        let ready = nodes.iter().find(|node| waiting.get(node.as_str()) == Some(&0));
        let Some(node) = ready else {
            return Err(TopologyError::Cycle { path: cycle(&waiting, edges) });
        };
        waiting.remove(node.as_str());
        for edge in edges.iter().filter(|edge| edge.from == *node) {
            if let Some(count) = waiting.get_mut(edge.to.as_str()) {
                *count -= 1;
            }
        }
        ordered.push(node.clone());
    }
    Ok(ordered)
}

/// One cycle among the nodes that still wait: walk backwards until a node repeats.
fn cycle(waiting: &BTreeMap<&str, usize>, edges: &[Edge]) -> String {
    let Some((start, _)) = waiting.iter().next() else { return String::new() };
    let mut path: Vec<&str> = vec![start];
    loop {
        let last = path[path.len() - 1];
        let before = edges.iter().find(|edge| edge.to == last && waiting.contains_key(edge.from.as_str()));
        let Some(edge) = before else { return path.join(" -> ") };
        if let Some(at) = path.iter().position(|node| *node == edge.from) {
            let mut ring: Vec<&str> = path[at..].to_vec();
            ring.push(path[at]);
            ring.reverse();
            return ring.join(" -> ");
        }
        path.push(&edge.from);
    }
}
