//! What a refused load or unload says: every reason, in the words that people rely on.

use super::plans::{graph, reactor};
use acequia_core::package::{CronDecl, Package, Version, WorkflowDecl};
use acequia_core::reconcile::{
    Actual, Desired, Hold, Pin, Problem, Quarantine, Refusal, SinkDecl, dependants, plan_load, plan_unload,
};

fn publisher() -> Package {
    Package::new("pricing-publisher").version("1").reactor(reactor("PriceReactor", "raw_prices"))
}

fn subscriber() -> Package {
    let graph = graph("price_consumer", Some("PriceReactor"), &["raw_prices"]);
    Package::new("pricing-subscriber").version("1").graph(graph)
}

fn refused(actual: &Actual, packages: &[Package], sinks: Vec<SinkDecl>) -> Refusal {
    let packages = packages.iter().map(|package| (package, package.version_in(""))).collect();
    plan_load(actual, &Desired { packages, sinks }).unwrap_err()
}

fn loaded(packages: &[Package], sinks: Vec<SinkDecl>) -> Actual {
    let mut actual = Actual::default();
    let packages = packages.iter().map(|package| (package, package.version_in(""))).collect();
    let plan = plan_load(&actual, &Desired { packages, sinks }).unwrap();
    actual.apply(&plan);
    actual
}

#[test]
fn an_early_subscriber_is_told_which_reactor_is_missing() {
    let refusal = refused(&Actual::default(), &[subscriber()], Vec::new());
    assert_eq!(
        refusal.to_string(),
        "E0411: reactor 'PriceReactor' not loaded; the publishing package must load before its subscribers \
         (package pricing-subscriber, graph price_consumer)"
    );
    assert_eq!(refusal.missing(), Some(vec!["PriceReactor".into()]));
}

#[test]
fn an_unload_names_every_bound_subscriber() {
    let mut actual = loaded(&[publisher(), subscriber()], Vec::new());
    let text = "package 'pricing-publisher' owns reactor 'PriceReactor', which has 1 bound subscriber(s): \
                [\"price_consumer\" (pricing-subscriber)]; unload subscribers first";
    let refusal = plan_unload(&actual, &["pricing-publisher".into()]).unwrap_err();
    assert_eq!(refusal.to_string(), format!("E0471: {text}"));

    actual.holds.insert("price_consumer".into(), Hold::Reserved);
    let refusal = plan_unload(&actual, &["pricing-publisher".into()]).unwrap_err();
    assert!(refusal.to_string().contains("(pricing-subscriber, restarting)"), "{refusal}");

    actual.holds.insert("price_consumer".into(), Hold::Released);
    assert!(plan_unload(&actual, &["pricing-publisher".into()]).is_ok(), "quarantine holds nothing");
}

#[test]
fn a_refused_load_gives_every_reason_at_once() {
    let mut actual = loaded(&[publisher()], Vec::new());
    let quarantine = Quarantine { package: "p".into(), reason: "it panicked".to_owned() };
    actual.quarantined.insert(Version::from("bad"), quarantine);
    let package = Package::new("p")
        .version("bad")
        .cron(CronDecl::new("t", "never"))
        .reactor(reactor("PriceReactor", "raw_prices"))
        .graph(graph("g", Some("Gone"), &["x"]))
        .graph(graph("g", Some("PriceReactor"), &["nowhere"]))
        .workflow(WorkflowDecl::new("w").on_trigger("gone").invoking("t", "g"))
        .requires_from("PriceReactor", "somebody");
    let sink = SinkDecl { graph: "g".into(), terminal: "none".into(), payload: None, feeds: None };
    let refusal = refused(&actual, &[package], vec![sink]);
    let text = refusal.to_string();
    for code in ["E0467", "E0460", "E0410", "E0411", "E0310", "E0464", "E0402"] {
        assert!(text.contains(code), "{code} is not in\n{text}");
    }
    assert_eq!(refusal.missing(), None, "more is wrong than that it is early");
    let taken = refusal.problems.iter().filter(|p| matches!(p, Problem::NameTaken { .. })).count();
    assert_eq!(taken, 3, "reactor, accumulator, and the graph's own second name\n{text}");
}

