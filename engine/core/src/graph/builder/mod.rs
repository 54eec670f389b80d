//! A graph from closures, for those who dislike macros.
//!
//! ```
//! use acequia_core::graph::GraphBuilder;
//!
//! let mut graph = GraphBuilder::new("price_consumer");
//! let raw = graph.source::<f64>("raw_prices");
//! let normalized = graph.source::<f64>("normalized_prices");
//! let score = graph.node("score", (raw.optional(), normalized.optional()), |(raw, normalized)| {
//!     Some(raw? / normalized?)
//! });
//! let publish = graph.node("publish", (score,), |(score,)| *score);
//! graph.terminal(publish);
//! let decl = graph.on("PriceReactor").build().unwrap();
//! assert_eq!(decl.topology.nodes, ["score", "publish"]);
//! ```

mod args;
mod part;

pub use args::{Arg, Args, NodeRef, OptionalNode, OptionalSource, SourceRef};

use super::decl::{GraphDecl, InputDecl, Presence, TerminalDecl};
use super::topology::{Edge, Topology, TopologyError};
use crate::fault::Failure;
use crate::id::{GraphName, ReactorName};
use crate::payload::{Payload, PayloadType};
use part::{BuiltPart, NodeOp, Recipe, Slot, TerminalOp};
use std::marker::PhantomData;
use std::sync::Arc;

/// Builds a [`GraphDecl`] from closures.
pub struct GraphBuilder {
    name: GraphName,
    reactor: Option<ReactorName>,
    inputs: Vec<InputDecl>,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    terminals: Vec<(usize, TerminalDecl, TerminalOp)>,
    clash: Option<GraphBuildError>,
}

struct Node {
    name: String,
    // A branch is not a node of the drawing: it is an edge with the variant's name.
    branch_of: Option<usize>,
    op: NodeOp,
    slot: fn() -> Slot,
}

