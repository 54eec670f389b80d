//! What the process used so far: wall time, CPU time, memory.

use std::fs;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// Time since it was started, on the wall and on all processors.
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: ProcessTime,
}

/// What a [`Stopwatch`] showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { cpu: ProcessTime::now(), wall: now() }
    }

    pub(crate) fn used(&self) -> Used {
        Used { wall: self.wall.elapsed(), cpu: self.cpu.elapsed() }
    }
}

/// The wall clock. Benches measure real time, so this is the one place that reads it.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Resident memory of this process in KiB; 0 where the system does not tell.
pub(crate) fn resident_kib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0.0)
}
