//! The negative control: what `sled` calls flushed does not survive a cut. If this ever passes for durable, the
//! harness cuts nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::mounted::{Cut, Dice, Mounted, let_work, n_cuts, seed};

/// Puts and flushes until it fails; up to which number it was told that all is flushed.
fn write(folder: &Path, flushed: &AtomicU64, power: &Cut) {
    let Ok(db) = sled::open(folder) else { return };
    for number in 1_u64.. {
        let put = db.insert(number.to_be_bytes(), vec![number as u8; 600]);
        if put.is_err() || db.flush().is_err() {
            return;
        }
        if power.counts() {
            flushed.store(number, Ordering::Relaxed);
        }
    }
}

/// Whether everything is there that was flushed.
fn is_whole(folder: &Path, flushed: u64) -> bool {
    let looked = catch_unwind(AssertUnwindSafe(|| {
        let db = sled::open(folder).ok()?;
        let is_there = |number: u64| db.get(number.to_be_bytes()).ok().flatten().is_some();
        Some((1..=flushed).all(is_there))
    }));
    looked.is_ok_and(|found| found == Some(true))
}

#[test]
fn bare_sled_loses_what_it_called_flushed() {
    let Some(mut disk) = Mounted::try_new("power_cut::control", 256) else { return };
    let mut dice = Dice(seed("control"));
    let (mut n_bad, mut n_cut) = (0, 0);
    for cut in 0..n_cuts() {
        let folder = disk.root().join(format!("sled-{}", cut % 2));
        // Each life begins anew, for the last one may not be opened any more.
        let _ = std::fs::remove_dir_all(&folder);
        let flushed = AtomicU64::new(0);
        let power = disk.armed().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // What it does when its disk is gone is its own business.
                drop(catch_unwind(AssertUnwindSafe(|| write(&folder, &flushed, &power))));
            });
            let_work(&mut dice);
            power.cut().unwrap();
        });
        power.wait().unwrap();
        disk.again();
        let flushed = flushed.into_inner();
        n_cut += u64::from(flushed > 0);
        n_bad += u64::from(flushed > 0 && !is_whole(&folder, flushed));
    }
    println!("bare sled: {n_bad} of {n_cut} cuts lost what was flushed, or the store");
    assert!(n_bad > 0, "not one of {n_cut} cuts took anything: this harness proves nothing");
}
