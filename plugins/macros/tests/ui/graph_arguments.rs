//! Arguments of the attribute.

#![allow(unused)]

use acequia_sdk::computation_graph;

#[computation_graph(grph = { score(raw) })]
mod unknown_key {}

#[computation_graph(name = "a")]
mod no_graph {}

#[computation_graph(graph = {})]
mod empty {}

#[computation_graph(graph = { score: { input: ["raw"] } })]
mod unknown_entry {}

#[computation_graph(graph = { score(raw) publish })]
mod no_comma {}

#[computation_graph(graph = { score(raw) }, deadline = "1 fortnight")]
mod deadline {}

#[computation_graph(graph = { score(raw) }, overflow = drop_oldst)]
mod overflow {}

#[computation_graph(graph = { score(raw) }, name = "a", name = "b")]
mod twice {}

#[computation_graph(graph = { score(raw) })]
mod own_graph {
    pub struct Graph;
}

#[computation_graph(graph = { score(raw) })]
fn no_module() {}

fn main() {}
