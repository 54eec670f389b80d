//! Random commands, decided and carried out or given up, against the naive model; and the records of all of
//! them, which add up to the same catalog.

use super::naive::{Naive, name};
use super::{cancel, command, drain, hold, load, pin, quarantine, route, route_if, unload};
use crate::model::harness::cases;
use acequia_core::catalog::{
    Catalog, Change, FoldError, Operation, PinChange, PinKind, Record, Route, StartPin,
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Do(Operation),
    /// Decide, and lose the record.
    GiveUp(Operation),
    Start(&'static str, &'static str, &'static str),
    /// A start ends: the oldest, or the newest.
    End(bool),
    /// Fold what a checkpoint would write, and go on with that.
    Restart,
}

const PACKAGES: [&str; 2] = ["p", "q"];
const VERSIONS: [&str; 4] = ["v1", "v2", "v3", "v4"];
const HOLDERS: [&str; 3] = ["h1", "h2", "h3"];
const KINDS: [PinKind; 5] =
    [PinKind::LiveRun, PinKind::ResumableRun, PinKind::RecordedChild, PinKind::Handoff, PinKind::Reservation];

fn packages() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&PACKAGES[..])
}

fn versions() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&VERSIONS[..])
}

fn pins() -> impl Strategy<Value = Operation> {
    let holders = proptest::sample::select(&HOLDERS[..]);
    let kinds = || proptest::sample::select(&KINDS[..]);
    (packages(), versions(), holders, kinds(), kinds(), 0..5).prop_map(|(p, v, holder, kind, to, which)| {
        let (package, version) = (p.into(), v.into());
        pin(vec![match which {
            0 | 1 => hold(p, v, kind, holder),
            2 => PinChange::Become { package, version, from: kind, to, holder: holder.into() },
            _ => PinChange::Release { package, version, kind, holder: holder.into() },
        }])
    })
}

fn operations() -> impl Strategy<Value = Operation> {
    let some = || proptest::option::weighted(0.7, versions());
    prop_oneof![
        5 => (packages(), versions()).prop_map(|(p, v)| load(p, v)),
        3 => (packages(), versions()).prop_map(|(p, v)| route(p, v)),
        1 => (packages(), versions(), versions()).prop_map(|(p, v, e)| route_if(p, v, e)),
        3 => (packages(), some()).prop_map(|(p, v)| unload(p, v)),
        3 => (packages(), some()).prop_map(|(p, v)| drain(p, v)),
        1 => (packages(), some()).prop_map(|(p, v)| cancel(p, v)),
        2 => packages().prop_map(|p| Operation::FinishDrain { package: p.into() }),
        1 => (packages(), versions()).prop_map(|(p, v)| quarantine(p, v)),
        1 => packages().prop_map(|p| Operation::ClearQuarantine { package: p.into(), version: None }),
        8 => pins(),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => operations().prop_map(Step::Do),
        2 => operations().prop_map(Step::GiveUp),
        4 => (packages(), versions(), proptest::sample::select(&HOLDERS[..])).prop_map(|(p, v, h)| Step::Start(p, v, h)),
        3 => any::<bool>().prop_map(Step::End),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..80)
}

#[derive(Default)]
struct Run {
    catalog: Catalog,
    naive: Naive,
    starts: Vec<StartPin>,
    journal: Vec<Record>,
}

