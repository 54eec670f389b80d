//! From syntax to shape: nodes, sources and edges by index, checked for what needs no function.

use super::parse::{Line, Name, RouteLine, Syntax};
use crate::suggest::did_you_mean;
use proc_macro2::Span;
use syn::{Error, Ident};

/// The variant that opens an edge.
pub(crate) struct Route {
    /// Its name.
    pub(crate) variant: Ident,
    /// Fields that the author named.
    pub(crate) fields: Option<Vec<Ident>>,
}

/// One edge between nodes.
pub(crate) struct Edge {
    /// The node it leaves.
    pub(crate) from: usize,
    /// The node it enters.
    pub(crate) to: usize,
    /// Where its target is written.
    pub(crate) span: Span,
    /// The variant that opens it, if it is a branch.
    pub(crate) route: Option<Route>,
}

/// One node before its function is looked at.
pub(crate) struct Spot {
    /// Its name, where it is first written.
    pub(crate) name: Ident,
    /// Its sources by index, each with its place.
    pub(crate) sources: Vec<(usize, Span)>,
    /// Edges that enter it, in declared order.
    pub(crate) inbound: Vec<usize>,
    /// Edges that leave it.
    pub(crate) outbound: Vec<usize>,
    /// Variants that it routes, followed or not.
    pub(crate) variants: Vec<Ident>,
    router: bool,
}

/// The shape of a graph.
#[derive(Default)]
pub(crate) struct Shape {
    /// Sources in the order in which they are first named.
    pub(crate) sources: Vec<Name>,
    /// Nodes in the order in which they are first named.
    pub(crate) spots: Vec<Spot>,
    /// Edges in declared order.
    pub(crate) edges: Vec<Edge>,
    /// Nodes, each after all that it needs.
    pub(crate) order: Vec<usize>,
}

impl Shape {
    /// Check `syntax`.
    ///
    /// # Errors
    /// Unknown and repeated nodes, edges and variants; cycles.
    pub(crate) fn new(syntax: &Syntax) -> syn::Result<Self> {
        let mut shape = Self::default();
        for line in &syntax.lines {
            let known = shape.find(&line.node.text).is_some();
            if known && syntax.closed {
                let message =
                    format!("node `{}` has two entries; names are unique in a graph", line.node.text);
                return Err(Error::new(line.node.span, message));
            }
            if !known {
                shape.add(&line.node)?;
            }
            if !syntax.closed {
                // A node that stands only behind an arrow is declared by that.
                for target in line.next.iter().chain(line.routes.iter().flat_map(|route| &route.targets)) {
                    if shape.find(&target.text).is_none() {
                        shape.add(target)?;
                    }
                }
            }
        }
        for line in &syntax.lines {
            shape.line(line)?;
        }
        shape.check_sources()?;
        shape.order = shape.ordered()?;
        Ok(shape)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.spots.iter().position(|spot| spot.name == name)
    }

    fn add(&mut self, name: &Name) -> syn::Result<()> {
        self.spots.push(Spot {
            name: name.ident()?,
            sources: Vec::new(),
            inbound: Vec::new(),
            outbound: Vec::new(),
            variants: Vec::new(),
            router: false,
        });
        Ok(())
    }

    fn target(&self, name: &Name) -> syn::Result<usize> {
        self.find(&name.text).ok_or_else(|| {
            let names: Vec<String> = self.spots.iter().map(|spot| spot.name.to_string()).collect();
            let near = did_you_mean(&name.text, names.iter().map(String::as_str));
            let message = format!("unknown node `{0}`{near}; give it an entry, `{0}: {{}}`", name.text);
            Error::new(name.span, message)
        })
    }

    fn line(&mut self, line: &Line) -> syn::Result<()> {
        let Some(node) = self.find(&line.node.text) else {
            return Err(Error::new(line.node.span, "this node was not declared"));
        };
        self.line_sources(node, line)?;
        for target in &line.next {
            self.edge(node, target, None)?;
        }
        if line.router {
            if self.spots[node].router {
                let message =
                    format!("`{}` routes twice; put all its variants into one block", line.node.text);
                return Err(Error::new(line.node.span, message));
            }
            self.spots[node].router = true;
        }
        line.routes.iter().try_for_each(|route| self.route(node, route))
    }

