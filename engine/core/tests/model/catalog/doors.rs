//! Starts against unloads, on real threads: the unload sees the start, or the start is turned away.

use super::{carry_out, decide, hold, load, pin, release, unload};
use acequia_core::catalog::{Catalog, PinKind, Refusal, Snapshot};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Starters take whatever snapshot they find, start on it, and look whether the version that they hold is
/// still loaded; the owner of the catalog goes on unloading and loading it.
#[test]
fn a_start_that_was_let_in_holds_its_version_whatever_the_race() {
    let mut catalog = Catalog::default();
    carry_out(&mut catalog, load("p", "v1")).unwrap();
    let published: Mutex<Arc<Snapshot>> = Mutex::new(catalog.snapshot());
    let (is_over, n_started, n_turned_away) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let unloaded_under_a_pin = AtomicBool::new(false);
    let starter = || {
        while !is_over.load(Ordering::SeqCst) {
            let snapshot = Arc::clone(&published.lock().unwrap());
            match snapshot.start(&"p".into(), "r") {
                Ok((version, start)) => {
                    std::thread::yield_now();
                    let now = Arc::clone(&published.lock().unwrap());
                    let is_loaded = now.package(&"p".into()).is_some_and(|p| p.get(&version).is_some());
                    unloaded_under_a_pin.fetch_or(!is_loaded, Ordering::SeqCst);
                    drop(start);
                    n_started.fetch_add(1, Ordering::SeqCst);
                }
                Err(Refusal::UnknownVersion { .. } | Refusal::Draining { .. }) => {
                    n_turned_away.fetch_add(1, Ordering::SeqCst);
                }
                Err(other) => panic!("{other}"),
            }
        }
    };
    let (mut n_unloads, mut n_held) = (0, 0);
    std::thread::scope(|scope| {
        let starters = [(); 3].map(|()| scope.spawn(starter));
        while (n_unloads < 200 || n_held < 20) && starters.iter().all(|starter| !starter.is_finished()) {
            match carry_out(&mut catalog, unload("p", None)) {
                Ok(_) => {
                    *published.lock().unwrap() = catalog.snapshot();
                    n_unloads += 1;
                    carry_out(&mut catalog, load("p", "v1")).unwrap();
                    *published.lock().unwrap() = catalog.snapshot();
                }
                Err(Refusal::Held { .. }) => n_held += 1,
                Err(other) => panic!("{other}"),
            }
        }
        is_over.store(true, Ordering::SeqCst);
    });
    assert!(!unloaded_under_a_pin.load(Ordering::SeqCst), "a version went while a start held it");
    assert!(n_started.load(Ordering::SeqCst) > 0 && n_turned_away.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_pin_that_changes_hands_leaves_no_gap() {
    let mut catalog = Catalog::default();
    carry_out(&mut catalog, load("p", "v1")).unwrap();
    let is_held = |catalog: &Catalog| matches!(decide(catalog, unload("p", None)), Err(Refusal::Held { .. }));
    let (_, start) = catalog.snapshot().start(&"p".into(), "r").unwrap();
    assert!(is_held(&catalog));
    let decision = decide(&catalog, pin(vec![hold("p", "v1", PinKind::LiveRun, "r")])).unwrap();
    assert!(is_held(&catalog), "while its record is being synced");
    catalog.apply(&decision.record).unwrap();
    drop(start);
    assert!(is_held(&catalog));
    carry_out(&mut catalog, pin(vec![release("p", "v1", PinKind::LiveRun, "r")])).unwrap();
    assert!(!is_held(&catalog));
}
