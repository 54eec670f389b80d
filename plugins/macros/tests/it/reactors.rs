//! Reactors, and graphs bound to them by type.

use crate::accumulators::{normalized_prices, raw_prices};
use crate::harness::Run;
use acequia_sdk::{
    CriteriaDecl, GraphDef, Package, Presence, ReactorDef, Strategy, computation_graph,
    passthrough_accumulator, reactor,
};

/// Prices, raw and normalized.
#[reactor(
    name = "Prices",
    accumulators = [raw_prices, crate::accumulators::normalized_prices],
    criteria = when_any(raw_prices, normalized_prices),
    strategy = sequential,
    log = 10,
)]
pub(crate) struct PriceReactor;

#[passthrough_accumulator]
fn ticks(value: u64) -> u64 {
    value
}

#[reactor(accumulators = [ticks, raw_prices, normalized_prices], criteria = k_of(2, ticks, raw_prices))]
struct Mixed;

#[reactor(accumulators = [ticks, raw_prices], criteria = when_all())]
struct All;

#[test]
fn reactor_declares_accumulators_criteria_and_strategy() {
    let decl = PriceReactor::decl();

    assert_eq!(PriceReactor::NAME, "Prices");
    assert_eq!(
        decl.source_names().iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["raw_prices", "norm.prices"]
    );
    assert_eq!(decl.criteria, acequia_sdk::when_any(["raw_prices", "norm.prices"]));
    assert_eq!((decl.strategy, decl.log_firings), (Strategy::Sequential, 10));
    assert!(decl.resolve().is_ok());
}

#[test]
fn reactors_that_name_one_accumulator_share_it() {
    let package = Package::new("pricing").with_reactor::<Mixed>().with_reactor::<All>();

    let shares = package.shares();
    let shared: Vec<_> =
        shares.iter().map(|share| (share.decl.name.as_str(), share.reactors.len())).collect();

    assert_eq!(shared, [("ticks", 2), ("raw_prices", 2)]);
    assert_eq!(package.cells().len(), 4, "two reactors, and a cell for each of these");
}

#[test]
fn criteria_name_some_or_all() {
    assert_eq!(Mixed::decl().criteria, acequia_sdk::k_of(2, ["ticks", "raw_prices"]));
    assert_eq!(Mixed::decl().strategy, Strategy::Latest);
    assert_eq!(Mixed::NAME, "Mixed");
    assert!(matches!(All::decl().criteria, CriteriaDecl::All(names) if names.len() == 2));
}

#[computation_graph(
    trigger = reactor(PriceReactor),
    graph = { score(raw_prices, normalized_prices) -> publish }
)]
mod bound_by_type {
    fn score(raw: Option<&f64>, normalized: Option<&String>) -> f64 {
        raw.copied().unwrap_or(0.0) + normalized.and_then(|text| text.parse().ok()).unwrap_or(0.0)
    }

    fn publish(score: &f64) -> f64 {
        *score
    }
}

#[test]
fn graph_bound_by_type_reads_the_names_that_the_reactor_knows() {
    let decl = bound_by_type::graph();

    let mut ran = Run::default().with([1.5]).with(["2".to_owned()]).fire(&decl);

    assert_eq!(decl.reactor.as_ref().map(|name| name.as_str()), Some("Prices"));
    assert_eq!(decl.inputs[1].accumulator.as_str(), "norm.prices");
    assert_eq!(decl.inputs[1].presence, Presence::Optional);
    assert_eq!(decl.topology.sources, ["raw_prices", "norm.prices"]);
    assert_eq!(ran.output::<f64>(0), [3.5]);
}

#[test]
fn package_takes_both() {
    let package = Package::new("pricing").with_reactor::<PriceReactor>().with_graph::<bound_by_type::Graph>();

    assert_eq!((package.reactors().len(), package.graphs().len()), (1, 1));
    assert_eq!(bound_by_type::Graph::NAME, "bound_by_type");
}
