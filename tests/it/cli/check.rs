//! `check`: a set of packages, from its files and from its declarations.

use super::{Declared, Known, Packages, publisher, run, run_with, schema, subscriber, text};
use acequia_cli::Exit;
use acequia_cli::declared::{Accumulator, Reactor};
use acequia_core::accumulator::Kind;
use std::fs;

const REQUIRES: &str =
    "[[requires.reactors]]\nreactor = \"PriceReactor\"\npackage = \"publisher\"\nversion = \"^1\"";

/// Check publisher and subscriber, as their libraries declare.
#[track_caller]
fn check(theirs: Declared, ours: Declared, exit: Exit, parts: &[&str]) {
    let packages = Packages::new();
    let publisher = packages.package("publisher", "");
    let subscriber = packages.package("subscriber", REQUIRES);
    let loader = Known::default().with(theirs).with(ours);
    run_with(&["package", "check", text(&publisher), text(&subscriber)], Some(&loader)).says(exit, parts);
}

#[test]
fn a_set_that_fits_is_said_to_fit() {
    let parts = ["bound to reactor PriceReactor", "the set can be loaded"];
    check(publisher(), subscriber("raw_prices", "f64"), Exit::Done, &parts);
}

#[test]
fn the_order_of_the_arguments_does_not_matter() {
    let packages = Packages::new();
    let publisher_at = packages.package("publisher", "");
    let subscriber_at = packages.package("subscriber", REQUIRES);
    let loader = Known::default().with(publisher()).with(subscriber("raw_prices", "f64"));
    let said = run_with(&["package", "check", text(&subscriber_at), text(&publisher_at)], Some(&loader));
    said.says(Exit::Done, &["the set can be loaded"]);
}

#[test]
fn a_graph_that_reads_what_its_reactor_does_not_offer_is_refused() {
    let parts = ["package subscriber", "reactor PriceReactor", "[\"asks\"]", "offers [\"raw_prices\"]"];
    check(publisher(), subscriber("asks", "f64"), Exit::Refused, &parts);
    let parts = ["raw_prices", "hash of u64", "hash of f64"];
    check(publisher(), subscriber("raw_prices", "u64"), Exit::Refused, &parts);
}

#[test]
fn a_name_that_another_package_has_is_refused_with_its_owner() {
    let mut ours = subscriber("raw_prices", "f64");
    let raw = Accumulator { name: "raw_prices".into(), kind: Kind::Batch, boundary: schema("f64") };
    ours.reactors.push(Reactor { name: "Other".into(), accumulators: vec![raw] });
    check(publisher(), ours, Exit::Refused, &["accumulator raw_prices", "package publisher has it already"]);
}

#[test]
fn a_publisher_without_the_required_reactor_is_refused() {
    let mut theirs = publisher();
    theirs.reactors[0].name = "Prices".into();
    check(theirs, subscriber("raw_prices", "f64"), Exit::Refused, &["no such reactor", "[\"Prices\"]"]);
}

#[test]
fn a_library_of_another_package_is_refused() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let mut declared = publisher();
    declared.package = "other".into();
    let loader = Known([(b"publisher".to_vec(), declared)].into());
    run_with(&["package", "check", text(&folder)], Some(&loader))
        .says(Exit::Refused, &["calls itself other"]);
}

#[test]
fn an_override_that_does_not_fit_is_refused() {
    let packages = Packages::new();
    let loader = Known::default().with(publisher());
    let refused = |rest: &str, parts: &[&str]| {
        let folder = packages.package("publisher", rest);
        run_with(&["package", "check", text(&folder)], Some(&loader)).says(Exit::Refused, parts);
    };
    refused("[accumulators.raw]\nattempts = 1", &["E0858", "raw_prices"]);
    refused("[accumulators.raw_prices]\ninterval = 1", &["E0857", "polling"]);
}

#[test]
fn a_runtime_of_its_own_is_shown_and_refused_where_the_library_has_none() {
    let packages = Packages::new();
    let own = |name: &str| {
        let folder = packages.package(name, "");
        let manifest = std::fs::read_to_string(folder.join("package.toml")).unwrap();
        let manifest = manifest.replace("[package]\n", "[package]\nruntime = \"own\"\n");
        std::fs::write(folder.join("package.toml"), manifest).unwrap();
        folder
    };
    let loader = Known::default().with(publisher());
    let folder = own("publisher");
    run_with(&["package", "check", text(&folder)], Some(&loader)).says(Exit::Done, &["a thread of its own"]);
    run_with(&["package", "inspect", text(&folder)], Some(&loader)).says(Exit::Done, &["runtime", "own"]);
    let loader = Known::default().with(subscriber("raw_prices", "f64"));
    run_with(&["package", "check", text(&own("subscriber"))], Some(&loader))
        .says(Exit::Refused, &["runtime", "feature `own-runtime`"]);
}

#[test]
fn what_depends_on_the_engine_stays_open_and_is_said() {
    let packages = Packages::new();
    let folder = packages.package("subscriber", REQUIRES);

    let alone = run(&["package", "check", text(&folder)]);
    alone.says(Exit::Done, &["package publisher is not in the set", "2 left to the engine at load"]);
    let loader = Known::default().with(subscriber("raw_prices", "f64"));
    let looked_into = run_with(&["package", "check", text(&folder), "--json"], Some(&loader)).json();
    assert_eq!((looked_into["ok"].as_bool(), looked_into["open"].as_u64()), (Some(true), Some(2)));
}

#[test]
fn what_files_alone_tell_is_refused_without_looking_into_libraries() {
    let packages = Packages::new();
    let publisher = packages.package("publisher", "");
    let strict = packages.package("subscriber", &REQUIRES.replace("^1", "^2"));
    let check = |paths: &[&str]| run(&[&["package", "check"], paths].concat());

    check(&[text(&publisher), text(&strict)]).says(Exit::Refused, &["must be ^2, and is 1.2.0"]);
    check(&[text(&publisher), text(&publisher)]).says(Exit::Refused, &["has that name"]);
    fs::remove_dir_all(publisher.join("lib")).unwrap();
    check(&[text(&publisher)]).says(Exit::Refused, &["E0873", "package build"]);
    let engine = packages.package("engine", "[requires]\nengine = \">=9\"");
    check(&[text(&engine)]).says(Exit::Refused, &["E0872", ">=9"]);
    check(&[text(&packages.root().join("absent"))]).says(Exit::Refused, &["E0817", "absent"]);
}
