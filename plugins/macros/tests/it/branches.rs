//! Branches on an enum's variants: unit, tuple and struct variants, one step and more, and where they
//! come together again.

use crate::harness::Run;
use acequia_sdk::computation_graph;

#[computation_graph(graph = {
    decide(book) => { Quote -> send, Trade -> settle, Hold -> log },
    settle -> book_it -> close,
})]
mod every_kind {
    pub(super) enum Decision {
        Quote(i64, String),
        Trade { size: i64, price: i64 },
        Hold,
    }

    fn decide(book: &i64) -> Decision {
        match book {
            0 => Decision::Hold,
            n if *n > 0 => Decision::Quote(*n, "up".to_owned()),
            n => Decision::Trade { size: *n, price: 7 },
        }
    }

    fn send(amount: &i64, why: &String) -> String {
        format!("{amount} {why}")
    }

    // By name: the order of the fields does not matter.
    fn settle(price: &i64, size: &i64) -> i64 {
        price * size
    }

    fn book_it(settled: &i64) -> i64 {
        settled - 1
    }

    fn close(booked: &i64) -> i64 {
        booked * 2
    }

    fn log() -> u8 {
        1
    }
}

#[test]
fn branches_follow_their_variant_alone() {
    let decl = every_kind::graph();

    let mut ran = Run::default().with([3_i64, 0, -2]).fire(&decl);

    let names: Vec<&str> = decl.terminals.iter().map(|terminal| terminal.name.as_str()).collect();
    assert_eq!(names, ["send", "log", "close"]);
    assert_eq!(ran.output::<String>(0), ["3 up"]);
    assert_eq!(ran.output::<u8>(1), [1]);
    assert_eq!(ran.output::<i64>(2), [-30]);
}

/// Enums from elsewhere, whose definition the macro cannot see.
mod elsewhere {
    pub(crate) enum Decision<T> {
        Quote(T, u8),
        Trade { size: i64, price: i64 },
        Hold,
        Never,
    }
}

#[computation_graph(graph = {
    decide(book) => { Quote -> send, Trade { price, size } -> settle, Hold -> log },
})]
mod foreign_enum {
    use super::elsewhere;

    fn decide(book: &i64) -> elsewhere::Decision<i64> {
        match book {
            0 => elsewhere::Decision::Hold,
            1 => elsewhere::Decision::Never,
            n if *n > 0 => elsewhere::Decision::Quote(*n, 1),
            n => elsewhere::Decision::Trade { size: *n, price: 7 },
        }
    }

    fn send(amount: &i64, by: &u8) -> i64 {
        amount + i64::from(*by)
    }

    fn settle(size: &i64, _price: &i64) -> i64 {
        *size
    }

    fn log() {}
}

#[test]
fn variants_of_a_foreign_enum_are_matched_by_what_the_node_takes() {
    let mut ran = Run::default().with([4_i64, 0, 1, -2]).fire(&foreign_enum::graph());

    assert_eq!(ran.output::<i64>(0), [5]);
    assert_eq!(ran.output::<i64>(1), [-2]);
    assert_eq!(ran.output::<()>(2), [()]);
}

#[computation_graph(graph = {
    decide(n) => { Even -> merge, Odd -> merge, Zero -> zero },
})]
mod direct_convergence {
    pub(super) enum Parity {
        Even(u64),
        Odd(u64),
        Zero,
    }

    fn decide(n: &u64) -> Parity {
        match n {
            0 => Parity::Zero,
            n if n % 2 == 0 => Parity::Even(*n),
            n => Parity::Odd(*n),
        }
    }

    // One parameter for both: at most one of them is ever there.
    fn merge(n: &u64) -> u64 {
        *n
    }

    fn zero() {}
}

#[test]
fn variants_may_share_a_parameter() {
    let mut ran = Run::default().with([1_u64, 0, 2]).fire(&direct_convergence::graph());

    assert_eq!(ran.output::<u64>(0), [1, 2]);
    assert_eq!(ran.output::<()>(1), [()]);
}

