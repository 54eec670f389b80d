//! The two notations say the same.

use crate::harness::Run;
use acequia_sdk::{GraphDecl, computation_graph};

#[computation_graph(
    trigger = reactor("R"),
    graph = {
        score: { inputs: ["raw", "normal"], next: "decide" },
        decide: { routes: { Buy: "order", Sell: ["order", log], Hold: [] } },
        order: { next: publish },
        "log": {},
        publish: {},
    }
)]
mod object_form {
    pub(crate) use super::nodes::*;

    fn score(raw: Option<&i64>, normal: Option<&i64>) -> i64 {
        super::nodes::sum(raw, normal)
    }

    fn decide(score: &i64) -> Side {
        super::nodes::side(*score)
    }

    fn order(amount: &i64) -> i64 {
        *amount
    }

    fn log(amount: &i64) -> String {
        format!("sold {amount}")
    }

    fn publish(order: &i64) -> i64 {
        order * 100
    }
}

#[computation_graph(trigger = reactor("R"), graph = {
    score(raw, normal) -> decide,
    decide => { Buy -> order, Sell -> [order, log], Hold -> [] }
    order -> publish
})]
mod arrow_form {
    pub(crate) use super::nodes::*;

    fn score(raw: Option<&i64>, normal: Option<&i64>) -> i64 {
        super::nodes::sum(raw, normal)
    }

    fn decide(score: &i64) -> Side {
        super::nodes::side(*score)
    }

    fn order(amount: &i64) -> i64 {
        *amount
    }

    fn log(amount: &i64) -> String {
        format!("sold {amount}")
    }

    fn publish(order: &i64) -> i64 {
        order * 100
    }
}

mod nodes {
    pub(crate) enum Side {
        Buy(i64),
        Sell(i64),
        Hold,
    }

    pub(crate) fn sum(raw: Option<&i64>, normal: Option<&i64>) -> i64 {
        raw.copied().unwrap_or(0) + normal.copied().unwrap_or(0)
    }

    pub(crate) fn side(score: i64) -> Side {
        match score {
            0 => Side::Hold,
            n if n > 0 => Side::Buy(n),
            n => Side::Sell(-n),
        }
    }
}

fn check(decl: GraphDecl, log: usize, publish: usize) {
    let mut ran = Run::default().with([1_i64, -3, 2]).with([1_i64, 0, -2]).fire(&decl);

    assert_eq!(ran.output::<i64>(publish), [200, 300]);
    assert_eq!(ran.output::<String>(log), ["sold 3"]);
}

#[test]
fn object_form_runs() {
    check(object_form::graph(), 0, 1);
}

#[test]
fn arrow_form_runs() {
    check(arrow_form::graph(), 0, 1);
}

#[test]
fn both_notations_draw_the_same_edges() {
    let (mut object, mut arrow) =
        (object_form::graph().topology.edges.clone(), arrow_form::graph().topology.edges.clone());
    object.sort_by_key(|edge| format!("{edge:?}"));
    arrow.sort_by_key(|edge| format!("{edge:?}"));

    assert_eq!(object, arrow);
}

#[computation_graph(graph = { a(x) -> b -> c(x) -> "d" })]
mod chained_arrows {
    fn a(x: &u64) -> u64 {
        *x
    }

    fn b(a: &u64) -> u64 {
        a + 1
    }

    fn c(x: Option<&u64>, b: &u64) -> u64 {
        x.copied().unwrap_or(0) * b
    }

    fn d(c: &u64) -> u64 {
        *c
    }
}

#[test]
fn arrows_can_be_chained() {
    assert_eq!(Run::default().with([3_u64]).fire(&chained_arrows::graph()).output::<u64>(0), [12]);
}
