//! Branches that are not those of the enum, or cannot be taken.

#![allow(unused)]

use acequia_sdk::computation_graph;

pub enum Away {
    Quote(u64),
    Hold,
}

#[computation_graph(graph = { decide(book) => { Quote -> send, Quote -> log } })]
mod duplicate_variant {
    fn decide(book: &u64) -> crate::Away {
        crate::Away::Quote(*book)
    }
    fn send(amount: &u64) {}
    fn log(amount: &u64) {}
}

#[computation_graph(graph = { decide(book) => { Quote -> send }, decide => { Hold -> log } })]
mod two_routers {
    fn decide(book: &u64) -> crate::Away {
        crate::Away::Quote(*book)
    }
    fn send(amount: &u64) {}
    fn log() {}
}

#[computation_graph(graph = { decide(book) => { Quote -> send } })]
mod missing_variant {
    pub enum Decision {
        Quote(u64),
        Hold,
        Wait,
    }
    fn decide(book: &u64) -> Decision {
        Decision::Quote(*book)
    }
    fn send(amount: &u64) {}
}

#[computation_graph(graph = { decide(book) => { Qote -> send } })]
mod unknown_variant {
    pub enum Decision {
        Quote(u64),
    }
    fn decide(book: &u64) -> Decision {
        Decision::Quote(*book)
    }
    fn send(amount: &u64) {}
}

#[computation_graph(graph = { decide(book) => { Quotation -> send } })]
mod unknown_foreign_variant {
    fn decide(book: &u64) -> crate::Away {
        crate::Away::Quote(*book)
    }
    fn send(amount: &u64) {}
}

#[computation_graph(graph = { decide(book) => { Quote -> a -> both, Hold -> b -> both } })]
mod never_together {
    fn decide(book: &u64) -> crate::Away {
        crate::Away::Quote(*book)
    }
    fn a(amount: &u64) -> u64 {
        *amount
    }
    fn b() -> u64 {
        1
    }
    fn both(a: &u64, b: &u64) -> u64 {
        a + b
    }
}

#[computation_graph(graph = { decide(book) => { Quote -> a -> both, Hold -> both } })]
mod branch_without_value {
    pub enum Decision {
        Quote(u64),
        Hold,
    }
    fn decide(book: &u64) -> Decision {
        Decision::Quote(*book)
    }
    fn a(amount: &u64) -> u64 {
        *amount
    }
    fn both(a: &u64) -> u64 {
        *a
    }
}

#[computation_graph(graph = { decide(book) => { Quote -> send } })]
mod no_enum {
    fn decide(book: &u64) -> (u64, u64) {
        (*book, 1)
    }
    fn send(amount: &u64) {}
}

fn main() {}
