//! The checked form of a graph: every node with its function, every parameter with what fills it.

use super::node::NodeFn;
use super::parse::Name;
use super::shape::Edge;
use proc_macro2::Span;
use std::collections::BTreeSet;
use syn::{Ident, Member, Path, Type};

/// A graph that can be expanded without further questions.
pub(crate) struct Graph {
    /// What it reads.
    pub(crate) sources: Vec<Source>,
    /// Its nodes, in declared order.
    pub(crate) nodes: Vec<Node>,
    /// Its edges, in declared order.
    pub(crate) edges: Vec<Edge>,
    /// Indices of the nodes, each after all that it needs.
    pub(crate) order: Vec<usize>,
}

/// One source of a graph.
pub(crate) struct Source {
    /// Its name, where it is first written.
    pub(crate) name: Name,
    /// The type that the first of its readers takes.
    pub(crate) ty: Type,
    /// Whether a reader cannot do without.
    pub(crate) required: bool,
}

/// One node.
pub(crate) struct Node {
    /// Its name, where it is first written in the graph.
    pub(crate) name: Ident,
    /// Its function.
    pub(crate) function: NodeFn,
    /// Its sources by index; they fill its first parameters.
    pub(crate) sources: Vec<usize>,
    /// What fills its other parameters.
    pub(crate) groups: Vec<Group>,
    /// Whether no edge leaves it.
    pub(crate) terminal: bool,
    /// Upstream nodes, near and far, that can fail.
    pub(crate) fallible_above: BTreeSet<usize>,
    /// Upstream nodes, near and far.
    pub(crate) above: BTreeSet<usize>,
    /// Nodes that never run in the same firing as this one.
    pub(crate) excluded: BTreeSet<usize>,
    /// Path of the enum that it returns, if it routes.
    pub(crate) routing: Option<Path>,
}

/// Edges that fill the same parameters: one edge, or several of which at most one is ever open.
pub(crate) struct Group {
    /// The edges.
    pub(crate) members: Vec<Fill>,
    /// How many parameters they fill.
    pub(crate) arity: usize,
    /// Whether the node waits for it, and is skipped without.
    pub(crate) required: bool,
    /// Where errors about it belong.
    pub(crate) span: Span,
}

/// One edge of a group.
pub(crate) struct Fill {
    /// The edge.
    pub(crate) edge: usize,
    /// What it brings.
    pub(crate) brings: Brings,
}

/// What an edge brings to the node it enters.
pub(crate) enum Brings {
    /// The whole output of the upstream node.
    Whole,
    /// These fields of the variant, in the order of the parameters; none for "it was taken".
    Fields(Vec<Member>),
}

impl Fill {
    /// How many parameters it fills.
    pub(crate) fn arity(&self) -> usize {
        match &self.brings {
            Brings::Whole => 1,
            Brings::Fields(fields) => fields.len(),
        }
    }
}

impl Group {
    /// Members that fill the group's parameters.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Fill> {
        self.members.iter().filter(|fill| self.arity > 0 && fill.arity() == self.arity)
    }

    /// Members that bring nothing but that they were taken.
    pub(crate) fn markers(&self) -> impl Iterator<Item = &Fill> {
        self.members.iter().filter(|fill| fill.arity() == 0)
    }
}

impl Graph {
    /// Terminals by index, in declared order.
    pub(crate) fn terminals(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.terminal)
    }

    /// Whether any node is `async`.
    pub(crate) fn is_async(&self) -> bool {
        self.nodes.iter().any(|node| node.function.is_async)
    }
}
