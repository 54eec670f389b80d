//! User code asks its engine for time and for threads, in process as in a library.

use acequia::testing::{Probe, TestEngine};
use acequia::{Package, Strategy, blocking, computation_graph, time};
use acequia_tests::numbers;
use std::time::Duration;

#[computation_graph(trigger = reactor("R"), graph = { nap(n) -> count })]
mod patient {
    use super::{Duration, blocking, time};

    async fn nap(n: &u64) -> u64 {
        time::sleep(Duration::from_secs(10)).await; // tidy: by the engine's clock
        *n
    }

    async fn count(n: &u64) -> Result<(u64, bool), acequia::Failure> {
        let (n, here) = (*n, std::thread::current().id());
        blocking(move || (n + 1, std::thread::current().id() == here)).await
    }
}

#[tokio::test(start_paused = true)]
async fn code_in_process_sleeps_by_the_engines_clock_and_blocks_a_thread_of_its_own() {
    let package = Package::new("q").with_graph::<patient::Graph>();
    let probe = Probe::<(u64, bool)>::new();
    let builder = TestEngine::builder().package(numbers(Strategy::Sequential)).package(package);
    let engine = builder.probe("patient", "count", &probe).start().await;
    let before = engine.clock().now();

    engine.push_all("n", [1_u64, 2]).await;

    assert_eq!(probe.expect(2).await, [(2, false), (3, false)]);
    let took = engine.clock().now().since(before).as_secs();
    assert!((20..22).contains(&took), "{took} s");
    engine.assert_ledger().await;
}
