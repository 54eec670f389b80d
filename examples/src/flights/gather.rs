//! The sinks: what the terminals yield becomes a summary.

use super::flow::{News, Pace};
use super::hour::AirportHour;
use super::live::Live;
use crate::summary::{Hour, Summary};
use acequia::{EngineBuilder, Sink};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the terminals yielded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// The departures, summed up.
    pub summary: Summary,
    /// Hours of which a bulletin was written.
    pub n_bulletins: u64,
    /// Hours in which the busiest airport had the most minutes of delay, too.
    pub busiest_was_worst: u64,
    /// The longest delay of all.
    pub longest_min: i32,
}

#[derive(Default)]
struct Branches {
    severe: AtomicU64,
    late: AtomicU64,
    on_time: AtomicU64,
}

/// Holds what has been yielded so far.
#[derive(Default)]
pub(super) struct Gatherer {
    gathered: Mutex<Gathered>,
    branches: Branches,
}

impl Gatherer {
    /// The result, once the engine has stopped.
    pub(super) fn end(&self) -> Gathered {
        let mut gathered = self.lock().clone();
        let alerts = &mut gathered.summary.alerts;
        alerts.severe = self.branches.severe.load(Ordering::Relaxed);
        alerts.late = self.branches.late.load(Ordering::Relaxed);
        alerts.on_time = self.branches.on_time.load(Ordering::Relaxed);
        gathered
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, airports: &[AirportHour]) {
        let summary = &mut self.lock().summary;
        for hour in airports.iter().map(AirportHour::hour) {
            let totals = summary.airports.entry(hour.origin).or_default();
            totals.flights += hour.flights;
            totals.delay_min += hour.delay_min;
            totals.over_15 += hour.over_15;
            summary.n_windows += 1;
            summary.windows = summary.windows.wrapping_add(hour.digest());
        }
    }

    fn tell(&self, news: &News) {
        let mut gathered = self.lock();
        gathered.n_bulletins += 1;
        gathered.busiest_was_worst += u64::from(news.busiest.origin == news.worst.origin);
        let (busiest, worst): (Hour, Hour) = (news.busiest.hour(), news.worst.hour());
        let summary = &mut gathered.summary;
        if summary.busiest.is_none_or(|known| busiest.is_busier(&known)) {
            summary.busiest = Some(busiest);
        }
        if summary.worst.is_none_or(|known| worst.is_worse(&known)) {
            summary.worst = Some(worst);
        }
    }
}

/// Attach a sink to every terminal: two of them feed accumulators further on, `departed` feeds two.
pub(super) fn attach(builder: EngineBuilder, live: &Arc<Live>) -> (Arc<Gatherer>, EngineBuilder) {
    let gatherer = Arc::<Gatherer>::default();
    let to = || Arc::clone(&gatherer);
    let (severe, late, on_time, pace, hours, news) = (to(), to(), to(), to(), to(), to());
    let live = Arc::clone(live);
    let measured = move |measured: &Pace| {
        live.came_through(measured.rows, measured.over_15, measured.minute);
        pace.lock().summary.rows += measured.rows;
    };
    let longest = move |minutes: &i32| {
        severe.branches.severe.fetch_add(1, Ordering::Relaxed);
        let mut gathered = severe.lock();
        gathered.longest_min = gathered.longest_min.max(*minutes);
    };
    let builder = builder
        .sink("alerts", "severe", Sink::callback(longest))
        .sink("alerts", "late", count(late, |branches| &branches.late))
        .sink("alerts", "on_time", count(on_time, |branches| &branches.on_time))
        .sink("alerts", "departed", Sink::accumulator("delays"))
        .sink("alerts", "departed", Sink::accumulator("hours"))
        .sink("pace", "measured", Sink::callback(measured))
        .sink("airports", "by_origin", Sink::callback(move |airports: &Vec<AirportHour>| hours.add(airports)))
        .sink("airports", "busiest", Sink::accumulator("busiest_of_hour"))
        .sink("airports", "worst", Sink::accumulator("worst_of_hour"))
        .sink("bulletin", "news", Sink::callback(move |told: &News| news.tell(told)));
    (gatherer, builder)
}

fn count(gatherer: Arc<Gatherer>, branch: fn(&Branches) -> &AtomicU64) -> Sink {
    Sink::callback(move |(): &()| {
        branch(&gatherer.branches).fetch_add(1, Ordering::Relaxed);
    })
}