impl Run {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Do(operation) => {
                let decided = self.catalog.decide(&command(operation.clone()));
                let expected = self.naive.carry_out(operation);
                let outcome = decided.as_ref().map(|_| ()).map_err(name);
                assert_eq!(outcome, expected, "{operation:?}");
                if let Ok(decision) = decided {
                    self.catalog.apply(&decision.record).unwrap();
                    let audit = decision.record.audit.as_ref();
                    let standing = self.catalog.snapshot().standing(operation.package());
                    assert!(audit.is_none_or(|audit| audit.after == standing));
                    self.journal.push(decision.record);
                }
            }
            Step::GiveUp(operation) => drop(self.catalog.decide(&command(operation.clone()))),
            Step::Start(p, v, holder) => {
                let start = self.catalog.snapshot().start_at(&(*p).into(), &(*v).into(), *holder);
                assert_eq!(start.as_ref().map(|_| ()).map_err(name), self.naive.may_start(p, v));
                if let Ok(start) = start {
                    self.starts.push(start);
                    self.naive.starts.push(((*p).into(), (*v).into(), (*holder).into()));
                }
            }
            Step::End(oldest) if !self.starts.is_empty() => {
                let at = if *oldest { 0 } else { self.starts.len() - 1 };
                drop(self.starts.remove(at));
                self.naive.starts.remove(at);
            }
            Step::End(_) => {}
            Step::Restart => {
                let again = Catalog::fold(&self.catalog.condensed()).unwrap();
                assert_eq!(again, self.catalog);
                self.catalog = again;
                // Starts that were in flight are no more.
                self.starts.clear();
                self.naive.starts.clear();
            }
        }
        self.naive.agrees_with(&self.catalog);
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn the_catalog_is_as_the_naive_one_and_as_its_records_add_up_to(steps in steps()) {
        let mut run = Run::default();
        steps.iter().for_each(|step| run.step(step));
        prop_assert_eq!(&Catalog::fold(&run.journal).unwrap(), &run.catalog);

        // A checkpoint anywhere, and the records behind it.
        for at in [0, run.journal.len() / 2, run.journal.len()] {
            let mut records = Catalog::fold(&run.journal[..at]).unwrap().condensed();
            records.extend_from_slice(&run.journal[at..]);
            prop_assert_eq!(&Catalog::fold(&records).unwrap(), &run.catalog);
        }
    }

    #[test]
    fn drained_names_exactly_what_a_finish_would_unload(steps in steps()) {
        let mut run = Run::default();
        for step in &steps {
            run.step(step);
            let due = run.catalog.drained();
            for package in PACKAGES {
                let finish = Operation::FinishDrain { package: package.into() };
                let decided = run.catalog.decide(&command(finish.clone())).is_ok();
                prop_assert_eq!(due.contains(&finish), decided);
            }
        }
    }

    /// A journal with a hole in it is not folded into a catalog that is wrong without a word: either the
    /// record that is lost did not matter to those behind it, or they are refused, and nothing changes.
    #[test]
    fn a_record_that_cannot_follow_is_refused_as_a_whole(steps in steps(), hole in any::<prop::sample::Index>()) {
        let mut run = Run::default();
        steps.iter().for_each(|step| run.step(step));
        let mut journal = run.journal;
        if !journal.is_empty() {
            journal.remove(hole.index(journal.len()));
        }
        let mut catalog = Catalog::default();
        for record in &journal {
            let before = Catalog::fold(&catalog.condensed()).unwrap();
            if catalog.apply(record).is_err() {
                prop_assert_eq!(&catalog, &before);
                break;
            }
            for (name, versions) in catalog.snapshot().packages() {
                let routed = versions.route().is_some_and(|route| versions.get(&route.to).is_some());
                prop_assert_eq!(routed, !versions.is_empty(), "{}: versions and a route, or neither", name);
            }
            let listed: u64 = catalog.versions().iter().map(|row| row.pins.total()).sum();
            prop_assert_eq!(listed, n_pins(&catalog), "pins of versions that are not loaded");
        }
    }
}

/// All pins that a checkpoint would write.
fn n_pins(catalog: &Catalog) -> u64 {
    let records = catalog.condensed();
    let changes = records.iter().flat_map(|record| &record.changes);
    changes.filter(|change| matches!(change, Change::Pin(_))).count() as u64
}

#[test]
fn records_that_cannot_follow_say_why() {
    let (package, version) = (|| "p".into(), || "v1".into());
    let check = |change: Change, code: &str| {
        let mut catalog = super::loaded(&["v1", "v2"]);
        super::run(&mut catalog, "p", "v1", PinKind::LiveRun, "r");
        let before = Catalog::fold(&catalog.condensed()).unwrap();
        // The first change alone would be folded.
        let good = Change::Quarantined { package: "q".into(), version: "v".into(), reason: "x".into() };
        let refusal: FoldError = catalog.apply(&Record::unaudited(vec![good, change])).unwrap_err();
        assert!(refusal.to_string().starts_with(code), "{refusal}");
        assert_eq!(catalog, before);
    };
    check(Change::Routed { package: package(), route: Route { to: "v3".into() } }, "E0620");
    check(Change::Pin(hold("p", "v3", PinKind::LiveRun, "r")), "E0620");
    check(Change::Unloaded { package: package(), versions: vec![version()] }, "E0621");
    check(Change::Unloaded { package: package(), versions: vec!["v2".into()] }, "E0622");
    check(Change::Pin(hold("p", "v1", PinKind::Start, "r")), "E0623");
}
