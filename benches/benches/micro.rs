//! Micro-benchmarks of single steps, by criterion. They explain the bars; they set none.

#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

/// What an event costs before any engine sees it: a fresh name of 168 bytes.
fn name_clone(criterion: &mut Criterion) {
    let name = "n".repeat(168);
    criterion
        .bench_function("event/name clone", |bencher| bencher.iter(|| black_box(black_box(&name).clone())));
}

criterion_group!(benches, name_clone);
criterion_main!(benches);
