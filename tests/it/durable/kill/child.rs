//! The process that is killed.

#![expect(
    clippy::print_stdout,
    reason = "what a child and its parent say to each other, or to who reads the long form"
)]

use super::super::reactor;
use acequia::core::accumulator::Stateful;
use acequia::store::disk::{Disk, FolderDisk};
use acequia::store::journal::{OnCrashPoint, Settings};
use acequia::{AccumulatorDecl, Engine, GraphPlacement, Guarantee, Kind, Package, Sink};
use acequia_tests::echo;
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) const FOLDER: &str = "ACEQUIA_TEST_KILL_FOLDER";
pub(super) const UNTIL: &str = "ACEQUIA_TEST_KILL_UNTIL";
pub(super) const CRASH: &str = "ACEQUIA_TEST_KILL_CRASH";
pub(super) const ELSEWHERE: &str = "ACEQUIA_TEST_KILL_ELSEWHERE";
pub(super) const STARTED: &str = "the child has started";
/// What a child says, with the point's name, before it stands still.
pub(super) const AT: &str = "the child is at ";

/// What has been seen of the numbers: the last one, and whether each followed its predecessor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    last: u64,
    /// The first number that did not follow its predecessor, with that.
    wrong: Option<(u64, u64)>,
}

fn follows(name: &str) -> AccumulatorDecl {
    let make = || {
        Stateful::new(Seen::default(), |seen: &mut Seen, number: &u64| {
            if *number != seen.last + 1 {
                seen.wrong.get_or_insert((seen.last, *number));
            }
            seen.last = *number;
            Ok(Some(*seen))
        })
    };
    AccumulatorDecl::new(name, Kind::Stream, make).delivery(Guarantee::EffectivelyOnce)
}

fn package() -> Package {
    let numbers = AccumulatorDecl::passthrough::<u64>("numbers").delivery(Guarantee::Durable);
    let elsewhere = std::env::var(ELSEWHERE).is_ok_and(|elsewhere| elsewhere == "true");
    let placement = if elsewhere { GraphPlacement::Detached } else { GraphPlacement::InPlace };
    Package::new("chain")
        .reactor(reactor("First", numbers))
        .graph(echo::<u64>("forward", "numbers").on("First").placement(placement))
        .reactor(reactor("Second", follows("copies")))
        .graph(echo::<Seen>("watch", "copies").on("Second"))
}

/// The largest number that was acknowledged, by this life or an earlier one.
pub(super) fn acknowledged(folder: &Path) -> u64 {
    let text = std::fs::read_to_string(folder.join("acknowledged")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).max().unwrap_or(0)
}

/// Small segments, so that they are full, and trimmed, all the time. At the named point, the nth time that it
/// is reached, the process says so and goes no further: it is killed there.
pub(super) fn settings() -> Settings {
    let mut settings = Settings { segment_bytes: 32 * 1024, ..Settings::default() };
    (settings.batch_bytes, settings.payload_bytes, settings.group_bytes) = (16 * 1024, 8 * 1024, 16 * 1024);
    if let Some(stands) = stand_still() {
        settings.on_crash_point = Some(OnCrashPoint::new(move |reached| stands(reached.as_str())));
    }
    settings
}

/// What stands still, for good, when the point that the parent asks for is reached as often as it says.
pub(super) fn stand_still() -> Option<impl Fn(&str) + Send + Sync + 'static> {
    let crash = std::env::var(CRASH).ok()?;
    let (nth, point) = crash.split_once(' ').unwrap();
    let (point, left) = (point.to_owned(), AtomicI64::new(nth.parse().unwrap()));
    Some(move |reached: &str| {
        if reached == point && left.fetch_sub(1, Ordering::Relaxed) == 0 {
            println!("\n{AT}{reached}");
            loop {
                std::thread::park();
            }
        }
    })
}

#[test]
fn a_run_to_be_killed() {
    let (Ok(folder), Ok(until)) = (std::env::var(FOLDER), std::env::var(UNTIL)) else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let started = || println!("{STARTED}");
    runtime.block_on(live(Path::new(&folder), until.parse().unwrap(), started));
}

async fn live(folder: &Path, until: u64, started: impl Fn()) {
    let disk = Arc::new(FolderDisk::open(folder.join("journal")).unwrap()) as Arc<dyn Disk>;
    let newest = Arc::new(Mutex::new(None));
    let told = Arc::clone(&newest);
    let engine = Engine::builder()
        .journal_on(disk, settings())
        .package(package())
        .sink("forward", "out", Sink::accumulator("copies"))
        .sink("watch", "out", Sink::callback(move |seen: &Seen| *told.lock().unwrap() = Some(*seen)))
        .start()
        .await
        .unwrap();
    started();
    let handle = engine.accumulator::<u64>("numbers").unwrap();
    // What the journal holds says where the last life had come: one more than was acknowledged, at most.
    let before = acknowledged(folder);
    let mut next = settled(&engine, &newest, before).await + 1;
    let mut notes = OpenOptions::new().create(true).append(true).open(folder.join("acknowledged")).unwrap();
    while next <= until {
        handle.push(next).await.unwrap();
        // In one call: half a line and the next life's first would be another number.
        notes.write_all(format!("{next}\n").as_bytes()).unwrap();
        next += 1;
    }
    settled(&engine, &newest, until).await;
    engine.shutdown(Duration::from_secs(10)).await;
}

/// Wait until everything has passed through, and check it; how far it has come.
async fn settled(engine: &Engine, newest: &Mutex<Option<Seen>>, acknowledged: u64) -> u64 {
    for _ in 0..30_000 {
        engine.reactor("Second").unwrap().fire().await.ok();
        let settled = engine.ledger().await.check().is_ok() && engine.unsettled().await.is_empty();
        let seen = newest.lock().unwrap().unwrap_or_default();
        if settled && seen.last >= acknowledged {
            assert_eq!(
                seen.wrong, None,
                "a number that did not follow, and the one before it; now {}",
                seen.last
            );
            return seen.last;
        }
        tokio::time::sleep(Duration::from_millis(2)).await; // tidy: a process of its own, on real time
    }
    let (seen, state) = (*newest.lock().unwrap(), engine.state());
    let (open, ledger) = (engine.unsettled().await, engine.ledger().await.check());
    panic!(
        "{acknowledged} was acknowledged, and only {seen:?} has come through: {state:?}, {open:?}, {ledger:?}"
    );
}
