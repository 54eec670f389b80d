//! What is refused, and how it is said.

use super::{on, package, start, sums};
use acequia::core::reconcile::Problem;
use acequia::store::disk::SimulatedDisk;
use acequia::testing::TestEngine;
use acequia::{EngineState, Guarantee, LoadError, Overflow, Package, PushError};

#[tokio::test(start_paused = true)]
async fn a_durable_accumulator_needs_a_journal() {
    let refused = TestEngine::builder().package(package(Guarantee::Durable)).try_start().await;
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("E0490") && error.contains("EngineBuilder::journal"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_durable_accumulator_does_not_drop() {
    let lossy = sums("numbers", Guarantee::Durable).overflow(Overflow::DropOldest);
    let package = Package::new("lossy").reactor(super::reactor("R", lossy));
    let refused = on(&SimulatedDisk::new(1)).package(package).try_start().await;
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("E0491") && error.contains("numbers"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_durable_accumulator_belongs_to_one_reactor() {
    let shared = sums("numbers", Guarantee::Durable);
    let package = Package::new("both")
        .reactor(super::reactor("One", shared.clone()))
        .reactor(super::reactor("Other", shared));
    let refused = on(&SimulatedDisk::new(1)).package(package).try_start().await;
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("E0495") && error.contains("numbers"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_durable_is_refused_by_the_plan_before_anything_is_done() {
    let shared = sums("numbers", Guarantee::Durable);
    let lossy = sums("other", Guarantee::Durable).overflow(Overflow::DropOldest);
    let package = Package::new("unfit")
        .reactor(super::reactor("One", shared.clone()))
        .reactor(super::reactor("Two", shared))
        .reactor(super::reactor("Three", lossy));
    let engine = on(&SimulatedDisk::new(1)).start().await;
    let told = engine.engine().check(std::slice::from_ref(&package)).unwrap_err().to_string();
    assert!(told.contains("E0495") && told.contains("E0491"), "every reason at once: {told}");
    let refused = engine.engine().load(package).await.unwrap_err();
    assert!(matches!(refused, LoadError::Refused(_)), "{refused}");

    let engine = TestEngine::builder().start().await;
    let told = engine.engine().check(&[super::package(Guarantee::Durable)]).unwrap_err().to_string();
    assert!(told.contains("E0490"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_push_that_cannot_wait_is_told_to() {
    let (engine, probe) = start(&SimulatedDisk::new(1), Guarantee::Durable).await;
    let handle = engine.engine().accumulator::<u64>("numbers").unwrap();
    let refused = handle.try_push(5).unwrap_err();
    assert!(matches!(refused, PushError::MustWait { item: 5 }), "{refused}");
    assert!(matches!(handle.push_inline(5), Err(PushError::MustWait { item: 5 })));
    handle.push(5).await.unwrap();
    engine.settle().await;
    assert_eq!(probe.all(), [5]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_sync_refuses_the_event_and_ends_the_engine() {
    let disk = SimulatedDisk::new(1);
    let (engine, probe) = start(&disk, Guarantee::Durable).await;
    engine.push("numbers", 1_u64).await;
    engine.settle().await;
    disk.power_off_at(0);
    let handle = engine.engine().accumulator::<u64>("numbers").unwrap();
    let refused = handle.push(2).await.unwrap_err();
    assert!(refused.to_string().contains("E0125"), "{refused}");
    assert_eq!(refused.into_item(), 2, "the event comes back");
    engine.settle().await;
    assert_eq!(probe.all(), [1]);
    assert!(matches!(engine.engine().state(), EngineState::Failed { .. }), "it fails closed");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_to_another_delivery_is_refused_by_the_plan_and_the_old_version_goes_on() {
    for loaded in Guarantee::ALL {
        let (engine, probe) = start(&SimulatedDisk::new(3), loaded).await;
        for wanted in Guarantee::ALL.into_iter().filter(|wanted| *wanted != loaded) {
            let refused = engine.load(package(wanted).version("next")).await.unwrap_err();
            let LoadError::Refused(refusal) = &refused else { panic!("{refused}") };
            let [Problem::DeliveryChanged { accumulator, loaded: known, found, .. }] = &refusal.problems[..]
            else {
                panic!("nothing else is wrong: {refused}");
            };
            assert_eq!((accumulator.as_str(), *known, *found), ("numbers", loaded, wanted));
            assert!(refused.to_string().contains("unload the old version first"), "{refused}");
        }
        engine.load(package(loaded).version("next")).await.unwrap();
        engine.push("numbers", 4_u64).await;
        engine.settle().await;
        assert_eq!(probe.all(), [4]);
        engine.assert_ledger().await;
    }
}
