//! Plans over random packages: nothing dangles, precedence holds, and the way back leads back.

use super::harness::cases;
use acequia_core::PackageName;
use acequia_core::accumulator::AccumulatorDecl;
use acequia_core::graph::{GraphDecl, InputDecl, PartFn, Presence, TerminalDecl, Topology, TurnEnd};
use acequia_core::package::{CronDecl, Package, SubscriptionDecl, Version, WorkflowDecl};
use acequia_core::reactor::{ReactorDecl, when_any};
use acequia_core::reconcile::{
    Actual, Desired, Holding, Plan, SinkDecl, UnloadRefusal, dependants, plan_load, plan_unload,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A graph over numbers: what it is bound to, and what it reads.
pub fn graph(name: &str, reactor: Option<&str>, reads: &[&str]) -> GraphDecl {
    let inputs = reads.iter().map(|read| InputDecl::new::<u64>(*read, Presence::Optional)).collect();
    let topology = Topology::default();
    let terminals = vec![TerminalDecl::new::<u64>("out")];
    let make = Arc::new(|| -> Box<dyn acequia_core::graph::GraphPart> {
        Box::new(PartFn(
            |_: &acequia_core::graph::View<'_>, _: usize, _: &mut acequia_core::graph::Outcomes| {
                TurnEnd::Done
            },
        ))
    });
    GraphDecl::new(name, reactor.map(Into::into), inputs, terminals, topology, make)
}

/// A reactor over one accumulator of numbers.
pub fn reactor(name: &str, accumulator: &str) -> ReactorDecl {
    ReactorDecl::new(name, vec![AccumulatorDecl::passthrough::<u64>(accumulator)], when_any([accumulator]))
}

/// Its name, and the cron trigger, reactor and graph that it refers to.
type SketchedWorkflow = (u8, Option<u8>, Option<u8>, Option<u8>);

/// What a package of the model declares, by number.
#[derive(Debug, Clone)]
struct Sketch {
    name: u8,
    reactors: Vec<u8>,
    graphs: Vec<(u8, Option<u8>)>,
    crons: Vec<u8>,
    workflows: Vec<SketchedWorkflow>,
    feeds: Vec<(u8, u8)>,
}

impl Sketch {
    fn package(&self) -> Package {
        let mut package = Package::new(format!("p{}", self.name)).version("1");
        for n in &self.reactors {
            package = package.reactor(reactor(&format!("R{n}"), &format!("a{n}")));
        }
        for (n, bound) in &self.graphs {
            let accumulator = bound.map_or("x".to_owned(), |reactor| format!("a{reactor}"));
            let bound = bound.map(|reactor| format!("R{reactor}"));
            package = package.graph(graph(&format!("g{n}"), bound.as_deref(), &[&accumulator]));
        }
        for n in &self.crons {
            package = package.cron(CronDecl::new(format!("c{n}"), "0 6 * * *"));
        }
        for (n, cron, reactor, invoked) in &self.workflows {
            let mut workflow = WorkflowDecl::new(format!("w{n}")).task("t");
            if let Some(cron) = cron {
                workflow = workflow.on_trigger(format!("c{cron}"));
            }
            if let Some(reactor) = reactor {
                workflow = workflow.on_reactor(format!("R{reactor}"));
            }
            if let Some(graph) = invoked {
                workflow = workflow.invoking("score", format!("g{graph}"));
            }
            package = package.workflow(workflow);
        }
        package
    }

    fn sinks(&self) -> Vec<SinkDecl> {
        let feeds = self.feeds.iter();
        feeds
            .map(|(graph, accumulator)| SinkDecl {
                graph: format!("g{graph}").into(),
                terminal: "out".into(),
                payload: None,
                feeds: Some(format!("a{accumulator}").into()),
            })
            .collect()
    }
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let few = |n| prop::collection::vec(0..8_u8, 0..n);
    let graphs = prop::collection::vec((0..8_u8, prop::option::weighted(0.8, 0..6_u8)), 0..3);
    let maybe = |n: u8| prop::option::of(0..n);
    let workflows = prop::collection::vec((0..6_u8, maybe(6), maybe(6), maybe(8)), 0..2);
    let feeds = prop::collection::vec((0..8_u8, 0..6_u8), 0..2);
    (0..6_u8, few(3), graphs, few(2), workflows, feeds).prop_map(
        |(name, reactors, graphs, crons, workflows, feeds)| Sketch {
            name,
            reactors,
            graphs,
            crons,
            workflows,
            feeds,
        },
    )
}

