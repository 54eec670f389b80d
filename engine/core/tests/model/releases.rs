//! Ranges of releases: judged when either side comes or changes.

use super::plans::{graph, reactor};
use acequia_core::package::{Package, Release, ReleaseRange, Requirement, Version};
use acequia_core::reconcile::{Actual, Desired, Plan, Problem, Refusal, plan_load};

fn publisher(release: Option<&str>) -> Package {
    let package = Package::new("publisher").reactor(reactor("Prices", "raw"));
    match release {
        Some(release) => package.release(Release::parse(release).unwrap()),
        None => package,
    }
}

fn subscriber(range: &str) -> Package {
    let range = ReleaseRange::parse(range).unwrap();
    let requirement = Requirement::of("Prices").within(range);
    Package::new("subscriber").graph(graph("g", Some("Prices"), &["raw"])).requirement(requirement)
}

fn plan(actual: &Actual, packages: &[(&Package, &str)]) -> Result<Plan, Refusal> {
    let packages = packages.iter().map(|(package, version)| (*package, Version::from(*version)));
    plan_load(actual, &Desired { packages: packages.collect(), sinks: Vec::new() })
}

fn loaded(packages: &[(&Package, &str)]) -> Actual {
    let mut actual = Actual::default();
    actual.apply(&plan(&actual, packages).unwrap());
    actual
}

/// The one problem there is.
#[track_caller]
fn problem(planned: Result<Plan, Refusal>) -> Problem {
    let mut problems = planned.expect_err("it does not fit").problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[test]
fn a_subscriber_is_judged_by_the_release_of_its_publisher() {
    for (release, range, fits) in [
        ("1.2.0", "^1", true),
        ("1.2.0", ">=1.2, <2", true),
        ("1.2.0", "^1.3", false),
        ("2.0.0", "^1", false),
        ("1.3.0-rc.1", "^1", false),
    ] {
        let publisher = publisher(Some(release));
        let apart = plan(&loaded(&[(&publisher, "1")]), &[(&subscriber(range), "1")]);
        let together = plan(&Actual::default(), &[(&subscriber(range), "1"), (&publisher, "1")]);
        assert_eq!((apart.is_ok(), together.is_ok()), (fits, fits), "{release} in {range}");
    }
    let unstated = problem(plan(&loaded(&[(&publisher(None), "1")]), &[(&subscriber("*"), "1")]));
    assert_eq!(
        unstated.to_string(),
        "E0476: package subscriber requires * of the package that owns reactor 'Prices', and publisher is of \
         no stated release; load fitting releases of both"
    );
}

#[test]
fn a_refusal_names_the_range_and_what_is_loaded_and_is_nothing_to_wait_for() {
    let actual = loaded(&[(&publisher(Some("1.2.0")), "1")]);
    let refusal = plan(&actual, &[(&subscriber("^2"), "1")]).unwrap_err();
    let text = refusal.to_string();
    for part in ["E0476", "subscriber", "^2", "'Prices'", "publisher is release 1.2.0"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(refusal.missing(), None, "to wait would not help");
}

#[test]
fn an_upgrade_of_either_side_is_judged_anew() {
    let (first, second) = (publisher(Some("1.2.0")), publisher(Some("2.0.0")));
    let actual = loaded(&[(&first, "1"), (&subscriber("^1"), "1")]);

    let broken = problem(plan(&actual, &[(&second, "2")]));
    assert!(broken.to_string().contains("subscriber requires ^1"), "{broken}");
    assert!(broken.to_string().contains("publisher is release 2.0.0"), "{broken}");
    assert!(matches!(problem(plan(&actual, &[(&subscriber("^2"), "2")])), Problem::ReleaseOutOfRange { .. }));

    let mut wide = actual.clone();
    wide.apply(&plan(&actual, &[(&subscriber(">=1"), "2")]).unwrap());
    let upgrade = plan(&wide, &[(&second, "2")]).unwrap();
    let mut after = wide.clone();
    after.apply(&upgrade);
    assert_eq!(after.packages["publisher"].release, Some(Release::new(2, 0, 0)));
    after.apply(&upgrade.reversed());
    assert_eq!(after, wide, "the way back leads to the release before");
}

#[test]
fn an_upgrade_whose_requirements_are_not_met_is_refused() {
    let actual = loaded(&[(&publisher(Some("1.0.0")), "1"), (&subscriber("^1"), "1")]);
    let more = subscriber("^1").requires("Absent");
    assert!(matches!(problem(plan(&actual, &[(&more, "2")])), Problem::RequirementAbsent { .. }));
    let elsewhere = subscriber("^1").requires_from("Prices", "somebody");
    assert!(matches!(problem(plan(&actual, &[(&elsewhere, "2")])), Problem::OtherPublisher { .. }));
}

#[test]
fn the_same_code_under_another_manifest_is_refused_with_both_digests() {
    let actual = loaded(&[(&publisher(Some("1.0.0")).manifest("aaa"), "1")]);
    assert!(plan(&actual, &[(&publisher(Some("1.0.0")).manifest("aaa"), "1")]).unwrap().is_empty());
    let text = problem(plan(&actual, &[(&publisher(Some("1.1.0")).manifest("bbb"), "1")])).to_string();
    assert!(["E0874", "ManifestMismatch", "aaa", "bbb"].iter().all(|part| text.contains(part)), "{text}");
}
