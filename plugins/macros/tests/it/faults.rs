//! Fallible nodes: an error ends its branch, and no other.

use crate::harness::Run;
use acequia_sdk::computation_graph;

#[computation_graph(graph = {
    check(n) -> after,
    free(n) -> other,
    after -> join,
    other -> join,
    other -> out,
})]
mod one_branch_fails {
    fn check(n: &u64) -> Result<u64, String> {
        if *n == 0 { Err("zero".to_owned()) } else { Ok(*n) }
    }

    fn after(n: &u64) -> u64 {
        *n
    }

    fn free(n: &u64) -> u64 {
        *n
    }

    fn other(n: &u64) -> u64 {
        n + 1
    }

    // It could do without `after`, but not after a failure.
    fn join(after: Option<&u64>, other: &u64) -> u64 {
        after.copied().unwrap_or(50) + other
    }

    fn out(other: &u64) -> u64 {
        *other
    }
}

#[test]
fn error_ends_its_branch_alone() {
    let mut ran = Run::default().with([0_u64, 2]).fire(&one_branch_fails::graph());

    assert_eq!(ran.output::<u64>(0), [5], "join");
    assert_eq!(ran.output::<u64>(1), [1, 3], "out");
    assert_eq!(ran.failures.len(), 1);
    assert_eq!(ran.failures[0].node, Some("check"));
    assert_eq!(ran.failures[0].to_string(), "check: zero");
}

#[computation_graph(graph = { parse(text) => { Number -> twice, Word -> shout } })]
mod fallible_router {
    pub(super) enum Token {
        Number(u64),
        Word(String),
    }

    fn parse(text: &String) -> Result<Token, std::fmt::Error> {
        match text.parse() {
            Ok(number) => Ok(Token::Number(number)),
            Err(_) if text.is_empty() => Err(std::fmt::Error),
            Err(_) => Ok(Token::Word(text.clone())),
        }
    }

    async fn twice(n: &u64) -> Result<u64, String> {
        crate::harness::pend(1).await;
        n.checked_mul(2).ok_or_else(|| "too large".to_owned())
    }

    fn shout(word: &String) -> String {
        word.to_uppercase()
    }
}

#[test]
fn router_and_async_node_may_fail() {
    let texts = ["4", "", "hi", "18446744073709551615"].map(str::to_owned);

    let mut ran = Run::default().with(texts).fire(&fallible_router::graph());

    assert_eq!(ran.output::<u64>(0), [8]);
    assert_eq!(ran.output::<String>(1), ["HI"]);
    let nodes: Vec<Option<&str>> = ran.failures.iter().map(|failure| failure.node).collect();
    assert_eq!(nodes, [Some("parse"), Some("twice")]);
}

#[computation_graph(graph = { need(raw, other) -> out })]
mod required_source {
    fn need(raw: &u64, _other: Option<&u64>) -> u64 {
        *raw
    }

    fn out(n: &u64) -> u64 {
        *n
    }
}

#[test]
fn absent_required_source_fails_the_firing() {
    let mut ran = Run::default().with([1_u64]).with([1_u64, 2]).fire(&required_source::graph());

    assert_eq!(ran.output::<u64>(0), [1]);
    assert_eq!(ran.failures[0].message, "source raw has no value yet");
}

#[test]
fn panic_leaves_the_turn_with_the_cursor_on_its_firing() {
    #[computation_graph(graph = { burst(n) })]
    mod bursting {
        fn burst(n: &u64) -> u64 {
            assert!(*n != 2, "two");
            *n
        }
    }

    let caught =
        std::panic::catch_unwind(|| Run::default().with([1_u64, 2]).fire(&bursting::graph()).failures.len());

    assert!(caught.is_err());
}