#[test]
fn a_cycle_of_feeds_is_refused_with_its_path() {
    let package = |n: u8| {
        let (r, a) = (format!("R{n}"), format!("a{n}"));
        Package::new(format!("p{n}")).version("1").reactor(reactor(&r, &a)).graph(graph(
            &format!("g{n}"),
            Some(&r),
            &[&a],
        ))
    };
    let feed = |graph: &str, accumulator: &str| SinkDecl {
        graph: graph.into(),
        terminal: "out".into(),
        payload: None,
        feeds: Some(accumulator.into()),
    };
    let packages = [package(0), package(1), package(2)];
    let sinks = vec![feed("g0", "a1"), feed("g1", "a2"), feed("g2", "a0")];
    let refusal = refused(&Actual::default(), &packages, sinks.clone());
    assert!(refusal.to_string().contains("closes a cycle: R2 -> R0 -> R1 -> R2"), "{refusal}");

    let actual = loaded(&packages, sinks[..2].to_vec());
    let held = plan_unload(&actual, &["p2".into()]).unwrap_err();
    assert!(
        held.to_string().contains("owns accumulator 'a2', which 1 terminal(s) feed: [\"g1.out\" (p1)]"),
        "{held}"
    );
    assert_eq!(dependants(&actual, &"p2".into()).unwrap(), ["p0", "p1", "p2"].map(Into::into));
}

#[test]
fn every_kind_of_holder_is_named_at_once() {
    let publisher =
        publisher().cron(CronDecl::new("nightly", "0 6 * * *")).graph(graph("score", None, &["x"]));
    let workflow =
        WorkflowDecl::new("report").on_trigger("nightly").on_reactor("PriceReactor").invoking("t", "score");
    let other = Package::new("reports").version("1").workflow(workflow);
    let mut actual = loaded(&[publisher, subscriber(), other], Vec::new());
    actual.pins.insert(Pin {
        package: "pricing-publisher".into(),
        version: Version::from("1"),
        holder: "run 7 of report".to_owned(),
    });
    let text = plan_unload(&actual, &["pricing-publisher".into()]).unwrap_err().to_string();
    for part in [
        "1 bound subscriber(s): [\"price_consumer\" (pricing-subscriber)]",
        "owns reactor 'PriceReactor', which starts 1 workflow(s): [\"report\" (reports)]",
        "owns trigger 'nightly', which starts 1 workflow(s)",
        "owns graph 'score', which 1 workflow(s) invoke",
        "is held by 1: [run 7 of report]",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn the_same_version_again_changes_nothing_and_another_one_is_not_slipped_in() {
    let actual = loaded(&[publisher()], Vec::new());
    let package = publisher();
    let desired = Desired { packages: vec![(&package, Version::from("1"))], sinks: Vec::new() };
    let plan = plan_load(&actual, &desired).unwrap();
    assert!(plan.is_empty());
    assert_eq!(plan.unchanged, ["pricing-publisher".into()]);
    let several = refused(&actual, &[publisher().version("2"), subscriber()], Vec::new());
    assert!(matches!(several.problems[..], [Problem::OtherVersion { .. }]), "{several}");
}

#[test]
fn an_upgrade_keeps_its_shape_and_the_contracts_of_others() {
    let actual = loaded(&[publisher(), subscriber()], Vec::new());
    let upgrade = |package: Package| {
        plan_load(&actual, &Desired { packages: vec![(&package, Version::from("2"))], sinks: Vec::new() })
    };
    let plan = upgrade(publisher()).unwrap();
    let mut after = actual.clone();
    after.apply(&plan);
    assert_eq!(after.packages["pricing-publisher"].version, Version::from("2"));
    after.apply(&plan.reversed());
    assert_eq!(after, actual);

    let broken = Package::new("pricing-publisher").reactor(reactor("PriceReactor", "other_prices"));
    let refusal = upgrade(broken).unwrap_err().to_string();
    assert!(refusal.contains("E0310: graph price_consumer reads [\"raw_prices\"]"), "{refusal}");
    assert!(
        refusal.contains("E0468") && refusal.contains("differs from the loaded one in reactor PriceReactor")
    );
    let more = publisher().graph(graph("more", None, &["x"]));
    assert!(upgrade(more).unwrap_err().to_string().contains("graph more (new)"));
    let less = upgrade(Package::new("pricing-publisher")).unwrap_err().to_string();
    assert!(less.contains("reactor PriceReactor (gone)"), "{less}");
}
