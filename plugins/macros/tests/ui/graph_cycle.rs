//! Nodes that wait for each other.

#![allow(unused)]

use acequia_sdk::computation_graph;

#[computation_graph(graph = { start(raw) -> a, a -> b, b -> c, c -> a, c -> out })]
mod round {
    fn start(raw: &u64) -> u64 {
        *raw
    }
    fn a(start: &u64, c: &u64) -> u64 {
        start + c
    }
    fn b(a: &u64) -> u64 {
        *a
    }
    fn c(b: &u64) -> u64 {
        *b
    }
    fn out(c: &u64) -> u64 {
        *c
    }
}

#[computation_graph(graph = { alone: { inputs: "raw", next: "alone" } })]
mod itself {
    fn alone(raw: &u64, alone: &u64) -> u64 {
        raw + alone
    }
}

fn main() {}
