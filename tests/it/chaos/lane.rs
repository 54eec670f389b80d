//! A lane: one reactor over one accumulator, with graphs of every pace.

use super::rule::Rule;
use acequia::core::accumulator::{Passthrough, Reply};
use acequia::core::graph::{Outcomes, PartFn, TurnEnd, View};
use acequia::{
    AccumulatorDecl, Engine, FaultBudget, GraphDecl, Kind, Overflow, Package, ReactorDecl, SourceDecl,
    SourceOut, Stateful, Strategy, when_any,
};
use acequia_tests::{Gate, echo};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

pub(super) const LANES: usize = 4;
pub(super) const GRAPHS: [&str; 4] = ["place", "pends", "slow", "late"];

/// Lanes with an odd number are fed by a source.
fn is_sourced(lane: usize) -> bool {
    lane % 2 == 1
}

pub(super) fn name(what: &str, lane: usize) -> String {
    format!("{what}{lane}")
}

pub(super) fn package(lane: usize, rule: &Arc<Rule>) -> Package {
    let n = name("n", lane);
    let reactor = ReactorDecl::new(name("R", lane), vec![accumulator(lane, rule)], when_any([n.as_str()]));
    GRAPHS.iter().fold(
        Package::new(name("p", lane)).reactor(reactor.strategy(Strategy::Sequential)),
        |package, graph| package.graph(self::graph(graph, lane, rule)),
    )
}

fn accumulator(lane: usize, rule: &Arc<Rule>) -> AccumulatorDecl {
    let own = Arc::clone(rule);
    let n = name("n", lane);
    let decl = if is_sourced(lane) {
        AccumulatorDecl::new(n, Kind::Stream, move || {
            let rule = Arc::clone(&own);
            Stateful::new(0_u64, move |count: &mut u64, n: &u64| {
                *count += 1;
                rule.may_panic(400);
                rule.poison(*n, 1_901);
                Ok(Some(*n))
            })
        })
        .source(source(rule))
    } else {
        AccumulatorDecl::new(n, Kind::Passthrough, move || {
            let rule = Arc::clone(&own);
            Passthrough::new(move |n: &u64| {
                rule.may_panic(400);
                rule.poison(*n, 1_901);
                let n = *n;
                let pends = rule.strikes(300);
                Ok(if pends { Reply::Pending(Box::pin(later(n))) } else { Reply::Ready(Some(n)) })
            })
        })
    };
    decl.capacity(64).budget(FaultBudget { dead_letters: 200, faults: 2_000, ..FaultBudget::default() })
}

async fn later(n: u64) -> Result<Option<u64>, acequia::Failure> {
    tokio::task::yield_now().await;
    Ok(Some(n))
}

/// Counts up from where it stood, and dies now and then.
fn source(rule: &Arc<Rule>) -> SourceDecl {
    let rule = Arc::clone(rule);
    SourceDecl::run(move |out: SourceOut<u64>| {
        let rule = Arc::clone(&rule);
        rule.may_panic(5);
        async move {
            for n in out.resume_after().map_or(0, |last| last + 1).. {
                if rule.is_calm() {
                    break;
                }
                rule.may_panic(20_000);
                out.push_at(n, n).await?;
                if n % 16 == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await; // tidy: a rate that lasts for minutes
                }
            }
            Ok(())
        }
    })
}