    /// A node's sources are named once; lines that repeat them to fan out must repeat all.
    fn line_sources(&mut self, node: usize, line: &Line) -> syn::Result<()> {
        if line.sources.is_empty() {
            return Ok(());
        }
        let mut sources: Vec<(usize, Span)> = Vec::new();
        for name in &line.sources {
            let index = match self.sources.iter().position(|source| source.text == name.text) {
                Some(index) => index,
                None => {
                    self.sources.push(name.clone());
                    self.sources.len() - 1
                }
            };
            if sources.iter().any(|(other, _)| *other == index) {
                return Err(Error::new(name.span, format!("source `{}` is named twice", name.text)));
            }
            sources.push((index, name.span));
        }
        let known = &mut self.spots[node].sources;
        if known.is_empty() {
            *known = sources;
        } else if !known.iter().map(|(index, _)| index).eq(sources.iter().map(|(index, _)| index)) {
            let message =
                format!("`{}` was given other sources above; repeat them all, or none", line.node.text);
            return Err(Error::new(line.node.span, message));
        }
        Ok(())
    }

    fn route(&mut self, node: usize, line: &RouteLine) -> syn::Result<()> {
        let variant = &line.variant;
        if self.spots[node].variants.contains(variant) {
            let message =
                format!("variant `{variant}` is routed twice; write `{variant} -> [a, b]` to fan out");
            return Err(Error::new(variant.span(), message));
        }
        self.spots[node].variants.push(variant.clone());
        for target in &line.targets {
            let route = Route { variant: variant.clone(), fields: line.fields.clone() };
            self.edge(node, target, Some(route))?;
        }
        Ok(())
    }

    fn edge(&mut self, from: usize, target: &Name, route: Option<Route>) -> syn::Result<()> {
        let to = self.target(target)?;
        let variant = route.as_ref().map(|route| &route.variant);
        let twice = |edge: &Edge| {
            edge.from == from && edge.to == to && edge.route.as_ref().map(|route| &route.variant) == variant
        };
        if self.edges.iter().any(twice) {
            let message =
                format!("the edge `{} -> {}` is declared twice", self.spots[from].name, target.text);
            return Err(Error::new(target.span, message));
        }
        let edge = self.edges.len();
        self.edges.push(Edge { from, to, span: target.span, route });
        self.spots[from].outbound.push(edge);
        self.spots[to].inbound.push(edge);
        Ok(())
    }

    fn check_sources(&self) -> syn::Result<()> {
        for spot in &self.spots {
            for (source, span) in &spot.sources {
                let name = &self.sources[*source].text;
                if self.find(name).is_some() {
                    let message = format!(
                        "`{name}` is a node of this graph, and sources are accumulators; write the edge `{name} -> {}`",
                        spot.name
                    );
                    return Err(Error::new(*span, message));
                }
            }
        }
        Ok(())
    }

    /// Kahn's algorithm (CACM 5:11, 1962), stable in declared order.
    fn ordered(&self) -> syn::Result<Vec<usize>> {
        let mut waiting: Vec<usize> = self.spots.iter().map(|spot| spot.inbound.len()).collect();
        let mut order = Vec::new();
        while order.len() < self.spots.len() {
            let ready = (0..self.spots.len()).find(|node| waiting[*node] == 0 && !order.contains(node));
            let Some(node) = ready else { return Err(self.cycle(&order)) };
            for edge in &self.spots[node].outbound {
                waiting[self.edges[*edge].to] -= 1;
            }
            order.push(node);
        }
        Ok(order)
    }

    /// One cycle among the nodes that still wait: walk backwards until a node repeats.
    fn cycle(&self, order: &[usize]) -> Error {
        let start = (0..self.spots.len()).find(|node| !order.contains(node)).unwrap_or(0);
        let mut path = vec![start];
        let mut span = self.spots[start].name.span();
        loop {
            let last = path[path.len() - 1];
            let mut inbound = self.spots[last].inbound.iter().map(|edge| &self.edges[*edge]);
            let Some(edge) = inbound.find(|edge| !order.contains(&edge.from)) else { break };
            span = edge.span;
            let seen = path.iter().position(|node| *node == edge.from);
            path.push(edge.from);
            if let Some(at) = seen {
                path.drain(..at);
                break;
            }
        }
        path.reverse();
        let names: Vec<String> = path.iter().map(|node| self.spots[*node].name.to_string()).collect();
        let message = format!(
            "these edges form a cycle: {}; a graph runs once per firing, so feed back through an accumulator",
            names.join(" -> ")
        );
        Error::new(span, message)
    }
}
