//! Pins against unloads: each kind refuses one, refusals name the holders and change nothing.

use super::{
    cancel, carry_out, decide, drain, hold, listed, load, loaded, names, pin, release, route, routed, run,
    unload,
};
use acequia_core::catalog::{Answer, Catalog, Change, Operation, PinKind, Record, Refusal};
use std::time::Instant;

const RECORDED: [PinKind; 5] =
    [PinKind::LiveRun, PinKind::ResumableRun, PinKind::RecordedChild, PinKind::Handoff, PinKind::Reservation];

#[test]
fn every_kind_of_pin_refuses_an_unload_also_after_a_restart() {
    for kind in RECORDED {
        let mut catalog = loaded(&["v1", "v2"]);
        run(&mut catalog, "p", "v1", kind, "holder");
        let mut again = Catalog::fold(&catalog.condensed()).unwrap();
        for catalog in [&mut catalog, &mut again] {
            for operation in [unload("p", Some("v1")), unload("p", None)] {
                let Refusal::Held { held, .. } = decide(catalog, operation).unwrap_err() else {
                    panic!("{kind}")
                };
                assert_eq!((held.len(), held[0].counts.of(kind), held[0].counts.total()), (1, 1, 1));
                assert_eq!(names(&held[0].holders[0].1.holders), ["holder"]);
            }
            carry_out(catalog, pin(vec![release("p", "v1", kind, "holder")])).unwrap();
            assert!(carry_out(catalog, unload("p", Some("v1"))).is_ok(), "{kind}");
        }
    }
}

#[test]
fn a_start_in_flight_refuses_an_unload() {
    let catalog = loaded(&["v1"]);
    let (version, start) = catalog.snapshot().start(&"p".into(), "r1").unwrap();
    assert_eq!(version.as_str(), "v1");
    let Refusal::Held { held, .. } = decide(&catalog, unload("p", None)).unwrap_err() else { panic!() };
    assert_eq!(held[0].counts.of(PinKind::Start), 1);
    assert_eq!(names(&held[0].holders[0].1.holders), ["r1"]);
    drop(start);
    assert!(decide(&catalog, unload("p", None)).is_ok());
}

#[test]
fn a_refusal_counts_all_names_a_hundred_and_says_where_to_go_on() {
    let mut catalog = loaded(&["v1", "v2"]);
    for n in 0..250 {
        run(&mut catalog, "p", "v1", PinKind::LiveRun, &format!("run {n:03}"));
    }
    run(&mut catalog, "p", "v1", PinKind::Handoff, "item 7");
    let refusal = decide(&catalog, unload("p", Some("v1"))).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "E0606: package p is held: version v1 by 250 live runs, 1 handoff (run 000, run 001, run 002 and 247 more; \
         item 7); end or move these first, or unload it when drained"
    );
    let Refusal::Held { held, .. } = refusal else { panic!() };
    let (kind, page) = &held[0].holders[0];
    assert_eq!((*kind, page.holders.len()), (PinKind::LiveRun, 100));
    let mut all = page.holders.clone();
    let mut next = page.next.clone();
    while let Some(after) = next {
        let page = catalog.holders(&"p".into(), &"v1".into(), *kind, Some(&after), 60);
        all.extend(page.holders);
        next = page.next;
    }
    assert_eq!((all.len(), all[249].as_str()), (250, "run 249"));
}

#[test]
fn what_is_being_unloaded_drains_stays_listed_and_serves_again_after_a_refusal_or_a_failed_record() {
    let mut catalog = loaded(&["v1", "v2"]);
    let draining = [("v1".to_owned(), "draining".to_owned()), ("v2".to_owned(), "serving".to_owned())];
    let serving = [("v1".to_owned(), "serving".to_owned()), ("v2".to_owned(), "serving".to_owned())];
    let old = catalog.snapshot();

    let decision = decide(&catalog, unload("p", Some("v1"))).unwrap();
    assert_eq!(listed(&catalog), draining);
    for snapshot in [&old, &catalog.snapshot()] {
        let refusal = snapshot.start_at(&"p".into(), &"v1".into(), "late").unwrap_err();
        assert!(matches!(refusal, Refusal::Draining { .. }));
    }
    let reroute = decide(&catalog, route("p", "v1")).unwrap_err();
    assert!(matches!(reroute, Refusal::Draining { .. }), "nor is anything else sent there");
    // The journal did not take it.
    drop(decision);
    assert_eq!(listed(&catalog), serving);

    let start = old.start_at(&"p".into(), &"v1".into(), "r1").unwrap();
    assert!(decide(&catalog, unload("p", Some("v1"))).is_err());
    assert_eq!(listed(&catalog), serving);
    drop(start);

    let decision = decide(&catalog, unload("p", Some("v1"))).unwrap();
    catalog.apply(&decision.record).unwrap();
    drop(decision);
    assert_eq!(listed(&catalog), serving[1..]);
    let refusal = old.start_at(&"p".into(), &"v1".into(), "late").unwrap_err();
    assert!(matches!(refusal, Refusal::UnknownVersion { .. }), "an old snapshot leads nowhere");
}

