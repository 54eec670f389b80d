//! Many reactors on one shard: they run side by side, and none is passed over.

use acequia::{AccumulatorDecl, Engine, Package, ReactorDecl, Sink, Strategy, when_any};
use acequia_tests::echo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Reactors `R0` … with a passthrough `n0` … and a graph `g0` … each.
fn reactors(n: usize) -> Package {
    (0..n).fold(Package::new("wide"), |package, at| {
        let source = format!("n{at}");
        let accumulators = vec![AccumulatorDecl::passthrough::<u64>(source.as_str())];
        let reactor = ReactorDecl::new(format!("R{at}"), accumulators, when_any([source.as_str()]));
        let graph = echo::<u64>(&format!("g{at}"), &source).on(format!("R{at}"));
        package.reactor(reactor.strategy(Strategy::Sequential)).graph(graph)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reactor_of_many_is_passed_over_while_threads_run_some_of_them_themselves() {
    const N: usize = 67;
    const EACH: u64 = 40;
    let sums: Arc<Vec<AtomicU64>> = Arc::new((0..N).map(|_| AtomicU64::new(0)).collect());
    let mut builder = Engine::builder().package(reactors(N));
    for at in 0..N {
        let sums = Arc::clone(&sums);
        let sink = Sink::callback(move |value: &u64| {
            sums[at].fetch_add(*value, Ordering::Relaxed);
        });
        builder = builder.sink(format!("g{at}"), "out", sink);
    }
    let engine = builder.start().await.unwrap();
    let handles: Vec<_> = (0..N).map(|at| engine.accumulator::<u64>(&format!("n{at}")).unwrap()).collect();
    let handles = Arc::new(handles);

    let threads: Vec<_> = (0..2_usize)
        .map(|thread| {
            let handles = Arc::clone(&handles);
            std::thread::spawn(move || {
                for value in 1..=EACH {
                    for at in 0..N {
                        let handle = &handles[(at * 31 + thread) % N];
                        // The second thread leaves the turn to the shard.
                        let pushed =
                            if thread == 0 { handle.push_inline(value) } else { handle.try_push(value) };
                        pushed.unwrap();
                    }
                }
            })
        })
        .collect();
    for value in 1..=EACH {
        for handle in handles.iter() {
            handle.push(value).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
    for thread in threads {
        thread.join().unwrap();
    }

    assert!(engine.settled(Duration::from_secs(60)).await);
    let sum = 3 * EACH * (EACH + 1) / 2;
    assert!(sums.iter().all(|of| of.load(Ordering::Relaxed) == sum), "{sums:?}");
    engine.ledger().await.check().unwrap();
    engine.shutdown(Duration::from_secs(5)).await;
}
