//! `plain`: one thread reads the departures and sums them up as it goes, with the standard collections.

use std::collections::HashMap;

use crate::error::BenchError;
use crate::flight::{Airport, Departure, Departures, Input};

/// Minutes in a tumbling window.
const WINDOW: i64 = 60;

/// Delay from which a departure counts as late, in minutes.
const LATE: i32 = 15;

/// Delay from which it counts as severe.
const SEVERE: i32 = 120;

/// What the file comes to. Variants agree if their summaries are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) n_rows: u64,
    pub(crate) airports: HashMap<Airport, Totals>,
    pub(crate) severe: u64,
    pub(crate) late: u64,
    pub(crate) on_time: u64,
    pub(crate) n_windows: u64,
    /// Closed windows, summed up in any order.
    pub(crate) windows: u64,
}

/// An airport's departures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) count: u64,
    pub(crate) delay: i64,
    pub(crate) late: u64,
}

/// An airport's departures within one hour.
#[derive(Debug, Clone, Copy)]
struct Hour {
    hour: i64,
    count: u64,
    delay: i64,
    longest: i32,
}

/// The plain loop.
pub(crate) fn sum(input: &Input) -> Result<Summary, BenchError> {
    let mut departures = Departures::open(input)?;
    let mut summary = Summary::default();
    let mut open: HashMap<Airport, Hour> = HashMap::new();
    while let Some(departure) = departures.read()? {
        summary.count(&departure);
        let hour = departure.minute.div_euclid(WINDOW);
        let window = open.entry(departure.origin).or_insert_with(|| Hour::new(hour));
        if window.hour != hour {
            summary.close(departure.origin, window);
            *window = Hour::new(hour);
        }
        window.add(&departure);
    }
    for (airport, window) in &open {
        summary.close(*airport, window);
    }
    Ok(summary)
}

impl Summary {
    fn count(&mut self, departure: &Departure) {
        self.n_rows += 1;
        let totals = self.airports.entry(departure.origin).or_default();
        totals.count += 1;
        totals.delay += i64::from(departure.delay_min);
        totals.late += u64::from(departure.delay_min > LATE);
        match departure.delay_min {
            SEVERE.. => self.severe += 1,
            LATE.. => self.late += 1,
            _ => self.on_time += 1,
        }
    }

    fn close(&mut self, airport: Airport, window: &Hour) {
        self.n_windows += 1;
        self.windows = self.windows.wrapping_add(window.digest(airport));
    }
}

impl Hour {
    fn new(hour: i64) -> Self {
        Self { hour, count: 0, delay: 0, longest: i32::MIN }
    }

    fn add(&mut self, departure: &Departure) {
        self.count += 1;
        self.delay += i64::from(departure.delay_min);
        self.longest = self.longest.max(departure.delay_min);
    }

    fn digest(&self, airport: Airport) -> u64 {
        let mut digest = u64::from(u32::from_be_bytes([0, airport[0], airport[1], airport[2]]));
        for part in [self.hour as u64, self.count, self.delay as u64, self.longest as u64] {
            digest = (digest ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
        }
        digest
    }
}
