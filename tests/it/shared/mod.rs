//! Accumulators that several reactors share: one ring, one function, one state, and every boundary in each
//! reactor.

mod fault;
mod flow;
mod health;
mod lifecycle;
mod plan;

use acequia::testing::{Probe, TestEngine};
use acequia::{AccumulatorDecl, Entry, Package, ReactorDecl, Settled, Strategy, when_any};
use acequia_tests::echo;

/// Package `p`: the reactors `R`, under `latest`, and `S`, under `sequential`, share `accumulator`; the graphs
/// `r` and `s` hand on what each of them has.
fn pair(accumulator: AccumulatorDecl) -> Package {
    let reactor = |name: &str, strategy| {
        let criteria = when_any([accumulator.name.clone()]);
        ReactorDecl::new(name, vec![accumulator.clone()], criteria).strategy(strategy)
    };
    let name = accumulator.name.as_str();
    Package::new("p")
        .version("1")
        .reactor(reactor("R", Strategy::Latest))
        .reactor(reactor("S", Strategy::Sequential))
        .graph(echo::<u64>("r", name).on("R"))
        .graph(echo::<u64>("s", name).on("S"))
}

fn numbers() -> AccumulatorDecl {
    AccumulatorDecl::passthrough::<u64>("n")
}

/// An engine with `package`, and probes at the terminals of `r` and `s`.
async fn started(package: Package) -> (TestEngine, Probe<u64>, Probe<u64>) {
    let (r, s) = (Probe::new(), Probe::new());
    let builder = TestEngine::builder().package(package);
    let engine = builder.probe("r", "out", &r).probe("s", "out", &s).start().await;
    (engine, r, s)
}

async fn edge(engine: &TestEngine, name: &str) -> Entry {
    let ledger = engine.ledger().await;
    ledger.edge(name).unwrap_or_else(|| panic!("{name} is not in\n{ledger}"))
}

/// The four edges of a shared `n` at rest: `events` came, and `boundaries` were made of them.
async fn assert_shared(engine: &TestEngine, events: u64, boundaries: u64) {
    engine.assert_settled().await;
    engine.assert_ledger().await;
    let total = engine.ledger().await.events();
    assert_eq!((total.accepted, total.unsettled), (events, 0), "an event is accepted once");
    assert_eq!(edge(engine, "shared n/events/n").await.accepted, events);
    let forwards = edge(engine, "shared n/forwards/n").await;
    assert_eq!((forwards.accepted, forwards.settled_as(Settled::HandedOn)), (boundaries, boundaries));
    for reactor in ["R", "S"] {
        let share = edge(engine, &format!("{reactor}/shares/n")).await;
        assert_eq!((share.accepted, share.settled_as(Settled::HandedOn)), (boundaries, boundaries));
        assert_eq!(edge(engine, &format!("{reactor}/boundaries/n")).await.accepted, boundaries);
    }
}
