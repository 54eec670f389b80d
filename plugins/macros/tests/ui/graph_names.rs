//! Names that stand for nothing, or for two things.

#![allow(unused)]

use acequia_sdk::computation_graph;

#[computation_graph(graph = { score: { inputs: ["raw"], next: "publsh" }, publish: {} })]
mod unknown_node {
    fn score(raw: &u64) -> u64 {
        *raw
    }
    fn publish(score: &u64) -> u64 {
        *score
    }
}

#[computation_graph(graph = { score: { inputs: ["raw"] }, score: {} })]
mod duplicate_node {
    fn score(raw: &u64) -> u64 {
        *raw
    }
}

#[computation_graph(graph = { score(raw) -> publsh })]
mod missing_function {
    fn score(raw: &u64) -> u64 {
        *raw
    }
    fn publish(score: &u64) -> u64 {
        *score
    }
}

#[computation_graph(graph = { score(raw) })]
mod orphan_function {
    fn score(raw: &u64) -> u64 {
        round(*raw)
    }
    fn round(raw: u64) -> u64 {
        raw
    }
}

#[computation_graph(graph = { score(raw) -> publish, score -> publish })]
mod duplicate_edge {
    fn score(raw: &u64) -> u64 {
        *raw
    }
    fn publish(score: &u64) -> u64 {
        *score
    }
}

#[computation_graph(graph = { score(raw) -> publish, publish(score) })]
mod node_as_source {
    fn score(raw: &u64) -> u64 {
        *raw
    }
    fn publish(score: &u64) -> u64 {
        *score
    }
}

#[computation_graph(graph = { score(raw) -> "not a name" })]
mod no_name {
    fn score(raw: &u64) -> u64 {
        *raw
    }
}

#[computation_graph(graph = { score(raw, raw) })]
mod source_twice {
    fn score(raw: &u64) -> u64 {
        *raw
    }
}

#[computation_graph(graph = { score(raw) -> a, score(other) -> b })]
mod sources_differ {
    fn score(raw: &u64) -> u64 {
        *raw
    }
}

fn main() {
    // No error of its own: the graph is still there.
    let _ = unknown_node::graph();
}
