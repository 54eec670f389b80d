//! `async` nodes: ready at once or later, one after another or side by side.

use crate::harness::Run;
use acequia_sdk::computation_graph;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

#[computation_graph(graph = { first(n) -> second -> third })]
mod async_chain {
    async fn first(n: Option<&u64>) -> u64 {
        n.copied().unwrap_or(0)
    }

    async fn second(n: &u64) -> u64 {
        if *n > 1 {
            crate::harness::pend(3).await;
        }
        n + 1
    }

    fn third(n: &u64) -> u64 {
        *n
    }
}

#[test]
fn future_that_is_ready_runs_in_place() {
    let mut ran = Run::default().with([1_u64, 2]).fire(&async_chain::graph());

    assert_eq!(ran.output::<u64>(0), [2, 3]);
    assert_eq!(ran.pended, 1, "only the second firing pends");
}

/// Two parties meet here.
static MET: AtomicU64 = AtomicU64::new(0);

/// Ends once both parties have begun. Run one after another, they would never meet.
async fn meet(party: u64) {
    MET.fetch_or(party, Ordering::SeqCst);
    let mut patience = 100;
    std::future::poll_fn(|context| {
        if MET.load(Ordering::SeqCst) == 3 {
            return Poll::Ready(());
        }
        patience -= 1;
        assert!(patience > 0, "the other party never came");
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[computation_graph(graph = {
    start(n) -> [left, right],
    left -> join,
    right -> join,
    start -> quick,
    left -> lenient,
    right -> lenient,
})]
mod side_by_side {
    fn start(n: &u64) -> u64 {
        *n
    }

    async fn left(n: &u64) -> u64 {
        super::meet(1).await;
        n + 1
    }

    async fn right(n: &u64) -> Result<u64, String> {
        super::meet(2).await;
        if *n == 7 { Err("seven".to_owned()) } else { Ok(n + 2) }
    }

    fn join(left: &u64, right: &u64) -> u64 {
        left * right
    }

    fn quick(n: &u64) -> u64 {
        *n
    }

    async fn lenient(left: &u64, right: Option<&u64>) -> u64 {
        left + right.unwrap_or(&0)
    }
}

#[test]
fn independent_async_nodes_run_concurrently() {
    let mut ran = Run::default().with([4_u64, 7]).fire(&side_by_side::graph());

    assert_eq!(ran.output::<u64>(0), [30], "join");
    assert_eq!(ran.output::<u64>(1), [4, 7], "quick");
    assert_eq!(ran.output::<u64>(2), [11], "lenient is skipped after a failure, too");
    assert_eq!(ran.failures[0].node, Some("right"));
    assert_eq!(ran.pended, 1, "they have met before the second firing, which is ready at once");
}

#[computation_graph(graph = {
    pick(n) => { Left -> left, Right -> right, Both -> [left, right] },
    left -> tell,
    right -> tell,
    gate(flag) -> tell,
})]
mod concurrent_branches {
    pub(super) enum Way {
        Left(u64),
        Right(u64),
        Both(u64),
    }

    async fn pick(n: &u64) -> Way {
        match n {
            1 => Way::Left(*n),
            2 => Way::Right(*n),
            n => Way::Both(*n),
        }
    }

    async fn left(n: &u64) -> u64 {
        crate::harness::pend(2).await;
        n * 10
    }

    async fn right(n: &u64) -> u64 {
        crate::harness::pend(1).await;
        n * 100
    }

    async fn gate(flag: &bool) -> bool {
        *flag
    }

    fn tell(left: Option<&u64>, right: Option<&u64>, gate: &bool) -> String {
        format!("{left:?} {right:?} {gate}")
    }
}

#[test]
fn branches_of_async_nodes_run_concurrently() {
    let decl = concurrent_branches::graph();
    let run = Run::default().with([1_u64, 2, 3]).with([true, false, true]);

    let mut ran = run.fire(&decl);

    assert_eq!(
        ran.output::<String>(0),
        ["Some(10) None true", "None Some(200) false", "Some(30) Some(300) true"]
    );
}

#[computation_graph(graph = { lookup(n) -> out })]
mod async_required {
    async fn lookup(n: &String) -> Result<usize, String> {
        if n.is_empty() { Err("empty".into()) } else { Ok(n.len()) }
    }

    async fn out(n: &usize) -> usize {
        *n
    }
}

#[test]
fn async_fallible_chain_reports_in_place() {
    let mut ran = Run::default().with(["a", "", "abc"].map(str::to_owned)).fire(&async_required::graph());

    assert_eq!(ran.output::<usize>(0), [1, 3]);
    assert_eq!(ran.failures[0].to_string(), "lookup: empty");
    assert_eq!(ran.pended, 0);
}
