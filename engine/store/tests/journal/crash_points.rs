//! The named crash points: what is found after a crash at each of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use acequia_store::Lsn;
use acequia_store::disk::{Cut, SimulatedDisk};
use acequia_store::journal::{CrashPoint, Journal, OnCrashPoint, Settings};

use super::kit::{self, batch, demand};

/// The disk at a crash point, and how much was acknowledged.
struct Moment {
    point: CrashPoint,
    disk: SimulatedDisk,
    acknowledged: u64,
}

fn moments(settings: Settings) -> Vec<Moment> {
    let disk = SimulatedDisk::new(1);
    let acknowledged = Arc::new(Mutex::new(0));
    let moments = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let (disk, acknowledged, moments) = (disk.clone(), Arc::clone(&acknowledged), Arc::clone(&moments));
        move |point| {
            let acknowledged = *acknowledged.lock().unwrap();
            moments.lock().unwrap().push(Moment { point, disk: disk.copy(), acknowledged });
        }
    };
    let settings = Settings { on_crash_point: Some(OnCrashPoint::new(hook)), ..settings };
    let (journal, _) = Journal::open(kit::simulated(&disk), settings).unwrap();
    for n in 0..20 {
        let end = journal.append_and_wait(batch(&journal, n * 5 + 1..n * 5 + 6)).unwrap().end;
        *acknowledged.lock().unwrap() = end.0 - 1;
    }
    journal.trim(Lsn(60)).unwrap();
    drop(journal);
    let mut moments = moments.lock().unwrap();
    moments.drain(..).collect()
}

#[test]
fn a_crash_at_any_named_point_leaves_the_state_before_or_after() {
    for settings in [kit::tiny(), Settings { inline: false, ..kit::tiny() }] {
        let moments = moments(settings);
        let reached: BTreeSet<CrashPoint> = moments.iter().map(|moment| moment.point).collect();
        let own = CrashPoint::ALL.iter().copied().filter(|point| point.is_of_the_journal());
        assert_eq!(reached, own.collect());
        for Moment { point, disk, acknowledged } in moments {
            let killed = disk.copy().kill();
            let cut = [Cut::Nothing, Cut::Torn, Cut::Everything].map(|cut| disk.copy().power_cut(cut));
            for (at, found) in [killed].into_iter().chain(cut).enumerate() {
                let (journal, opened) = Journal::open(kit::simulated(&found), kit::tiny()).unwrap();
                let n = opened.next.0 - 1;
                assert!(
                    [acknowledged, acknowledged + 5].contains(&n),
                    "{point}, {at}: {n} of {acknowledged}"
                );
                demand(&journal, n);
                // What is synced is there, whoever knows.
                if matches!(point, CrashPoint::AfterSync | CrashPoint::BeforeAck) {
                    assert_eq!(n, acknowledged + 5, "{point}, {at}");
                }
            }
        }
    }
}

#[test]
fn a_crash_point_is_known_by_its_name() {
    for point in CrashPoint::ALL {
        assert_eq!(CrashPoint::named(point.as_str()), Some(*point));
    }
    assert_eq!(CrashPoint::named("append: elsewhere"), None);
}
