//! The event and its one source. Every variant gets the same events, by the same calls.

use serde::{Deserialize, Serialize};

/// Length of every name, in bytes.
const NAME_LENGTH: usize = 168;

/// How many different names the source hands out in turn.
const N_NAMES: usize = 64;

/// How many events may be alive between a source and the last node.
pub(crate) const ALIVE: usize = 256;

/// What every in-process workload moves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) sequence: u64,
    pub(crate) value: f64,
    pub(crate) name: String,
}

/// A seeded, endless source of events. Each event owns a fresh copy of its name.
pub(crate) struct Source {
    names: Vec<String>,
    random: Random,
    sequence: u64,
}

impl Source {
    pub(crate) fn new() -> Self {
        let mut random = Random::new(0x00AC_E901_A000_0001);
        let names = (0..N_NAMES).map(|_| name(&mut random)).collect();
        Self { names, random, sequence: 0 }
    }

    #[inline]
    pub(crate) fn event(&mut self) -> Event {
        let sequence = self.sequence;
        self.sequence += 1;
        let value = (self.random.draw() >> 40) as f64;
        Event { sequence, value, name: self.names[sequence as usize % N_NAMES].clone() }
    }
}

impl Iterator for Source {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        Some(self.event())
    }
}

fn name(random: &mut Random) -> String {
    (0..NAME_LENGTH).map(|_| char::from(b'a' + (random.draw() % 26) as u8)).collect()
}

/// SplitMix64: small, seeded, good enough to shuffle with.
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    #[inline]
    pub(crate) fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Fisher-Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, (self.draw() % (last as u64 + 1)) as usize);
        }
    }
}