/// A graph that cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphBuildError {
    /// Its shape is wrong.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// One source is read as two types.
    #[error("E0210: graph {graph} reads source {accumulator} as {first} and as {second}; choose one")]
    SourceType {
        /// The graph.
        graph: GraphName,
        /// The source.
        accumulator: String,
        /// One type.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Nothing leaves it.
    #[error("E0211: graph {graph} has no terminal; mark one with `terminal`")]
    NoTerminal {
        /// The graph.
        graph: GraphName,
    },
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new(name: impl Into<GraphName>) -> Self {
        Self {
            name: name.into(),
            reactor: None,
            inputs: Vec::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
            terminals: Vec::new(),
            clash: None,
        }
    }

    /// Bind it to a reactor. Without this the graph is trigger-less.
    #[must_use]
    pub fn on(mut self, reactor: impl Into<ReactorName>) -> Self {
        self.reactor = Some(reactor.into());
        self
    }

    /// Read boundaries of type `T` from the accumulator `name`.
    pub fn source<T: Payload>(&mut self, name: &str) -> SourceRef<T> {
        let known = self.inputs.iter().position(|input| input.accumulator.as_str() == name);
        let index = known.unwrap_or_else(|| {
            self.inputs.push(InputDecl::new::<T>(name, Presence::Optional));
            self.inputs.len() - 1
        });
        let (first, second) = (self.inputs[index].payload, PayloadType::of::<T>());
        if first != second {
            self.clash.get_or_insert(GraphBuildError::SourceType {
                graph: self.name.clone(),
                accumulator: name.to_owned(),
                first: first.name(),
                second: second.name(),
            });
        }
        SourceRef { index, payload: PhantomData }
    }

    /// A node that cannot fail. `inputs` is a tuple of sources and nodes; the closure gets a tuple of
    /// references. It runs where every input that is not `optional()` is there.
    pub fn node<A, U, F>(&mut self, name: &str, inputs: A, function: F) -> NodeRef<U>
    where
        A: Args,
        U: Send + 'static,
        F: for<'a> Fn(A::Values<'a>) -> U + Send + Sync + 'static,
    {
        self.try_node(name, inputs, move |values| Ok::<U, Failure>(function(values)))
    }

    /// A node that may fail: an error ends its branch, and the firing counts as failed.
    pub fn try_node<A, U, E, F>(&mut self, name: &str, inputs: A, function: F) -> NodeRef<U>
    where
        A: Args,
        U: Send + 'static,
        E: std::fmt::Display,
        F: for<'a> Fn(A::Values<'a>) -> Result<U, E> + Send + Sync + 'static,
    {
        let index = self.nodes.len();
        inputs.each(&mut |input| self.connect(input, name));
        self.nodes.push(Node {
            name: name.to_owned(),
            branch_of: None,
            op: part::node_op(inputs, function),
            slot: part::empty_slot::<U>,
        });
        NodeRef { index, payload: PhantomData }
    }

    /// The branch `variant` of what `node` decided: there where `select` finds a value.
    pub fn branch<T, U, F>(&mut self, node: NodeRef<T>, variant: &str, select: F) -> NodeRef<U>
    where
        T: Send + 'static,
        U: Send + 'static,
        F: Fn(&T) -> Option<U> + Send + Sync + 'static,
    {
        let index = self.nodes.len();
        self.nodes.push(Node {
            name: variant.to_owned(),
            branch_of: Some(node.index),
            op: part::branch_op(node, select),
            slot: part::empty_slot::<U>,
        });
        NodeRef { index, payload: PhantomData }
    }

    /// The node's output leaves the graph under the node's name.
    pub fn terminal<T: Payload>(&mut self, node: NodeRef<T>) {
        let name = self.nodes[node.index].name.as_str();
        self.terminals.push((node.index, TerminalDecl::new::<T>(name), part::terminal_op::<T>));
    }

    /// Check the graph and declare it.
    ///
    /// # Errors
    /// [`GraphBuildError`], naming what is wrong.
    pub fn build(self) -> Result<GraphDecl, GraphBuildError> {
        if let Some(clash) = self.clash {
            return Err(clash);
        }
        if self.terminals.is_empty() {
            return Err(GraphBuildError::NoTerminal { graph: self.name });
        }
        let sources = self.inputs.iter().map(|input| input.accumulator.to_string()).collect();
        let nodes =
            self.nodes.iter().filter(|node| node.branch_of.is_none()).map(|node| node.name.clone()).collect();
        let topology = Topology::new(sources, nodes, self.edges)?;
        let names: Vec<String> = self.inputs.iter().map(|input| input.accumulator.to_string()).collect();
        let recipe = Arc::new(Recipe {
            source_names: names,
            names: self.nodes.iter().map(|node| node.name.clone()).collect(),
            slots: self.nodes.iter().map(|node| node.slot).collect(),
            ops: self.nodes.into_iter().map(|node| node.op).collect(),
            terminals: self.terminals.iter().map(|(node, _, op)| (*node, *op)).collect(),
        });
        let terminals = self.terminals.into_iter().map(|(_, decl, _)| decl).collect();
        let make =
            Arc::new(move || Box::new(BuiltPart::new(Arc::clone(&recipe))) as Box<dyn super::GraphPart>);
        Ok(GraphDecl::new(self.name, self.reactor, self.inputs, terminals, topology, make))
    }

    /// Note the edge from an input to the node `to`.
    fn connect(&mut self, input: Arg, to: &str) {
        let (from, variant) = match input {
            Arg::Source { index, required } => {
                if required {
                    self.inputs[index].presence = Presence::Required;
                }
                (self.inputs[index].accumulator.to_string(), None)
            }
            Arg::Node { index } => self.origin(index),
        };
        self.edges.push(Edge { from, to: to.to_owned(), variant });
    }

    /// Where the edge from a node starts. A branch starts at the node that decided; a branch of a branch
    /// carries both variants.
    fn origin(&self, index: usize) -> (String, Option<String>) {
        let node = &self.nodes[index];
        let Some(of) = node.branch_of else { return (node.name.clone(), None) };
        let (from, outer) = self.origin(of);
        let variant = outer.map_or_else(|| node.name.clone(), |outer| format!("{outer}.{}", node.name));
        (from, Some(variant))
    }
}
