//! Trigger-less graphs, invoked by the embedder.

use acequia::testing::TestEngine;
use acequia::{FailureKind, Invocation, InvokeError, Package, Strategy, computation_graph};
use acequia_tests::numbers;
use std::time::Duration;

#[computation_graph(graph = { ratio(a, b) -> [percent, told], late(delay) })]
mod quotient {
    use super::Duration;

    fn ratio(a: &f64, b: &f64) -> Result<f64, String> {
        if *b == 0.0 { Err("division by zero".to_owned()) } else { Ok(a / b) }
    }

    fn percent(ratio: &f64) -> u64 {
        (ratio * 100.0).round() as u64
    }

    fn told(ratio: &f64) -> String {
        format!("a ratio of {ratio}")
    }

    async fn late(delay: Option<&u64>) -> Option<u64> {
        let delay = delay.copied()?;
        tokio::time::sleep(Duration::from_secs(delay)).await; // tidy: the clock is a paused one
        assert!(delay < 1000, "too late");
        Some(delay)
    }
}

async fn engine() -> TestEngine {
    TestEngine::start([Package::new("q").with_graph::<quotient::Graph>(), numbers(Strategy::Latest)]).await
}

#[tokio::test(start_paused = true)]
async fn a_graph_is_invoked_with_typed_inputs() {
    let engine = engine().await;

    let mut terminals =
        engine.invoke("quotient", Invocation::new().with("a", 1.0).with("b", 4.0)).await.unwrap();

    assert_eq!(terminals.take::<u64>("percent"), Some(25));
    assert_eq!(terminals.take::<u64>("told"), None, "of another type");
    assert_eq!(terminals.take::<String>("told").as_deref(), Some("a ratio of 0.25"));
    assert_eq!(terminals.take::<u64>("none"), None);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_graph_is_invoked_with_json_and_its_terminals_land_under_their_names() {
    let engine = engine().await;
    let json = |n: f64| serde_json::json!(n);
    let inputs = Invocation::new().with_json("a", &json(3.0)).with_json("b", &json(4.0)).with("delay", 7_u64);

    let terminals = engine.invoke("quotient", inputs).await.unwrap();

    let wanted = serde_json::json!({ "percent": 75, "told": "a ratio of 0.75", "late": 7 });
    assert_eq!(terminals.to_json(), wanted);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn an_invocation_that_cannot_be_is_refused_with_the_reason() {
    let engine = engine().await;
    let refused = async |graph: &str, inputs: Invocation| -> String {
        let error = engine.invoke(graph, inputs).await.err().expect("it is refused");
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", source.unwrap_or_default())
    };
    let both = |b: f64| Invocation::new().with("a", 1.0).with("b", b);

    assert_eq!(
        refused("gone", Invocation::new()).await,
        "E0440: graph gone is not deployed; deploy it first or correct the name"
    );
    assert_eq!(
        refused("g", Invocation::new()).await,
        "E0441: graph g is bound to a reactor; use the reactor's `fire`, or declare it without a trigger"
    );
    assert_eq!(
        refused("quotient", Invocation::new().with("a", 1.0)).await,
        "E0442: graph quotient needs the input b; give it with `with`"
    );
    assert_eq!(
        refused("quotient", both(1.0).with("delay", "soon".to_owned())).await,
        "E0443: graph quotient takes delay as u64; give it as that type"
    );
    let undecodable = both(1.0).with_json("delay", &serde_json::json!("soon"));
    let told = refused("quotient", undecodable).await;
    assert!(told.starts_with("E0444: graph quotient cannot read its input delay: E0102"), "{told}");
    assert_eq!(refused("quotient", both(0.0)).await, "E0445: graph quotient failed: ratio: division by zero");
    assert_eq!(
        refused("quotient", both(1.0).with("delay", 1000_u64)).await,
        "E0445: graph quotient failed: panicked: too late"
    );
}

#[computation_graph(deadline = "2s", graph = { out(delay) })]
mod hurried {
    use super::Duration;

    async fn out(delay: &u64) -> u64 {
        tokio::time::sleep(Duration::from_secs(*delay)).await; // tidy: the clock is a paused one
        *delay
    }
}

#[computation_graph(graph = { out(n) })]
mod blocking {
    #[node(blocking)]
    fn out(n: &u64) -> u64 {
        n + 1
    }
}

#[tokio::test(start_paused = true)]
async fn an_invocation_keeps_the_graphs_deadline_and_its_blocking_nodes_off_the_runtime() {
    let package = Package::new("q").with_graph::<hurried::Graph>().with_graph::<blocking::Graph>();
    let engine = TestEngine::start([package]).await;
    let invoke = async |delay: u64| engine.invoke("hurried", Invocation::new().with("delay", delay)).await;

    assert_eq!(invoke(1).await.unwrap().take::<u64>("out"), Some(1));
    let before = engine.clock().now();
    let InvokeError::Failed { source, .. } = invoke(1000).await.err().expect("it is late") else {
        panic!("it failed otherwise")
    };
    assert_eq!(source.kind, FailureKind::TimedOut);
    assert!(engine.clock().now().since(before) < Duration::from_secs(3));
    let mut terminals = engine.invoke("blocking", Invocation::new().with("n", 1_u64)).await.unwrap();
    assert_eq!(terminals.take::<u64>("out"), Some(2));
}
