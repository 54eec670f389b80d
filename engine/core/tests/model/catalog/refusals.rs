//! Every row of the table of deploys: what an operation does, and what it refuses.

use super::{
    cancel, carry_out, command, decide, drain, hold, load, loaded, pin, quarantine, route, route_if, routed,
    run, unload,
};
use acequia_core::Timestamp;
use acequia_core::catalog::{
    Answer, Catalog, Command, Load, Operation, Origin, Outcome, PinKind, Refusal, Selector, Standing,
};
use acequia_core::package::Version;

#[test]
fn a_load_takes_the_route_and_loading_again_takes_it_back() {
    let mut catalog = Catalog::default();
    let fresh = |version: &str, freshly_loaded, route_changed| {
        Ok(Answer::Loaded { version: version.into(), freshly_loaded, route_changed })
    };
    assert_eq!(carry_out(&mut catalog, load("p", "v1")), fresh("v1", true, true));
    assert_eq!(carry_out(&mut catalog, load("p", "v2")), fresh("v2", true, true));
    assert_eq!(carry_out(&mut catalog, load("p", "v1")), fresh("v1", false, true));
    assert_eq!(carry_out(&mut catalog, load("p", "v1")), fresh("v1", false, false));
    assert_eq!(catalog.snapshot().package(&"p".into()).unwrap().iter().count(), 2);
}

#[test]
fn a_route_is_a_rollback_and_says_from_where() {
    let mut catalog = loaded(&["v1", "v2"]);
    let answer = |version: &str, from: &str, changed| {
        Ok(Answer::Routed { version: version.into(), from: Some(from.into()), changed })
    };
    assert_eq!(carry_out(&mut catalog, route("p", "v1")), answer("v1", "v2", true));
    assert_eq!(carry_out(&mut catalog, route("p", "v1")), answer("v1", "v1", false));
    assert_eq!(carry_out(&mut catalog, route_if("p", "v2", "v1")), answer("v2", "v1", true));
}

#[test]
fn an_operation_on_what_is_not_loaded_names_what_is() {
    let catalog = loaded(&["v1", "v2"]);
    let unknown = |operation, expected: &[&str]| match decide(&catalog, operation).unwrap_err() {
        Refusal::UnknownVersion { loaded, .. } => {
            assert_eq!(loaded.iter().map(Version::as_str).collect::<Vec<_>>(), expected);
        }
        other => panic!("{other}"),
    };
    for operation in
        [route("p", "v3"), unload("p", Some("v3")), drain("p", Some("v3")), cancel("p", Some("v3"))]
    {
        unknown(operation, &["v1", "v2"]);
    }
    for operation in [route("q", "v1"), unload("q", Some("v1")), unload("q", None), drain("q", None)] {
        unknown(operation, &[]);
    }
    let text = decide(&catalog, route("q", "v1")).unwrap_err().to_string();
    assert_eq!(text, "E0602: package q has no loaded version v1; loaded: none");
}

#[test]
fn a_version_is_found_by_hash_prefix_or_label_if_only_one_is_meant() {
    let mut catalog = Catalog::default();
    for (version, label) in [("aa11", "1.0"), ("aa22", "1.1"), ("bb33", "1.1"), ("cc44", "aa1")] {
        carry_out(&mut catalog, Operation::Load(Load::new("p", version).label(label))).unwrap();
    }
    let check = |text: &str, expected: Result<&str, usize>| {
        let snapshot = catalog.snapshot();
        let found = snapshot.package(&"p".into()).unwrap().loaded(&"p".into(), &Selector::from(text));
        let found = found.map(|loaded| loaded.version.as_str()).map_err(|refusal| match refusal {
            Refusal::AmbiguousVersion { candidates, .. } => candidates.len(),
            Refusal::UnknownVersion { .. } => 0,
            other => panic!("{other}"),
        });
        assert_eq!(found, expected, "{text}");
    };
    check("aa11", Ok("aa11"));
    check("bb", Ok("bb33"));
    check("1.0", Ok("aa11"));
    check("aa", Err(2));
    check("1.1", Err(2));
    // The prefix of one and the label of another.
    check("aa1", Err(2));
    check("", Err(0));
    check("dd", Err(0));
    check("1", Err(0));
}

