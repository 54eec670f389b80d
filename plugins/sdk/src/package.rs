//! A package: declarations that come up together, and go together.

use crate::def::{GraphDef, ReactorDef};
use acequia_core::graph::GraphDecl;
use acequia_core::id::PackageName;
use acequia_core::reactor::ReactorDecl;

/// Declarations of one package, compiled into the same process.
///
/// ```
/// use acequia_sdk::{AccumulatorDecl, Package, ReactorDecl, when_any};
///
/// let package = Package::new("pricing").reactor(ReactorDecl::new(
///     "PriceReactor",
///     vec![AccumulatorDecl::passthrough::<f64>("raw_prices")],
///     when_any(["raw_prices"]),
/// ));
/// assert_eq!(package.name().as_str(), "pricing");
/// ```
#[derive(Clone, Debug)]
pub struct Package {
    name: PackageName,
    reactors: Vec<ReactorDecl>,
    graphs: Vec<GraphDecl>,
}

impl Package {
    /// An empty package.
    pub fn new(name: impl Into<PackageName>) -> Self {
        Self { name: name.into(), reactors: Vec::new(), graphs: Vec::new() }
    }

    /// Add a reactor with its accumulators.
    #[must_use]
    pub fn reactor(mut self, reactor: ReactorDecl) -> Self {
        self.reactors.push(reactor);
        self
    }

    /// Add the reactor that `#[reactor]` defined.
    #[must_use]
    pub fn with_reactor<R: ReactorDef>(self) -> Self {
        self.reactor(R::decl())
    }

    /// Add a graph, bound or trigger-less.
    #[must_use]
    pub fn graph(mut self, graph: GraphDecl) -> Self {
        self.graphs.push(graph);
        self
    }

    /// Add the graph that `#[computation_graph]` defined.
    #[must_use]
    pub fn with_graph<G: GraphDef>(self) -> Self {
        self.graph(G::decl())
    }

    /// Its name.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// Its reactors, in declared order.
    pub fn reactors(&self) -> &[ReactorDecl] {
        &self.reactors
    }

    /// Its graphs, in declared order.
    pub fn graphs(&self) -> &[GraphDecl] {
        &self.graphs
    }
}