#[test]
fn a_child_takes_its_parents_version_also_while_that_drains() {
    let mut catalog = loaded(&["v1", "v2"]);
    run(&mut catalog, "p", "v1", PinKind::LiveRun, "parent");
    let snapshot = catalog.snapshot();
    assert_eq!(snapshot.child_version(&"p".into(), &"v1".into()).unwrap().as_str(), "v1");
    assert_eq!(snapshot.child_version(&"p".into(), &"gone".into()).unwrap().as_str(), "v2");

    carry_out(&mut catalog, drain("p", Some("v1"))).unwrap();
    let stranger = catalog.start_child(&"p".into(), &"v1".into(), &"nobody".into(), "c1");
    assert!(matches!(stranger.unwrap_err(), Refusal::Draining { .. }));
    let child = catalog.start_child(&"p".into(), &"v1".into(), &"parent".into(), "c1").unwrap();
    carry_out(&mut catalog, pin(vec![hold("p", "v1", PinKind::RecordedChild, "c1")])).unwrap();
    drop(child);
    carry_out(&mut catalog, pin(vec![release("p", "v1", PinKind::LiveRun, "parent")])).unwrap();
    assert!(catalog.drained().is_empty(), "the child that was recorded holds it");
}

#[test]
fn an_unload_when_drained_survives_a_restart_and_is_done_when_the_last_pin_ends() {
    let mut catalog = loaded(&["v1", "v2"]);
    run(&mut catalog, "p", "v1", PinKind::ResumableRun, "paused");
    let answer = carry_out(&mut catalog, drain("p", Some("v1"))).unwrap();
    assert!(matches!(answer, Answer::Draining { held, .. } if held.total() == 1));

    let mut catalog = Catalog::fold(&catalog.condensed()).unwrap();
    assert_eq!(listed(&catalog)[0].1, "draining");
    assert!(catalog.snapshot().start_at(&"p".into(), &"v1".into(), "late").is_err());
    assert_eq!(catalog.drained(), []);
    carry_out(&mut catalog, pin(vec![release("p", "v1", PinKind::ResumableRun, "paused")])).unwrap();
    let due = catalog.drained();
    assert_eq!(due, [Operation::FinishDrain { package: "p".into() }]);
    for operation in due {
        carry_out(&mut catalog, operation).unwrap();
    }
    assert_eq!(listed(&catalog).len(), 1);
}

#[test]
fn a_package_that_drains_goes_as_a_whole_or_not_at_all() {
    let mut catalog = loaded(&["v1", "v2"]);
    run(&mut catalog, "p", "v1", PinKind::LiveRun, "r1");
    carry_out(&mut catalog, drain("p", None)).unwrap();
    assert!(catalog.snapshot().start(&"p".into(), "late").is_err());
    assert_eq!((routed(&catalog), catalog.drained()), (Some("v2".to_owned()), vec![]));
    let finish = Operation::FinishDrain { package: "p".into() };
    assert!(matches!(decide(&catalog, finish.clone()).unwrap_err(), Refusal::Held { .. }));

    // To keep one of them is to keep the package.
    let answer = carry_out(&mut catalog, cancel("p", Some("v1"))).unwrap();
    assert_eq!(answer, Answer::Kept { versions: vec!["v1".into(), "v2".into()] });
    assert!(catalog.snapshot().start(&"p".into(), "r2").is_ok());
    assert!(matches!(decide(&catalog, cancel("p", None)).unwrap_err(), Refusal::NotDraining { .. }));

    carry_out(&mut catalog, drain("p", None)).unwrap();
    carry_out(&mut catalog, pin(vec![release("p", "v1", PinKind::LiveRun, "r1")])).unwrap();
    carry_out(&mut catalog, finish).unwrap();
    assert_eq!((routed(&catalog), catalog.versions().len()), (None, 0));
}

#[test]
fn a_version_that_is_wanted_again_does_not_go() {
    for operation in [load("p", "v1"), route("p", "v1")] {
        let mut catalog = loaded(&["v1", "v2"]);
        run(&mut catalog, "p", "v2", PinKind::LiveRun, "r");
        carry_out(&mut catalog, drain("p", None)).unwrap();
        carry_out(&mut catalog, operation).unwrap();
        carry_out(&mut catalog, pin(vec![release("p", "v2", PinKind::LiveRun, "r")])).unwrap();
        for operation in catalog.drained() {
            carry_out(&mut catalog, operation).unwrap();
        }
        assert_eq!(listed(&catalog), [("v1".to_owned(), "serving".to_owned())]);
    }
}

/// A refusal names a hundred holders whatever their number is, so that is what is compared.
#[test]
#[allow(clippy::disallowed_methods, reason = "wall time is the point")]
fn an_unload_check_costs_the_same_for_a_hundred_runs_and_a_hundred_thousand() {
    let best = |n_runs: u64| {
        let mut catalog = loaded(&["v1", "v2"]);
        let pins = (0..n_runs).map(|n| hold("p", "v1", PinKind::LiveRun, &format!("run {n:06}")));
        catalog.apply(&Record::unaudited(pins.map(Change::Pin).collect())).unwrap();
        let checks = (0..200).map(|_| {
            let began = Instant::now();
            assert!(matches!(decide(&catalog, unload("p", Some("v1"))), Err(Refusal::Held { .. })));
            began.elapsed()
        });
        checks.min().unwrap()
    };
    let (few, many) = (best(100), best(100_000));
    assert!(many < few * 10, "{few:?} and {many:?}");
}