#[computation_graph(graph = {
    decide(n) => { Even -> half -> tell, Odd -> triple -> more -> tell, Zero -> tell },
    tell -> out
})]
mod late_convergence {
    pub(super) enum Parity {
        Even(u64),
        Odd(u64),
        Zero,
    }

    fn decide(n: &u64) -> Parity {
        match n {
            0 => Parity::Zero,
            n if n % 2 == 0 => Parity::Even(*n),
            n => Parity::Odd(*n),
        }
    }

    fn half(n: &u64) -> u64 {
        n / 2
    }

    fn triple(n: &u64) -> u64 {
        n * 3
    }

    fn more(n: &u64) -> u64 {
        n + 1
    }

    // `Zero` leads here without a value.
    fn tell(n: Option<&u64>) -> u64 {
        n.copied().unwrap_or(1_000)
    }

    fn out(n: &u64) -> u64 {
        *n
    }
}

#[test]
fn branches_converge_after_steps() {
    let mut ran = Run::default().with([4_u64, 5, 0]).fire(&late_convergence::graph());

    assert_eq!(ran.output::<u64>(0), [2, 16, 1_000]);
}

#[computation_graph(graph = {
    decide(n) => { Left -> a, Right -> b, Neither -> [] },
    a -> both,
    b -> both,
})]
mod separate_parameters {
    pub(super) enum Way {
        Left { n: u64 },
        Right { n: u64 },
        Neither,
    }

    fn decide(n: &u64) -> Way {
        match n {
            0 => Way::Neither,
            n if n % 2 == 0 => Way::Left { n: *n },
            n => Way::Right { n: *n },
        }
    }

    fn a(n: &u64) -> u64 {
        *n
    }

    fn b(n: &u64) -> String {
        n.to_string()
    }

    fn both(a: Option<&u64>, b: Option<&String>) -> String {
        format!("{a:?} {b:?}")
    }
}

#[test]
fn exclusive_branches_may_have_a_parameter_each() {
    let mut ran = Run::default().with([2_u64, 0, 3]).fire(&separate_parameters::graph());

    assert_eq!(ran.output::<String>(0), ["Some(2) None", "None Some(\"3\")"]);
}

#[computation_graph(graph = {
    decide(n) => { Go -> send, Stay -> [] },
    decide -> audit,
    price(n) -> send,
})]
mod branch_and_edge {
    pub(super) enum Step {
        Go,
        Stay,
    }

    fn decide(n: &u64) -> Step {
        if *n > 1 { Step::Go } else { Step::Stay }
    }

    fn price(n: &u64) -> u64 {
        n * 10
    }

    // Waits for the variant, though it brings nothing.
    fn send(price: &u64) -> u64 {
        *price
    }

    fn audit(step: &Step) -> bool {
        matches!(step, Step::Go)
    }
}

#[test]
fn unit_variant_gates_a_node_with_other_upstreams() {
    let mut ran = Run::default().with([1_u64, 2]).fire(&branch_and_edge::graph());

    assert_eq!(ran.output::<u64>(0), [20]);
    assert_eq!(ran.output::<bool>(1), [false, true]);
}

#[computation_graph(graph = {
    first(n) => { A -> second, B -> end },
    second => { X -> x, Y -> [] },
    x -> end,
})]
mod nested_routers {
    pub(super) enum First {
        A(u64),
        B(u64),
    }

    fn first(n: &u64) -> First {
        if *n < 10 { First::A(*n) } else { First::B(*n) }
    }

    fn second(n: &u64) -> super::Second {
        if n.is_multiple_of(2) { super::Second::X(*n) } else { super::Second::Y }
    }

    fn x(n: &u64) -> u64 {
        n + 100
    }

    fn end(n: &u64) -> u64 {
        *n
    }
}

pub(crate) enum Second {
    X(u64),
    Y,
}

#[test]
fn routers_nest() {
    let mut ran = Run::default().with([2_u64, 3, 20]).fire(&nested_routers::graph());

    assert_eq!(ran.output::<u64>(0), [102, 20]);
}