#[test]
fn a_route_that_moved_is_not_overwritten() {
    let catalog = loaded(&["v1", "v2"]);
    let refusal = decide(&catalog, route_if("p", "v1", "v1")).unwrap_err();
    let (package, expected, found) = ("p".into(), "v1".into(), Some("v2".into()));
    assert_eq!(refusal, Refusal::RouteMoved { package, expected, found });
}

#[test]
fn the_routed_version_is_not_unloaded_without_its_package() {
    let mut catalog = loaded(&["v1", "v2"]);
    for operation in [unload("p", Some("v2")), drain("p", Some("v2"))] {
        assert!(matches!(decide(&catalog, operation).unwrap_err(), Refusal::RouteActive { .. }));
    }
    assert!(carry_out(&mut catalog, unload("p", Some("v1"))).is_ok());
    assert!(carry_out(&mut catalog, unload("p", None)).is_ok());
    assert_eq!((routed(&catalog), catalog.versions().len()), (None, 0));
}

#[test]
fn equal_code_with_another_manifest_is_refused_with_both_digests() {
    let mut catalog = Catalog::default();
    let with = |digest: &str| Operation::Load(Load::new("p", "v1").manifest(digest));
    carry_out(&mut catalog, with("one")).unwrap();
    let refusal = decide(&catalog, with("two")).unwrap_err();
    assert!(refusal.to_string().contains("manifest one") && refusal.to_string().contains("two was offered"));
    assert!(matches!(decide(&catalog, load("p", "v1")).unwrap_err(), Refusal::ManifestMismatch { .. }));
    assert!(carry_out(&mut catalog, with("one")).is_ok());
}

#[test]
fn after_a_shutdown_began_deploys_and_starts_are_refused_and_listing_works() {
    let mut catalog = loaded(&["v1", "v2"]);
    run(&mut catalog, "p", "v1", PinKind::LiveRun, "r1");
    let before = catalog.snapshot();
    catalog.shut_down();
    let deploys =
        [load("p", "v3"), route("p", "v1"), unload("p", Some("v1")), unload("p", None), drain("p", None)];
    for operation in deploys {
        assert_eq!(decide(&catalog, operation).unwrap_err(), Refusal::ShuttingDown);
    }
    for snapshot in [before, catalog.snapshot()] {
        assert_eq!(snapshot.start(&"p".into(), "r2").unwrap_err(), Refusal::ShuttingDown);
    }
    let child = catalog.start_child(&"p".into(), &"v1".into(), &"r1".into(), "c1");
    assert_eq!(child.unwrap_err(), Refusal::ShuttingDown);
    assert_eq!(catalog.versions().len(), 2);
    // What runs is still recorded, up to its end.
    let become_resumable = acequia_core::catalog::PinChange::Become {
        package: "p".into(),
        version: "v1".into(),
        from: PinKind::LiveRun,
        to: PinKind::ResumableRun,
        holder: "r1".into(),
    };
    assert!(carry_out(&mut catalog, pin(vec![become_resumable])).is_ok());
    assert_eq!(catalog.versions()[0].pins.of(PinKind::ResumableRun), 1);
}

#[test]
fn a_quarantined_version_takes_no_work_until_it_is_cleared_or_followed_by_a_new_one() {
    let mut catalog = loaded(&["v1", "v2"]);
    carry_out(&mut catalog, quarantine("p", "v1")).unwrap();
    let is_kept_out = |refusal: Refusal| matches!(refusal, Refusal::Quarantined { .. });
    for operation in [load("p", "v1"), route("p", "v1")] {
        assert!(is_kept_out(decide(&catalog, operation).unwrap_err()));
    }
    assert!(is_kept_out(catalog.snapshot().start_at(&"p".into(), &"v1".into(), "r").unwrap_err()));
    // It stays out after it was unloaded.
    carry_out(&mut catalog, unload("p", Some("v1"))).unwrap();
    assert!(is_kept_out(decide(&catalog, load("p", "v1")).unwrap_err()));

    let clear = || Operation::ClearQuarantine { package: "p".into(), version: None };
    carry_out(&mut catalog, clear()).unwrap();
    assert!(matches!(decide(&catalog, clear()).unwrap_err(), Refusal::NotQuarantined { .. }));
    assert!(carry_out(&mut catalog, load("p", "v1")).is_ok());

    carry_out(&mut catalog, quarantine("p", "v1")).unwrap();
    carry_out(&mut catalog, load("p", "v3")).unwrap();
    assert!(carry_out(&mut catalog, route("p", "v1")).is_ok());
}

