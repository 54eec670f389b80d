//! One event at a time on an idle engine: from just before the push until the last node has run.
//!
//! Events leave once a millisecond, so the engine sleeps in between, as a lightly loaded one does.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::BenchError;
use crate::event::{Event, Source};
use crate::resources::now;
use crate::tally::{Outcome, Published, Tally};

/// Time between two events.
const PERIOD: Duration = Duration::from_millis(1);

/// How long an event may stay out before the bench gives up.
const LOST: Duration = Duration::from_secs(5);

/// Where events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// A task on the engine's runtime.
    Inside,
    /// An OS thread that the engine does not know.
    Outside,
}

/// A lightly loaded engine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Light {
    pub(crate) n_events: u64,
    /// Who is measured, for messages.
    pub(crate) variant: &'static str,
}

/// What one repeat showed, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latencies {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) outcome: Outcome,
}

/// The last node's clock. It sees one event at a time.
#[derive(Debug)]
pub(crate) struct Probe {
    epoch: Instant,
    tally: Tally,
    at: AtomicU64,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Self { epoch: now(), tally: Tally::default(), at: AtomicU64::new(0) }
    }

    /// Forgets what it has seen.
    pub(crate) fn clear(&self) {
        self.tally.clear();
    }

    /// The last node has run.
    #[inline]
    pub(crate) fn seen(&self, published: Published) {
        self.at.store(self.nanos(), Ordering::Relaxed);
        self.tally.record(published);
    }

    fn nanos(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    fn is_seen(&self, n_events: u64) -> bool {
        self.tally.firings() >= n_events
    }

    fn latency(&self, sent: u64) -> u64 {
        self.at.load(Ordering::Relaxed).saturating_sub(sent)
    }
}

/// Measures from this thread, which must not belong to the engine. It sleeps, then spins to the tick.
pub(crate) fn from_outside(
    light: Light,
    probe: &Probe,
    mut push: impl FnMut(Event) -> Result<(), BenchError>,
) -> Result<Latencies, BenchError> {
    let mut histogram = histogram();
    let started = now();
    for (index, event) in (1..=light.n_events).zip(Source::new()) {
        let due = PERIOD * index as u32;
        sleep_until(started, due);
        let sent = probe.nanos();
        push(event)?;
        while !probe.is_seen(index) {
            // Polling would keep the other processor's cache line busy, and sleeping is what a caller does.
            sleep_until(started, started.elapsed() + PERIOD / 4);
            check_lost(light, probe, sent)?;
        }
        histogram.saturating_record(probe.latency(sent));
    }
    Ok(latencies(&histogram, probe))
}

/// Measures from a task on the engine's runtime.
pub(crate) async fn from_inside<F, P>(
    light: Light,
    probe: Arc<Probe>,
    mut push: F,
) -> Result<Latencies, BenchError>
where
    F: FnMut(Event) -> P + Send,
    P: Future<Output = Result<(), BenchError>> + Send,
{
    let mut histogram = histogram();
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut source = Source::new();
    for index in 1..=light.n_events {
        let event = source.event();
        ticks.tick().await;
        let sent = probe.nanos();
        push(event).await?;
        while !probe.is_seen(index) {
            ticks.tick().await;
            check_lost(light, &probe, sent)?;
        }
        histogram.saturating_record(probe.latency(sent));
    }
    Ok(latencies(&histogram, &probe))
}

fn sleep_until(started: Instant, due: Duration) {
    let spin = Duration::from_micros(100);
    if let Some(sleep) = due.checked_sub(started.elapsed() + spin) {
        pause(sleep);
    }
    while started.elapsed() < due {
        std::hint::spin_loop();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a foreign thread that paces itself has nothing else to wait on"
)]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

fn check_lost(light: Light, probe: &Probe, sent: u64) -> Result<(), BenchError> {
    let out = Duration::from_nanos(probe.nanos() - sent);
    if out < LOST { Ok(()) } else { Err(BenchError::Stopped { variant: light.variant }) }
}

/// Three significant digits, up to the time after which an event counts as lost.
fn histogram() -> Histogram<u64> {
    let highest = LOST.as_nanos() as u64;
    Histogram::new_with_max(highest, 3)
        .unwrap_or_else(|_| unreachable!("bounds and digits are constants in range"))
}

fn latencies(histogram: &Histogram<u64>, probe: &Probe) -> Latencies {
    Latencies {
        p50: histogram.value_at_quantile(0.5) as f64,
        p99: histogram.value_at_quantile(0.99) as f64,
        outcome: probe.tally.outcome(),
    }
}