#[derive(Debug, Clone)]
enum Op {
    Load(Vec<Sketch>),
    Unload(Vec<u8>),
    Cascade(u8),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => sketch().prop_map(|sketch| Op::Load(vec![sketch])),
        2 => prop::collection::vec(sketch(), 1..4).prop_map(Op::Load),
        2 => prop::collection::vec(0..6_u8, 1..3).prop_map(Op::Unload),
        1 => (0..6_u8).prop_map(Op::Cascade),
    ];
    prop::collection::vec(op, 1..24)
}

fn load(actual: &Actual, sketches: &[Sketch]) -> Option<Plan> {
    let packages: Vec<Package> = sketches.iter().map(Sketch::package).collect();
    let versions = packages.iter().map(|package| (package, Version::from("1"))).collect();
    let sinks = sketches.iter().flat_map(Sketch::sinks).collect();
    plan_load(actual, &Desired { packages: versions, sinks }).ok()
}

/// The plan keeps its order, leaves nothing dangling, and its reverse undoes it.
fn carried_out(actual: &Actual, plan: &Plan) -> Result<Actual, TestCaseError> {
    let places: Vec<u8> = plan.steps.iter().map(|step| step.record.precedence()).collect();
    let mut sorted = places.clone();
    sorted.sort_unstable();
    if plan.direction == acequia_core::reconcile::Direction::Down {
        sorted.reverse();
    }
    prop_assert_eq!(places, sorted);
    let mut after = actual.clone();
    after.apply(plan);
    prop_assert_eq!(after.dangling(), Vec::<String>::new());
    let mut back = after.clone();
    back.apply(&plan.reversed());
    prop_assert_eq!(&back, actual);
    Ok(after)
}

/// Whoever holds something of `package`, by going through everything that is loaded.
fn naive_holders(actual: &Actual, package: &PackageName) -> BTreeSet<String> {
    let mut holders = BTreeSet::new();
    let mut held = |what: String, by: &PackageName| {
        if by != package {
            holders.insert(format!("{what} by {by}"));
        }
    };
    let owns_reactor = |name| actual.reactors.get(name).is_some_and(|owned| owned.package == *package);
    for (name, graph) in actual.graphs.iter() {
        if graph.value.reactor.as_ref().is_some_and(owns_reactor) {
            held(format!("seat of {name}"), &graph.package);
        }
    }
    for (name, workflow) in actual.workflows.iter() {
        for subscription in &workflow.value.subscriptions {
            let owner = match subscription {
                SubscriptionDecl::Trigger(trigger) => actual.trigger(trigger),
                SubscriptionDecl::Reactor(reactor) => {
                    actual.reactors.get(reactor).map(|owned| &owned.package)
                }
            };
            if owner == Some(package) {
                held(format!("{subscription:?} of {name}"), &workflow.package);
            }
        }
        for graph in &workflow.value.invokes {
            if actual.graphs.get(graph).is_some_and(|owned| owned.package == *package) {
                held(format!("{graph} in {name}"), &workflow.package);
            }
        }
    }
    for feed in actual.feeds.iter() {
        if actual.accumulators.get(&feed.accumulator).is_some_and(|owned| owned.package == *package) {
            let from = &actual.graphs[&feed.graph].package;
            held(format!("{}.{} into {}", feed.graph, feed.terminal, feed.accumulator), from);
        }
    }
    holders
}