fn graph(kind: &str, lane: usize, rule: &Arc<Rule>) -> GraphDecl {
    let decl = echo::<u64>(&name(kind, lane), &name("n", lane)).on(name("R", lane));
    let policies = [Overflow::DeadLetter, Overflow::DropOldest, Overflow::DropNewest, Overflow::Coalesce];
    let policy = policies[usize::try_from(rule.roll(4)).unwrap_or(0)];
    let budget = FaultBudget { dead_letters: 50, faults: 400, ..FaultBudget::default() };
    let decl = decl.overflow(policy).delivery_capacity(64).budget(budget);
    let decl = if kind == "late" { decl.deadline(Duration::from_millis(4)) } else { decl };
    let decl = if kind == "pends" && rule.roll(3) == 0 { decl.overflow(Overflow::Block) } else { decl };
    let (rule, kind, plain) = (Arc::clone(rule), kind.to_owned(), decl.clone());
    let gate = Arc::new(Gate::default());
    decl.wrap(move |mut part| {
        rule.may_panic(8);
        let (rule, kind, gate, plain) = (Arc::clone(&rule), kind.clone(), Arc::clone(&gate), plain.clone());
        Box::new(PartFn(move |view: &View<'_>, from: usize, out: &mut Outcomes| {
            for firing in from..view.len() {
                out.begin(firing);
                rule.may_panic(300);
                rule.poison(view.input::<u64>(0).get(firing).copied().unwrap_or(0), 1_201);
                match kind.as_str() {
                    "slow" if rule.strikes(2_000) => gate.linger(Duration::from_millis(2)),
                    "late" if rule.strikes(500) => gate.linger(Duration::from_millis(8)),
                    "pends" if rule.strikes(50) => {
                        return super::lane::pend(&plain, &mut *part, view, firing, &rule);
                    }
                    _ => {}
                }
                match part.turn(&view.prefix(firing + 1), firing, out) {
                    TurnEnd::Done => {}
                    other => return other,
                }
            }
            TurnEnd::Done
        }))
    })
}

/// The firing goes on later, and may panic there.
pub(super) fn pend(
    plain: &GraphDecl,
    part: &mut dyn acequia::GraphPart,
    view: &View<'_>,
    firing: usize,
    rule: &Arc<Rule>,
) -> TurnEnd {
    let (mut own, rule) = (plain.outcomes(), Arc::clone(rule));
    let _ = part.turn(&view.prefix(firing + 1), firing, &mut own);
    TurnEnd::Pending(Box::pin(async move {
        tokio::task::yield_now().await;
        rule.may_panic(10);
        let commit: acequia::core::graph::Commit = Box::new(move |out: &mut Outcomes| {
            for (to, mut from) in out.outputs().iter_mut().zip(own.into_outputs()) {
                to.append(&mut *from);
            }
        });
        (commit, None)
    }))
}

/// What a push that waits is promised.
const OPEN: &str = "an accumulator takes pushes as long as its engine runs";

/// Who pushes into a lane.
pub(super) struct Lane {
    n: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    task: JoinSet<()>,
}

impl Lane {
    pub(super) fn start(lane: usize, engine: &Engine, rule: &Arc<Rule>) -> Self {
        let (n, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let task = (!is_sourced(lane)).then(|| {
            let handle = engine.accumulator::<u64>(&name("n", lane)).unwrap();
            let (n, stop, rule) = (Arc::clone(&n), Arc::clone(&stop), Arc::clone(rule));
            let push = async move {
                while !stop.load(Ordering::Relaxed) {
                    let next = n.load(Ordering::Relaxed);
                    match rule.roll(4) {
                        0 => {
                            let burst = rule.roll(100);
                            handle.push_batch(next..next + burst).await.expect(OPEN);
                            n.store(next + burst, Ordering::Relaxed);
                        }
                        1 => {
                            let taken = handle.push_inline(next).is_ok();
                            n.store(next + u64::from(taken), Ordering::Relaxed);
                        }
                        _ => {
                            handle.push(next).await.expect(OPEN);
                            n.store(next + 1, Ordering::Relaxed);
                        }
                    }
                    if rule.roll(4) == 0 {
                        tokio::time::sleep(Duration::from_millis(1)).await; // tidy: a rate that lasts for minutes
                    }
                }
            };
            let mut task = JoinSet::new();
            task.spawn(push);
            task
        });
        Self { n, stop, task: task.unwrap_or_default() }
    }

    /// Push no more.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Wait until the last push has found room.
    pub(super) async fn stopped(&mut self) {
        while let Some(ended) = self.task.join_next().await {
            ended.unwrap();
        }
    }

    /// How many were pushed: numbers from zero. None for a lane with a source.
    pub(super) fn pushed(&self) -> Option<u64> {
        let n = self.n.load(Ordering::Relaxed);
        (n > 0).then_some(n)
    }
}
