//! Fault injection: a graph that panics, fails or hesitates where the test says so.

use acequia_core::cell::Batch;
use acequia_core::cell::run::inputs_of;
use acequia_core::fault::Failure;
use acequia_core::graph::{Commit, GraphDecl, GraphPart, Outcomes, PartFn, PendingFiring, TurnEnd, View};
use acequia_core::id::FiringId;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// No faults yet. See [`Faults`].
pub fn faults() -> Faults {
    Faults::default()
}

/// Faults to put into a graph. Runs of the graph are numbered from zero, each attempt at a firing being
/// one, and numbers go on over restarts of its part.
///
/// ```
/// use acequia::testing::faults;
/// # use acequia::{GraphBuilder, GraphDecl};
/// # fn order_graph() -> GraphDecl {
/// #     let mut graph = GraphBuilder::new("orders");
/// #     let price = graph.source::<f64>("prices");
/// #     let order = graph.node("order", (price,), |(price,)| *price);
/// #     graph.terminal(order);
/// #     graph.on("Prices").build().unwrap()
/// # }
/// let plan = faults().panic_at(2).error_at(5);
/// let graph = plan.wrap(order_graph());
/// assert_eq!(graph.name.as_str(), "orders");
/// assert_eq!(plan.runs(), 0);
/// ```
#[derive(Clone, Default)]
pub struct Faults {
    at: BTreeMap<u64, Fault>,
    seeded: Option<(u64, u32)>,
    runs: Arc<AtomicU64>,
    injected: Arc<AtomicU64>,
}

#[derive(Clone, Copy)]
enum Fault {
    Panic,
    Error,
    Sleep(Duration),
}

impl Faults {
    /// Panic at run `run`, before any node of it.
    #[must_use]
    pub fn panic_at(mut self, run: u64) -> Self {
        self.at.insert(run, Fault::Panic);
        self
    }

    /// Fail at run `run`, before any node of it.
    #[must_use]
    pub fn error_at(mut self, run: u64) -> Self {
        self.at.insert(run, Fault::Error);
        self
    }

    /// At run `run`, await `duration` of virtual time before the nodes.
    #[must_use]
    pub fn sleep_at(mut self, run: u64, duration: Duration) -> Self {
        self.at.insert(run, Fault::Sleep(duration));
        self
    }

    /// Besides, let `per_mille` of a thousand runs panic or fail, as `seed` decides.
    #[must_use]
    pub fn seeded(mut self, seed: u64, per_mille: u32) -> Self {
        self.seeded = Some((seed, per_mille));
        self
    }

    /// How many runs have begun.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// How many of them were given a fault.
    pub fn injected(&self) -> u64 {
        self.injected.load(Ordering::Relaxed)
    }

    /// Put the faults into `graph`.
    pub fn wrap(&self, graph: GraphDecl) -> GraphDecl {
        let plan = self.clone();
        let plain = graph.clone();
        graph.wrap(move |part| {
            let (plan, plain) = (plan.clone(), plain.clone());
            let part = Arc::new(Mutex::new(part));
            Box::new(PartFn(move |view: &View<'_>, from: usize, out: &mut Outcomes| {
                plan.turn(&plain, &part, view, from, out)
            }))
        })
    }

    /// Run the firings one by one, so that each can be given its fault.
    fn turn(
        &self,
        graph: &GraphDecl,
        part: &SharedPart,
        view: &View<'_>,
        from: usize,
        out: &mut Outcomes,
    ) -> TurnEnd {
        for firing in from..view.len() {
            out.begin(firing);
            let run = self.runs.fetch_add(1, Ordering::Relaxed);
            let fault = self.at.get(&run).copied().or_else(|| self.by_seed(run));
            self.injected.fetch_add(u64::from(fault.is_some()), Ordering::Relaxed);
            match fault {
                Some(Fault::Panic) => panic!("injected panic at run {run}"),
                Some(Fault::Error) => {
                    let failure = Failure::error(format_args!("injected error at run {run}"));
                    return TurnEnd::Failed { failure, rest: None };
                }
                Some(Fault::Sleep(duration)) => {
                    let batch = Batch::single(FiringId(0), &inputs_of(view, firing));
                    return TurnEnd::Pending(later(graph.outcomes(), Arc::clone(part), batch, duration));
                }
                None => {}
            }
            let end = lock(part).turn(&view.prefix(firing + 1), firing, out);
            if !matches!(end, TurnEnd::Done) {
                return end;
            }
        }
        TurnEnd::Done
    }

    fn by_seed(&self, run: u64) -> Option<Fault> {
        let (seed, per_mille) = self.seeded?;
        let dice = mix(seed ^ mix(run));
        let hit = dice % 1000 < u64::from(per_mille);
        hit.then_some(if dice & (1 << 63) == 0 { Fault::Panic } else { Fault::Error })
    }
}

type SharedPart = Arc<Mutex<Box<dyn GraphPart>>>;

fn lock(part: &SharedPart) -> std::sync::MutexGuard<'_, Box<dyn GraphPart>> {
    // A part that panicked is thrown away by the engine.
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Await `duration`, then run the one firing of `batch`.
fn later(mut own: Outcomes, part: SharedPart, batch: Batch, duration: Duration) -> PendingFiring {
    Box::pin(async move {
        tokio::time::sleep(duration).await;
        let end = {
            let map: Vec<usize> = (0..batch.columns.len()).collect();
            let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
            lock(&part).turn(&view, 0, &mut own)
        };
        let failure = match end {
            TurnEnd::Done => None,
            TurnEnd::Failed { failure, rest } => {
                if let Some(rest) = rest {
                    rest(&mut own);
                }
                Some(failure)
            }
            TurnEnd::Pending(rest) => {
                let (commit, failure) = rest.await;
                commit(&mut own);
                failure
            }
        };
        let commit: Commit = Box::new(move |out: &mut Outcomes| {
            for (to, mut from) in out.outputs().iter_mut().zip(own.into_outputs()) {
                to.append(&mut *from);
            }
        });
        (commit, failure)
    })
}

/// One step of splitmix64: every bit of the input reaches every bit of the result.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}