/// The same, as the guard says.
fn guarded_holders(actual: &Actual, package: &PackageName) -> BTreeSet<String> {
    let Err(UnloadRefusal::Held { holdings }) = plan_unload(actual, std::slice::from_ref(package)) else {
        return BTreeSet::new();
    };
    let each = holdings.into_iter().flat_map(|(_, holding)| match holding {
        Holding::Subscribers { graphs, .. } => {
            graphs.iter().map(|(name, by, _)| format!("seat of {name} by {by}")).collect::<Vec<_>>()
        }
        Holding::ReactorTrigger { reactor, workflows } => {
            let what = SubscriptionDecl::Reactor(reactor);
            workflows.iter().map(|(name, by)| format!("{what:?} of {name} by {by}")).collect()
        }
        Holding::Trigger { trigger, workflows } => {
            let what = SubscriptionDecl::Trigger(trigger);
            workflows.iter().map(|(name, by)| format!("{what:?} of {name} by {by}")).collect()
        }
        Holding::Invoked { graph, workflows } => {
            workflows.iter().map(|(name, by)| format!("{graph} in {name} by {by}")).collect()
        }
        Holding::Fed { accumulator, terminals } => {
            let each = terminals.iter();
            each.map(|(graph, terminal, by)| format!("{graph}.{terminal} into {accumulator} by {by}"))
                .collect()
        }
        Holding::Pinned { .. } => Vec::new(),
    });
    each.collect()
}

fn names(numbers: &[u8]) -> Vec<PackageName> {
    let mut names: Vec<PackageName> = numbers.iter().map(|n| format!("p{n}").into()).collect();
    names.dedup();
    names
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn plans_never_dangle_keep_precedence_and_lead_back(ops in ops()) {
        let mut actual = Actual::default();
        for op in ops {
            let plan = match &op {
                Op::Load(sketches) => load(&actual, sketches),
                Op::Unload(numbers) => plan_unload(&actual, &names(numbers)).ok(),
                Op::Cascade(number) => {
                    let package = PackageName::from(format!("p{number}"));
                    match dependants(&actual, &package) {
                        Ok(order) => {
                            prop_assert_eq!(order.last(), Some(&package));
                            let plan = plan_unload(&actual, &order);
                            prop_assert!(plan.is_ok(), "a cascade is never held: {:?}", plan);
                            plan.ok()
                        }
                        Err(_) => None,
                    }
                }
            };
            if let Some(plan) = plan {
                actual = carried_out(&actual, &plan)?;
            }
            for package in actual.packages.keys() {
                prop_assert_eq!(guarded_holders(&actual, package), naive_holders(&actual, package));
            }
        }
    }

    #[test]
    fn dependants_go_one_by_one_in_the_order_of_a_cascade(sketches in prop::collection::vec(sketch(), 1..16)) {
        let mut actual = Actual::default();
        for sketch in &sketches {
            if let Some(plan) = load(&actual, std::slice::from_ref(sketch)) {
                actual.apply(&plan);
            }
        }
        for package in actual.packages.keys() {
            let mut left = actual.clone();
            let order = dependants(&actual, package).unwrap();
            for (at, name) in order.iter().enumerate() {
                match plan_unload(&left, std::slice::from_ref(name)) {
                    Ok(plan) => left.apply(&plan),
                    Err(UnloadRefusal::Held { holdings }) => {
                        // Only packages that hold each other cannot go one by one: they go together.
                        for holder in holdings.iter().flat_map(|(_, holding)| holding.holders()) {
                            let back = dependants(&left, &holder).unwrap();
                            prop_assert!(back.contains(name), "{} before {} for {}", name, holder, package);
                        }
                        let rest = plan_unload(&left, &order[at..]);
                        prop_assert!(rest.is_ok(), "{:?} cannot go together: {:?}", &order[at..], rest);
                        left.apply(&rest.unwrap());
                        break;
                    }
                    Err(other) => prop_assert!(false, "{}", other),
                }
            }
            prop_assert!(!left.packages.contains_key(package));
        }
    }
}
