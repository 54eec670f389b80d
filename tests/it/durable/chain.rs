//! From one durable reactor to the next.

use super::{on, reactor, sums};
use acequia::store::disk::{Cut, SimulatedDisk};
use acequia::testing::{Probe, TestEngine};
use acequia::{AccumulatorDecl, Guarantee, Package, Sink};
use acequia_tests::echo;

pub(super) fn chained(guarantee: Guarantee) -> Package {
    let events = AccumulatorDecl::passthrough::<u64>("events").delivery(guarantee);
    Package::new("chain")
        .reactor(reactor("First", events))
        .graph(echo::<u64>("forward", "events").on("First"))
        .reactor(reactor("Second", sums("totals", guarantee)))
        .graph(echo::<u64>("watch", "totals").on("Second"))
}

pub(super) async fn start_chain(disk: &SimulatedDisk, guarantee: Guarantee) -> (TestEngine, Probe<u64>) {
    let probe = Probe::new();
    let engine = on(disk)
        .package(chained(guarantee))
        .sink("forward", "out", Sink::accumulator("totals"))
        .probe("watch", "out", &probe)
        .start()
        .await;
    (engine, probe)
}

/// The turn of the first reactor and the event of the second are one batch: whenever the power goes, each
/// event adds to the total once.
#[tokio::test(start_paused = true)]
async fn an_event_passes_from_one_reactor_to_the_next_once_whenever_the_power_goes() {
    for guarantee in [Guarantee::Durable, Guarantee::EffectivelyOnce] {
        for call in 0..24 {
            let disk = SimulatedDisk::new(call);
            let (engine, _) = start_chain(&disk, guarantee).await;
            engine.push("events", 1_u64).await;
            engine.settle().await;
            disk.power_off_at(call);
            let handle = engine.engine().accumulator::<u64>("events").unwrap();
            let mut acknowledged = 1;
            let mut tried = 1;
            for event in [10_u64, 100, 1000] {
                tried += event;
                let pushed =
                    tokio::time::timeout(std::time::Duration::from_secs(1), handle.push(event)).await;
                if pushed.is_ok_and(|pushed| pushed.is_ok()) {
                    acknowledged += event;
                }
                engine.settle().await;
            }
            let found = disk.power_cut(Cut::Torn);
            drop(engine);

            let (engine, probe) = start_chain(&found, guarantee).await;
            engine.push("events", 10_000_u64).await;
            engine.settle().await;
            let total = probe.all().last().copied().unwrap();
            let possible = [acknowledged + 10_000, tried + 10_000];
            let digits = total.to_string().chars().all(|digit| digit <= '1');
            assert!(total >= possible[0] && total <= possible[1] && digits, "{guarantee}, {call}: {total}");
            engine.assert_ledger().await;
        }
    }
}
