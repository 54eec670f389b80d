//! What the departures come to. Two ways of computing it agree if their summaries are equal.

use std::collections::BTreeMap;

/// The code of an airport.
pub type Code = [u8; 3];

/// Minutes in a tumbling window.
pub const WINDOW_MIN: i32 = 60;

/// A delay beyond this many minutes counts as delayed; from it on, the departure is late.
pub const LATE_MIN: i32 = 15;

/// Delay, in minutes, from which a departure is severely late.
pub const SEVERE_MIN: i32 = 120;

/// The departures, summed up in integers, so that equal means equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Departures in it.
    pub rows: u64,
    /// Every origin.
    pub airports: BTreeMap<Code, Totals>,
    /// Departures by how late they were.
    pub alerts: Alerts,
    /// Windows closed: one an airport and hour.
    pub n_windows: u64,
    /// Digests of all windows, summed up in any order.
    pub windows: u64,
    /// The most departures of one airport within one hour.
    pub busiest: Option<Hour>,
    /// The most minutes of delay of one airport within one hour.
    pub worst: Option<Hour>,
}

/// An airport's departures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many.
    pub flights: u64,
    /// Their delays, summed up in minutes.
    pub delay_min: i64,
    /// How many left more than [`LATE_MIN`] late.
    pub over_15: u64,
}

/// Departures by branch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alerts {
    /// From [`SEVERE_MIN`] on.
    pub severe: u64,
    /// From [`LATE_MIN`] on.
    pub late: u64,
    /// All others.
    pub on_time: u64,
}

/// An airport's departures within one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// The airport.
    pub origin: Code,
    /// Hours since 1970.
    pub hour: i64,
    /// How many departures.
    pub flights: u64,
    /// Their delays, summed up in minutes.
    pub delay_min: i64,
    /// How many left more than [`LATE_MIN`] late.
    pub over_15: u64,
    /// The longest delay.
    pub longest_min: i32,
}

impl Totals {
    /// The mean delay in minutes: one division of two exact integers.
    pub fn mean_delay_min(&self) -> f64 {
        if self.flights == 0 { 0.0 } else { self.delay_min as f64 / self.flights as f64 }
    }
}

impl Alerts {
    /// Count by branch.
    pub fn by_branch(&self) -> [(&'static str, u64); 3] {
        [("severe", self.severe), ("late", self.late), ("on_time", self.on_time)]
    }
}

impl Hour {
    /// An hour without departures.
    pub fn new(origin: Code, hour: i64) -> Self {
        Self { origin, hour, flights: 0, delay_min: 0, over_15: 0, longest_min: i32::MIN }
    }

    /// One departure more.
    #[inline]
    pub fn add(&mut self, delay_min: i32) {
        self.flights += 1;
        self.delay_min += i64::from(delay_min);
        self.over_15 += u64::from(delay_min > LATE_MIN);
        self.longest_min = self.longest_min.max(delay_min);
    }

    /// A figure that differs when any part of it does.
    pub fn digest(&self) -> u64 {
        let [a, b, c] = self.origin;
        let mut digest = u64::from(u32::from_be_bytes([0, a, b, c]));
        for part in [self.hour as u64, self.flights, self.delay_min as u64, self.longest_min as u64] {
            digest = (digest ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
        }
        digest
    }

    /// Whether it has more departures than `other`; the earlier hour and the smaller code win a tie.
    pub fn is_busier(&self, other: &Self) -> bool {
        (self.flights, other.hour, other.origin) > (other.flights, self.hour, self.origin)
    }

    /// Whether it has more minutes of delay than `other`; ties as in [`Hour::is_busier`].
    pub fn is_worse(&self, other: &Self) -> bool {
        (self.delay_min, other.hour, other.origin) > (other.delay_min, self.hour, self.origin)
    }
}
