//! Micro-benchmarks of single steps of the data path, by criterion. They explain the bars; they set none.

#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use acequia::core::cell::{Cell, Crumb, GraphRun, TurnContext};
use acequia::core::id::PackageName;
use acequia::core::reactor::{Criteria, Policy, SourceSet};
use acequia::core::ring::{Doorbell, Ring};
use acequia::{
    AccumulatorDecl, GraphBuilder, GraphDecl, Overflow, ReactorDecl, Strategy, Timestamp, when_any,
};
use criterion::{BatchSize, BenchmarkId, Criterion as Bencher, Throughput, criterion_group, criterion_main};

/// Events handed over at once.
const BATCHES: [u64; 3] = [1, 16, 256];

/// What an event costs before any engine sees it: a fresh name of 168 bytes.
fn event(bencher: &mut Bencher) {
    let name = "n".repeat(168);
    bencher
        .bench_function("event/name clone", |bencher| bencher.iter(|| black_box(black_box(&name).clone())));
}

/// Published one by one, drawn at once.
fn ring(bencher: &mut Bencher) {
    let mut group = bencher.benchmark_group("ring/push and draw");
    for n in BATCHES {
        group.throughput(Throughput::Elements(n));
        group.bench_function(BenchmarkId::from_parameter(n), |bencher| {
            let ring = Ring::<u64>::new(512, Overflow::Block, None);
            let (mut drawn, mut tickets) = (VecDeque::new(), VecDeque::new());
            bencher.iter(|| {
                for item in 0..n {
                    let _ = black_box(ring.try_push(item));
                }
                drawn.clear();
                ring.draw(&mut drawn, &mut tickets)
            });
        });
    }
    group.finish();
}

/// Boundaries of two sources in turn become rows.
fn policy(bencher: &mut Bencher) {
    let mut group = bencher.benchmark_group("policy/arrive, decide, trim");
    for (name, k) in [("when_any", 1), ("when_all", 2)] {
        for n in BATCHES {
            group.throughput(Throughput::Elements(n));
            group.bench_function(BenchmarkId::new(name, n), |bencher| {
                let mut policy = Policy::new(Criteria::new(SourceSet::first(2), k), Strategy::Sequential, 2);
                let mut rows = Vec::new();
                bencher.iter(|| {
                    for event in 0..n {
                        policy.arrive(usize::from(event % 2 == 1), 1);
                    }
                    rows.clear();
                    policy.decide(&mut rows, 256);
                    policy.trim(0) + policy.trim(1) + black_box(&rows).len()
                });
            });
        }
    }
    group.finish();
}

/// A whole turn of a cell with one accumulator and one graph of one node.
fn turn(bencher: &mut Bencher) {
    struct Silent;
    impl Doorbell for Silent {
        fn ring(&self) {}
    }
    let mut group = bencher.benchmark_group("cell/turn");
    for n in BATCHES {
        group.throughput(Throughput::Elements(n));
        group.bench_function(BenchmarkId::from_parameter(n), |bencher| {
            let Some(mut cell) = cell() else { return };
            let slots = cell.slots()[0].ring().as_any();
            let Ok(ring) = slots.downcast::<Ring<u64>>() else { return };
            let crumb = Crumb::default();
            let (doorbell, now) = (Arc::new(Silent) as Arc<dyn Doorbell>, Timestamp::ZERO);
            let context = TurnContext {
                now,
                clock: &move || now,
                doorbell: &doorbell,
                waker: Waker::noop(),
                crumb: &crumb,
            };
            bencher.iter_batched(
                || (0..n).for_each(|item| drop(ring.try_push(item))),
                |()| cell.turn(&context).firings,
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn cell() -> Option<Cell> {
    let numbers = AccumulatorDecl::passthrough::<u64>("n");
    let reactor = ReactorDecl::new("R", vec![numbers], when_any(["n"])).strategy(Strategy::Sequential);
    let mut cell = Cell::new(reactor, Duration::from_secs(1)).ok()?;
    cell.bind(GraphRun::new(double()?), PackageName::from("p")).ok()?;
    Some(cell)
}

fn double() -> Option<GraphDecl> {
    let mut graph = GraphBuilder::new("g").on("R");
    let n = graph.source::<u64>("n");
    let out = graph.node("out", (n,), |(n,)| n * 2);
    graph.terminal(out);
    graph.build().ok()
}

criterion_group!(benches, event, ring, policy, turn);
criterion_main!(benches);
