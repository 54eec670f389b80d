//! Parameters that nothing fills, or that take what they cannot.

#![allow(unused)]

use acequia_sdk::computation_graph;

#[computation_graph(graph = { score(raw) -> publish })]
mod one_too_many {
    fn score(raw: &u64) -> u64 {
        *raw
    }
    fn publish(score: &u64, other: &u64) -> u64 {
        score + other
    }
}

#[computation_graph(graph = { score(raw, normal) })]
mod source_missing {
    fn score(raw: &u64) -> u64 {
        *raw
    }
}

#[computation_graph(graph = { decide(book) => { Trade -> settle } })]
mod no_such_field {
    pub enum Decision {
        Trade { price: u64, size: u64 },
    }
    fn decide(book: &u64) -> Decision {
        Decision::Trade { price: *book, size: 1 }
    }
    fn settle(prise: &u64) -> u64 {
        *prise
    }
}

#[computation_graph(graph = { score(raw) })]
mod by_value {
    fn score(raw: u64) -> u64 {
        raw
    }
}

#[computation_graph(graph = { score(raw) })]
mod generic {
    fn score<T: Clone>(raw: &T) -> u64 {
        1
    }
}

#[computation_graph(graph = { score(raw) })]
mod property {
    #[node(bloking)]
    fn score(raw: &u64) -> u64 {
        *raw
    }
}

fn main() {}
