//! An airport's hour, and how a pane of departures is summed up into one of each airport.

use super::departure::{Airport, Departure};
use crate::summary::Hour;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The departures of an airport within an hour, as they travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AirportHour {
    /// The airport.
    pub origin: Airport,
    /// Hours since 1970.
    pub hour: i64,
    /// How many departures.
    pub flights: u64,
    /// Their delays, summed up in minutes.
    pub delay_min: i64,
    /// How many left more than 15 minutes late.
    pub over_15: u64,
    /// The longest delay.
    pub longest_min: i32,
}

impl From<Hour> for AirportHour {
    fn from(hour: Hour) -> Self {
        let Hour { origin, hour, flights, delay_min, over_15, longest_min } = hour;
        Self { origin: Airport(origin), hour, flights, delay_min, over_15, longest_min }
    }
}

impl AirportHour {
    /// The same without the engine's types.
    pub fn hour(&self) -> Hour {
        let Self { origin, hour, flights, delay_min, over_15, longest_min } = *self;
        Hour { origin: origin.0, hour, flights, delay_min, over_15, longest_min }
    }
}

thread_local! {
    // Kept from pane to pane for its memory.
    static PANES: RefCell<Panes> = RefCell::default();
}

/// Sums up panes.
#[derive(Default)]
pub struct Panes {
    places: HashMap<u32, usize, BuildHasherDefault<CodeHasher>>,
}

impl Panes {
    /// One sum an airport, in the order in which they come up.
    pub fn sum(hour: i64, departures: &[Departure]) -> Vec<AirportHour> {
        let sums = PANES.with_borrow_mut(|panes| panes.sum_up(hour, departures));
        sums.into_iter().map(AirportHour::from).collect()
    }

    fn sum_up(&mut self, hour: i64, departures: &[Departure]) -> Vec<Hour> {
        self.places.clear();
        let mut sums: Vec<Hour> = Vec::with_capacity(256);
        for departure in departures {
            let [a, b, c] = departure.origin.0;
            let place = *self.places.entry(u32::from_be_bytes([0, a, b, c])).or_insert_with(|| {
                sums.push(Hour::new(departure.origin.0, hour));
                sums.len() - 1
            });
            sums[place].add(departure.delay_min);
        }
        sums
    }
}

/// Hashes the few bytes of a code, which nobody chose to collide.
#[derive(Default)]
pub struct CodeHasher(u64);

impl Hasher for CodeHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, code: u32) {
        self.0 = (self.0 ^ u64::from(code)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