#[test]
fn nobody_is_pinned_who_was_not_let_in() {
    let mut catalog = loaded(&["v1"]);
    for kind in [PinKind::LiveRun, PinKind::ResumableRun, PinKind::RecordedChild, PinKind::Start] {
        let refusal = decide(&catalog, pin(vec![hold("p", "v1", kind, "r")])).unwrap_err();
        assert!(matches!(refusal, Refusal::NotAdmitted { .. }), "{kind}: {refusal}");
    }
    // These belong to work that is there already.
    for kind in [PinKind::Handoff, PinKind::Reservation] {
        assert!(carry_out(&mut catalog, pin(vec![hold("p", "v1", kind, "r")])).is_ok());
    }
    let unknown = decide(&catalog, pin(vec![hold("p", "v9", PinKind::Handoff, "r")])).unwrap_err();
    assert!(matches!(unknown, Refusal::UnknownVersion { .. }));
}

#[test]
fn what_an_unload_left_is_listed_until_it_is_reaped() {
    let mut catalog = loaded(&["v1", "v2"]);
    carry_out(&mut catalog, unload("p", Some("v1"))).unwrap();
    let (package, version, left) = ("p".into(), "v1".into(), vec!["a mapping".to_owned()]);
    carry_out(&mut catalog, Operation::Orphan { package, version, left }).unwrap();
    let orphans = |catalog: &Catalog| {
        catalog
            .snapshot()
            .package(&"p".into())
            .unwrap()
            .orphans()
            .map(|(v, _)| v.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(orphans(&catalog), ["v1"]);
    carry_out(&mut catalog, Operation::Reap { package: "p".into(), version: "v1".into() }).unwrap();
    assert_eq!(orphans(&catalog), [""; 0]);
}

#[test]
fn long_reasons_are_kept_in_part() {
    let mut catalog = loaded(&["v1"]);
    let reason = "é".repeat(5_000).into();
    let operation = Operation::Quarantine { package: "p".into(), version: "v1".into(), reason };
    carry_out(&mut catalog, operation).unwrap();
    let snapshot = catalog.snapshot();
    let (_, kept) = snapshot.package(&"p".into()).unwrap().quarantined().next().unwrap();
    assert_eq!(kept.chars().count(), 500);
}

#[test]
fn every_mutation_and_every_refusal_leaves_one_audit_entry() {
    let mut catalog = loaded(&["v1"]);
    let operation = Operation::Load(Load { origin: Origin::File, ..Load::new("p", "v2").label("2.0") });
    let bob = Command::new("bob", Timestamp::from_millis(9), operation);
    let decision = catalog.decide(&bob).unwrap();
    let audit = decision.record.audit.clone().unwrap();
    catalog.apply(&decision.record).unwrap();
    let standing = |route: &str, versions: &[&str]| Standing {
        route: Some(route.into()),
        versions: versions.iter().map(|version| Version::from(*version)).collect(),
        ..Standing::default()
    };
    assert_eq!(
        (audit.by.as_str(), audit.what.as_str(), audit.at),
        ("bob", "load v2 (2.0)", Timestamp::from_millis(9))
    );
    assert_eq!((audit.before, audit.after), (standing("v1", &["v1"]), standing("v2", &["v1", "v2"])));
    assert_eq!(audit.outcome, Outcome::Done);

    let asked = command(unload("p", Some("v2")));
    let refusal = catalog.decide(&asked).unwrap_err();
    let refused = catalog.refused(&asked, &refusal);
    let audit = refused.audit.clone().unwrap();
    assert!(matches!(&audit.outcome, Outcome::Refused { reason } if reason.starts_with("E0605")));
    assert_eq!((audit.before.clone(), refused.changes.len()), (audit.after, 0));
    let before = Catalog::fold(&catalog.condensed()).unwrap();
    catalog.apply(&refused).unwrap();
    assert_eq!(catalog, before);
}
