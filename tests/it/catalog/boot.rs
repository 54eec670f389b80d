//! Starts: what was loaded is loaded again, in the order of deploys, with its state; what is damaged is kept out.

use super::{audited, counted, listed, on, power_cut, pricing, text};
use acequia::core::catalog::Refusal;
use acequia::store::disk::SimulatedDisk;
use acequia::testing::Probe;
use acequia::{Component, DeployError};
use std::time::Duration;

/// The file in which the archive of `version` of package `d` lies.
fn archive(version: &str) -> String {
    format!("package-{}", acequia_host::Digest::of(format!("d {version}").as_bytes()))
}

#[tokio::test(start_paused = true)]
async fn what_was_loaded_is_loaded_again_with_its_state_and_its_subscribers() {
    let mut disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    catalog.load(pricing("v1")).await.unwrap();
    catalog.load(text("package=display version=v1 kind=subscriber of=pricing")).await.unwrap();
    catalog.load(pricing("v2")).await.unwrap();
    counted(&engine, "pricing", &[7]).await;
    let before = listed(&catalog);
    disk = power_cut(engine, &disk);

    for life in 1..4 {
        let probe = Probe::<Vec<u64>>::new();
        let engine = on(&disk).probe("g-display", "out", &probe).start().await;
        assert_eq!(listed(&engine.catalog()), before);
        assert_eq!(counted(&engine, "pricing", &[8]).await.last(), Some(&vec![2, life + 1, 8]));
        assert_eq!(probe.all().last(), Some(&vec![0, life + 1, 8]), "the subscriber of another package");
        assert_eq!(engine.catalog().boot_report(), Default::default());
        disk = if life % 2 == 0 {
            power_cut(engine, &disk)
        } else {
            engine.shutdown(Duration::from_secs(1)).await;
            drop(engine);
            disk.kill()
        };
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_archive_keeps_its_own_version_out_and_nothing_else() {
    let damages: [fn(&SimulatedDisk); 3] = [
        |disk| assert!(disk.lose(&archive("d2"))),
        |disk| assert!(disk.damage(&archive("d2"), |bytes| bytes[60] ^= 1)),
        |disk| assert!(disk.damage(&archive("d2"), |bytes| bytes.truncate(20))),
    ];
    for damage in damages {
        let disk = SimulatedDisk::new(1);
        let engine = on(&disk).start().await;
        let catalog = engine.catalog();
        for package in [pricing("v1"), text("package=d version=d1"), text("package=d version=d2")] {
            catalog.load(package).await.unwrap();
        }
        let disk = power_cut(engine, &disk);
        damage(&disk);

        let engine = on(&disk).start().await;
        let catalog = engine.catalog().by("alice");
        assert_eq!(listed(&catalog), ["d d1 serving", "d d2* quarantined", "pricing v1* serving"]);
        let left_out = catalog.boot_report().left_out;
        assert_eq!((left_out.len(), left_out[0].version.as_str()), (1, "d2"));
        assert_eq!(counted(&engine, "pricing", &[1]).await, [[1, 1, 1]]);
        assert!(audited(&catalog).await.last().unwrap().starts_with("engine: quarantine d2"));

        let refused = catalog.load(text("package=d version=d2")).await.unwrap_err();
        assert!(matches!(refused, DeployError::Refused(Refusal::Quarantined { .. })), "{refused}");
        catalog.route("d", "d1", None).await.unwrap();
        assert_eq!(counted(&engine, "d", &[1]).await, [[1, 1, 1]], "the version before serves");
        // The operator has the archive, lets it in again, and loads it: the file is put right.
        catalog.clear_quarantine("d", None).await.unwrap();
        catalog.load(text("package=d version=d2")).await.unwrap();
        let engine = on(&power_cut(engine, &disk)).start().await;
        assert_eq!(listed(&engine.catalog()), ["d d1 serving", "d d2* serving", "pricing v1* serving"]);
    }
}

#[tokio::test(start_paused = true)]
async fn leftovers_of_a_crash_are_swept() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    engine.catalog().load(pricing("v1")).await.unwrap();
    let names = disk.names();
    let disk = power_cut(engine, &disk);
    for name in ["package-0000", "package-0001.part"] {
        use acequia::store::disk::Disk;
        disk.create(name, 10).unwrap().sync_data().unwrap();
        disk.sync_directory().unwrap();
    }

    let engine = on(&disk).start().await;

    assert_eq!(listed(&engine.catalog()), ["pricing v1* serving"]);
    let packages =
        |names: &[String]| names.iter().filter(|n| n.starts_with("package-")).cloned().collect::<Vec<_>>();
    assert_eq!(packages(&disk.names()), packages(&names));
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_the_catalogs_actor_loses_nothing() {
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let catalog = engine.catalog();
    let mut crashes = 0;
    for number in 1..=3 {
        let load = catalog.load(pricing(&format!("v{number}")));
        // Between two lives there is nobody to crash.
        let (loaded, crashed) = tokio::join!(load, engine.crash(Component::Catalog));
        crashes += u32::from(crashed);
        loaded.unwrap();
    }
    assert!(crashes > 0);
    assert_eq!(listed(&catalog), ["pricing v1 serving", "pricing v2 serving", "pricing v3* serving"]);
    assert_eq!(counted(&engine, "pricing", &[1]).await, [[3, 1, 1]]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_the_reconciler_at_any_place_loads_all_or_nothing() {
    for at in 0.. {
        let disk = SimulatedDisk::new(1);
        let engine = on(&disk).start().await;
        let catalog = engine.catalog();
        catalog.load(pricing("v1")).await.unwrap();
        engine.arm_failpoint(Some((at, acequia::FailAction::Kill)));

        let outcome = catalog.load(pricing("v2")).await;

        let n_passed = engine.passed_failpoints().len();
        let expected: &[&str] = match &outcome {
            Ok(_) => &["pricing v1 serving", "pricing v2* serving"],
            Err(_) => &["pricing v1* serving"],
        };
        assert_eq!(listed(&catalog), expected, "killed at place {at}");
        let serving = if outcome.is_ok() { 2 } else { 1 };
        assert_eq!(counted(&engine, "pricing", &[1]).await, [[serving, 1, 1]], "killed at place {at}");
        let engine = on(&power_cut(engine, &disk)).start().await;
        assert_eq!(listed(&engine.catalog()), expected, "killed at place {at}, and after a restart");
        if n_passed <= at {
            assert!(at > 5, "an upgrade passes more places than {at}");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_damaged_package_is_told_of_and_comes_up_with_its_next_version() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    for package in
        ["package=d version=d1", "package=s version=s1 kind=subscriber of=d", "package=pricing version=v1"]
    {
        catalog.load(text(package)).await.unwrap();
    }
    let disk = power_cut(engine, &disk);
    assert!(disk.lose(&archive("d1")));

    let probe = Probe::<Vec<u64>>::new();
    let engine = on(&disk).probe("g-pricing", "out", &probe).start().await;
    let catalog = engine.catalog();
    let left_out = catalog.boot_report().left_out;
    let left_out: Vec<_> =
        left_out.iter().map(|one| (one.package.as_str(), one.reason.contains("R-d"))).collect();
    assert_eq!(left_out, [("d", false), ("s", true)], "the one is damaged, the other waits for its reactor");
    engine.push("n-pricing", 7_u64).await;
    assert_eq!(probe.expect(1).await, [[1, 1, 7]], "the third has its sink");

    catalog.load(text("package=d version=d2")).await.unwrap();
    engine.settle().await;
    assert_eq!(counted(&engine, "d", &[5]).await, [[2, 1, 5]]);
    assert_eq!(engine.reactor("R-d").unwrap().subscribers().await.len(), 2, "what waited has come up");
    assert_eq!(listed(&catalog), ["d d1 serving", "d d2* serving", "pricing v1* serving", "s s1* serving"]);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_brings_a_package_of_the_same_name_comes_up_and_the_other_is_told_of() {
    let disk = SimulatedDisk::new(1);
    let engine = on(&disk).start().await;
    let catalog = engine.catalog();
    catalog.load(text("package=d version=d1")).await.unwrap();
    catalog.load(pricing("v1")).await.unwrap();
    let disk = power_cut(engine, &disk);

    let probe = Probe::<Vec<u64>>::new();
    let own = acequia::Package::new("d").version("9");
    let engine = on(&disk).package(own).probe("g-pricing", "out", &probe).start().await;

    let left_out = engine.catalog().boot_report().left_out;
    assert_eq!((left_out.len(), left_out[0].package.as_str()), (1, "d"));
    assert!(left_out[0].reason.contains("E0670"), "{}", left_out[0].reason);
    engine.push("n-pricing", 7_u64).await;
    assert_eq!(probe.expect(1).await, [[1, 1, 7]]);
}
