//! Packages, loaded and unloaded while the engine runs.

mod cycles;
mod failure;
mod guard;
mod kill;
mod load;
mod meanwhile;
mod quarantine;
mod unload;
mod upgrade;

use acequia::library::{Library, mapped};
use acequia::testing::TestEngine;
use acequia::{
    AccumulatorDecl, CronDecl, GraphBuilder, GraphDecl, Package, ReactorDecl, Strategy, Trust, WorkflowDecl,
    when_any,
};
use acequia_tests::library::built;
use acequia_tests::{echo, eventually};

/// Package `pricing-publisher`: `PriceReactor` over `raw_prices` and `normalized_prices`.
fn publisher() -> Package {
    let accumulators = ["raw_prices", "normalized_prices"].map(AccumulatorDecl::passthrough::<u64>).to_vec();
    let criteria = when_any(["raw_prices", "normalized_prices"]);
    let reactor = ReactorDecl::new("PriceReactor", accumulators, criteria).strategy(Strategy::Sequential);
    Package::new("pricing-publisher").version("1").reactor(reactor)
}

/// A graph at `PriceReactor` that yields what `raw_prices` has.
fn consumer(name: &str) -> GraphDecl {
    let mut graph = GraphBuilder::new(name);
    let raw = graph.source::<u64>("raw_prices");
    let out = graph.node("out", (raw.optional(),), |(raw,)| raw.copied().unwrap_or_default());
    graph.terminal(out);
    graph.on("PriceReactor").build().unwrap()
}

/// Package `pricing-subscriber`: graph `price_consumer`, bound by name.
fn subscriber() -> Package {
    Package::new("pricing-subscriber").version("1").graph(consumer("price_consumer"))
}

/// Package `whole`: one of every kind of step, with two reactors and a graph at the publisher's.
fn whole() -> Package {
    let reactor = |name: &str, accumulator: &str| {
        let accumulators = vec![AccumulatorDecl::passthrough::<u64>(accumulator)];
        ReactorDecl::new(name, accumulators, when_any([accumulator])).strategy(Strategy::Sequential)
    };
    Package::new("whole")
        .version("1")
        .cron(CronDecl::new("nightly", "0 6 * * *"))
        .poll(acequia::PollDecl::new("hourly", std::time::Duration::from_secs(3600)))
        .reactor(reactor("First", "first"))
        .reactor(reactor("Second", "second"))
        .graph(echo::<u64>("score", "x"))
        .graph(echo::<u64>("at_first", "first").on("First"))
        .graph(echo::<u64>("at_second", "second").on("Second"))
        .graph(consumer("at_price"))
        .workflow(
            WorkflowDecl::new("report").on_trigger("nightly").on_reactor("First").invoking("t", "score"),
        )
}

/// The same as a native library that was compiled apart.
fn whole_library(engine: &TestEngine) -> Package {
    let library = Library::open(built("whole", &[]), &Trust::optional()).unwrap();
    library.package(engine.services()).version("1")
}

/// A fixture's library is held by nobody, once what is dropped late is dropped.
async fn nobody_holds(fixture: &str) {
    let path = built(fixture, &[]).canonicalize().unwrap();
    let live = || mapped().into_iter().find(|mapped| mapped.path == path).map_or(0, |mapped| mapped.live);
    eventually("nobody holds the library", async || live() == 0).await;
}

/// Everything that can be seen of an engine, but for the reconciler's own actor: names, links, actors,
/// packages, insides, figures.
async fn visible(engine: &TestEngine) -> String {
    let structure = structure(engine).await;
    format!("{structure}\n{}\n{:?}", engine.ledger().await, engine.unsettled().await)
}

/// The same without figures.
async fn structure(engine: &TestEngine) -> String {
    engine.settle().await;
    let tree: Vec<_> =
        engine.tree().await.into_iter().filter(|(name, _)| !name.starts_with("reconciler")).collect();
    let packages = engine.packages();
    let mut text = format!("{tree:#?}\n{packages:#?}\n");
    for package in &packages {
        for name in package.owns.iter().filter_map(|name| name.strip_prefix("reactor ")) {
            let reactor = engine.reactor(name).unwrap();
            text += &format!("{name}: {:?} {:?}\n", reactor.subscribers().await, reactor.health().await);
            text += &format!("{:#}\n", reactor.inspect().await);
        }
    }
    let lookups = ["PriceReactor", "First", "Second"].map(|name| engine.reactor(name).is_ok());
    let accumulators = ["raw_prices", "first", "second"].map(|name| engine.accumulator::<u64>(name).is_ok());
    text + &format!("{lookups:?} {accumulators:?}")
}

/// The same whoever the actors are: their ids, as `0.17` and `Local(17)`, are left out.
async fn shape(engine: &TestEngine) -> String {
    let structure = structure(engine).await.replace("Local(", "0.");
    let pieces = structure.split_inclusive(|c: char| !c.is_ascii_digit() && c != '.');
    pieces
        .map(|piece| {
            let end = piece.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.').len();
            if piece[..end].contains('.') { format!("ID{}", &piece[end..]) } else { piece.to_owned() }
        })
        .collect()
}
