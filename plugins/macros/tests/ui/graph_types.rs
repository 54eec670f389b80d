//! Types that differ along an edge: the compiler's own errors, in the right place.

#![allow(unused)]

use acequia_sdk::computation_graph;

#[computation_graph(graph = { score(raw) -> publish })]
mod edge {
    fn score(raw: &u64) -> u64 {
        *raw
    }
    fn publish(score: &String) -> usize {
        score.len()
    }
}

#[computation_graph(graph = { score(raw) -> publish, publish(raw) })]
mod source_of_two_nodes {
    fn score(raw: &u64) -> u64 {
        *raw
    }
    fn publish(raw: &String, score: &u64) -> usize {
        raw.len()
    }
}

#[computation_graph(graph = { decide(book) => { Left -> join, Right -> join } })]
mod branches_that_share_a_parameter {
    pub enum Way {
        Left(u64),
        Right(String),
    }
    fn decide(book: &u64) -> Way {
        Way::Left(*book)
    }
    fn join(amount: &u64) -> u64 {
        *amount
    }
}

#[computation_graph(graph = { score(raw) -> publish })]
mod error_without_text {
    pub struct Silent;
    fn score(raw: &u64) -> Result<u64, Silent> {
        Ok(*raw)
    }
    fn publish(score: &u64) -> u64 {
        *score
    }
}

fn main() {}
