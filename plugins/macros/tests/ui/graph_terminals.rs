//! More terminals than a graph can have.

#![allow(unused)]

use acequia_sdk::computation_graph;

#[computation_graph(graph = { a(x), b(x), c(x), d(x), e(x), f(x), g(x), h(x), i(x), j(x), k(x), l(x), m(x) })]
mod thirteen {
    fn a(x: &u64) {}
    fn b(x: &u64) {}
    fn c(x: &u64) {}
    fn d(x: &u64) {}
    fn e(x: &u64) {}
    fn f(x: &u64) {}
    fn g(x: &u64) {}
    fn h(x: &u64) {}
    fn i(x: &u64) {}
    fn j(x: &u64) {}
    fn k(x: &u64) {}
    fn l(x: &u64) {}
    fn m(x: &u64) {}
}

fn main() {}
