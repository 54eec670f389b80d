//! What breaks, and when: drawn from one seed.

use acequia::Timestamp;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What every panic on purpose says.
const ON_PURPOSE: &str = "on purpose";

pub(super) struct Rule {
    seed: u64,
    rolls: AtomicU64,
    faults: AtomicU64,
    armed: AtomicBool,
    calm: AtomicBool,
    crashes: Mutex<Vec<(usize, Timestamp)>>,
}

impl Rule {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            rolls: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            armed: AtomicBool::new(false),
            calm: AtomicBool::new(false),
            crashes: Mutex::default(),
        }
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn arm(&self) {
        self.armed.store(true, Ordering::Relaxed);
    }

    pub(super) fn disarm(&self) {
        self.armed.store(false, Ordering::Relaxed);
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Whether chaos is over.
    pub(super) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    pub(super) fn n_faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// A number below `n`.
    pub(super) fn roll(&self, n: u64) -> u64 {
        mix(self.seed ^ mix(self.rolls.fetch_add(1, Ordering::Relaxed))) % n
    }

    /// Once in `n` times, while armed.
    pub(super) fn strikes(&self, n: u64) -> bool {
        self.armed.load(Ordering::Relaxed) && self.roll(n) == 0
    }

    /// Panic, or fail, once in `n` times, while armed.
    pub(super) fn may_panic(&self, n: u64) {
        if self.strikes(n) {
            self.faults.fetch_add(1, Ordering::Relaxed);
            panic!("{ON_PURPOSE}");
        }
    }

    /// Panic at every attempt at one item in about `n`.
    pub(super) fn poison(&self, item: u64, n: u64) {
        if mix(item ^ self.seed).is_multiple_of(n) {
            self.faults.fetch_add(1, Ordering::Relaxed);
            panic!("{ON_PURPOSE}");
        }
    }

    /// Whether `who` may be crashed now: less than `n` times within `period`, so that the budget of its
    /// supervisor holds.
    pub(super) fn may_crash(&self, who: usize, now: Timestamp, n: usize, period: Duration) -> bool {
        let mut crashes = self.crashes.lock().unwrap();
        let lately = crashes.iter().filter(|(known, at)| *known == who && now.since(*at) < period).count();
        let may = lately < n;
        if may {
            crashes.push((who, now));
        }
        may
    }

    /// Leave panics on purpose out of the standard error.
    pub(super) fn quiet_panics(&self) {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            if text != Some(ON_PURPOSE) {
                usual(info);
            }
        }));
    }
}

/// One step of splitmix64.
pub(super) fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}
