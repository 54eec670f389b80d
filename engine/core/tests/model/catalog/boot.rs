//! What a start loads, and what becomes of packages in a folder.

use super::{carry_out, drain, load, loaded, quarantine, route, routed, run, unload};
use acequia_core::catalog::{Catalog, FilePackage, FilePolicy, FileVerdict, Operation, PinKind};

fn file(version: &str) -> FilePackage {
    FilePackage { package: "p".into(), version: version.into(), label: None, manifest: None }
}

/// A start: fold what was journaled, judge the file, do what the verdict says.
fn start(catalog: &Catalog, version: &str, policy: FilePolicy) -> (Catalog, FileVerdict) {
    let mut catalog = Catalog::fold(&catalog.condensed()).unwrap();
    let verdict = catalog.judge_file(&file(version), policy);
    match &verdict {
        FileVerdict::First(operation) | FileVerdict::Overrides { operation, .. } => {
            carry_out(&mut catalog, operation.clone()).unwrap();
        }
        FileVerdict::Resident { .. } | FileVerdict::Ignored { .. } => {}
    }
    (catalog, verdict)
}

#[test]
fn versions_come_up_in_the_order_of_deploys_whatever_was_redeployed() {
    let mut catalog = Catalog::default();
    for (package, version) in [("z", "z1"), ("a", "a1"), ("z", "z2"), ("m", "m1")] {
        carry_out(&mut catalog, load(package, version)).unwrap();
    }
    // A reload and a rollback do not change who may need whom.
    carry_out(&mut catalog, load("z", "z1")).unwrap();
    carry_out(&mut catalog, load("a", "a1")).unwrap();
    let boot = Catalog::fold(&catalog.condensed()).unwrap().boot();
    let order: Vec<_> = boot.iter().map(|boot| (boot.version.as_str(), boot.is_routed)).collect();
    assert_eq!(order, [("z1", true), ("a1", true), ("z2", false), ("m1", true)]);
}

#[test]
fn a_damaged_version_strands_its_own_runs_visibly_and_nobody_elses() {
    let mut catalog = loaded(&["v1", "v2"]);
    run(&mut catalog, "p", "v1", PinKind::LiveRun, "r1");
    run(&mut catalog, "p", "v2", PinKind::LiveRun, "r2");
    carry_out(&mut catalog, quarantine("p", "v1")).unwrap();
    let stranded: Vec<_> =
        catalog.stranded().into_iter().map(|(_, version, _, holder)| (version, holder)).collect();
    assert_eq!(stranded, [("v1".into(), "r1".into())]);
    assert!(catalog.boot().iter().any(|boot| boot.version.as_str() == "v2" && boot.is_routed));
}

#[test]
fn a_file_is_where_a_package_begins_and_a_rollback_outlives_it() {
    let (catalog, verdict) = start(&Catalog::default(), "v2", FilePolicy::Initial);
    assert!(matches!(verdict, FileVerdict::First(_)));
    let (mut catalog, verdict) = start(&catalog, "v2", FilePolicy::Initial);
    assert!(matches!(verdict, FileVerdict::Resident { .. }));

    carry_out(&mut catalog, load("p", "v1")).unwrap();
    carry_out(&mut catalog, route("p", "v1")).unwrap();
    let (mut catalog, verdict) = start(&catalog, "v2", FilePolicy::Initial);
    assert_eq!(verdict.to_string(), "p is at v1, and its file of version v2 stays unused");
    assert_eq!(routed(&catalog), Some("v1".to_owned()));

    carry_out(&mut catalog, unload("p", None)).unwrap();
    let (catalog, verdict) = start(&catalog, "v2", FilePolicy::Initial);
    assert_eq!(verdict.to_string(), "p is at no version, and its file of version v2 stays unused");
    assert_eq!(catalog.versions().len(), 0);
}

#[test]
fn a_pinned_file_overrides_an_operator_and_says_so() {
    let mut catalog = loaded(&["v1", "v2"]);
    carry_out(&mut catalog, route("p", "v1")).unwrap();
    let (catalog, verdict) = start(&catalog, "v2", FilePolicy::Pinned);
    assert_eq!(verdict.to_string(), "p was left at v1, and its file says: load v2");
    assert_eq!(routed(&catalog), Some("v2".to_owned()));
    let (_, verdict) = start(&catalog, "v2", FilePolicy::Pinned);
    assert!(matches!(verdict, FileVerdict::Resident { .. }));
}

#[test]
fn a_package_known_only_for_its_quarantine_was_never_loaded() {
    let mut catalog = Catalog::default();
    carry_out(&mut catalog, quarantine("p", "v0")).unwrap();
    let (_, verdict) = start(&catalog, "v1", FilePolicy::Initial);
    assert!(matches!(verdict, FileVerdict::First(Operation::Load(_))));
}

#[test]
fn a_drain_under_way_goes_on_after_a_start() {
    let mut catalog = loaded(&["v1", "v2"]);
    carry_out(&mut catalog, drain("p", Some("v1"))).unwrap();
    let mut catalog = Catalog::fold(&catalog.condensed()).unwrap();
    for operation in catalog.drained() {
        carry_out(&mut catalog, operation).unwrap();
    }
    assert_eq!(catalog.boot().len(), 1);
}
