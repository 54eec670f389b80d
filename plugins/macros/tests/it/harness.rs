//! Runs a part over columns made by hand, without an engine.

use acequia_sdk::__private::core::column::{AnyColumn, Column};
use acequia_sdk::__private::core::graph::{ABSENT, Outcomes, Output, TurnEnd, View};
use acequia_sdk::__private::core::id::FiringId;
use acequia_sdk::{Failure, GraphDecl, Payload};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Columns, and firings over them.
#[derive(Default)]
pub(crate) struct Run {
    columns: Vec<Box<dyn AnyColumn>>,
}

/// What a run of all firings yielded.
pub(crate) struct Ran {
    outcomes: Outcomes,
    /// Failures, in the order of their firings.
    pub(crate) failures: Vec<Failure>,
    /// How many firings pended.
    pub(crate) pended: usize,
}

impl Run {
    /// A source whose `n`th value belongs to firing `n`.
    pub(crate) fn with<T: Payload>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        let mut column = Column::<T>::default();
        values.into_iter().for_each(|value| column.push(value));
        self.columns.push(Box::new(column));
        self
    }

    /// Run as many firings as the longest source has values; shorter ones are absent after their end.
    pub(crate) fn fire(self, decl: &GraphDecl) -> Ran {
        let n = self.columns.iter().map(|column| column.len()).max().unwrap_or(0);
        let rows: Vec<u32> = (0..n)
            .flat_map(|firing| {
                self.columns
                    .iter()
                    .map(move |column| if firing < column.len() { firing as u32 } else { ABSENT })
            })
            .collect();
        let map: Vec<usize> = (0..self.columns.len()).collect();
        let view = View::new(&self.columns, &map, &rows, FiringId(0));
        for (input, column) in decl.inputs.iter().zip(&self.columns) {
            assert_eq!(input.payload, column.payload_type(), "input {}", input.accumulator);
        }
        run(decl, &view, n)
    }
}

/// Run `n` firings of a graph that reads nothing.
pub(crate) fn fire_without_sources(decl: &GraphDecl, n: usize) -> Ran {
    run(decl, &View::new(&[], &[], &vec![0; n], FiringId(0)), n)
}

fn run(decl: &GraphDecl, view: &View<'_>, n: usize) -> Ran {
    let mut part = decl.part();
    let mut ran = Ran { outcomes: decl.outcomes(), failures: Vec::new(), pended: 0 };
    let mut from = 0;
    while from < n {
        from = match part.turn(view, from, &mut ran.outcomes) {
            TurnEnd::Done => n,
            TurnEnd::Failed { failure, rest } => {
                ran.failures.push(failure);
                if let Some(commit) = rest {
                    commit(&mut ran.outcomes);
                }
                ran.outcomes.at() + 1
            }
            TurnEnd::Pending(future) => {
                ran.pended += 1;
                let (commit, failure) = block_on(future);
                commit(&mut ran.outcomes);
                ran.failures.extend(failure);
                ran.outcomes.at() + 1
            }
        };
    }
    ran
}

impl Ran {
    /// Values of terminal `index`.
    pub(crate) fn output<T: Payload>(&mut self, index: usize) -> Vec<T> {
        let output = self.outcomes.outputs()[index].as_any_mut().downcast_mut::<Output<T>>().unwrap();
        output.values.drain(..).collect()
    }
}

struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Poll until ready. A future that pends without having been woken would hang, so it panics.
pub(crate) fn block_on<R>(future: impl Future<Output = R>) -> R {
    let mut future = std::pin::pin!(future);
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&wakes));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        assert!(wakes.0.swap(0, Ordering::SeqCst) > 0, "nobody would ever wake this future");
    }
}

/// Pends `times` times.
pub(crate) async fn pend(times: usize) {
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
