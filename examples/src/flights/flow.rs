//! What departures flow through: accumulators, reactors and graphs, as the macros write them.
//!
//! ```text
//! departures ─ Departures ─ alerts ┬ severe, late, on_time
//!                                  └ departed ┬ delays ─ Delays ─ pace ─ measured
//!                                             └ hours ── Hours ─ airports ┬ by_origin
//!                      bulletin ─ Bulletin ┬ busiest_of_hour ─────────────┼ busiest
//!                                          └ worst_of_hour ───────────────┴ worst
//! ```

use super::departure::{Airport, Departure};
use super::hour::{AirportHour, Panes};
use crate::summary::LATE_MIN;
use acequia::{
    Span, Timestamp, batch_accumulator, computation_graph, passthrough_accumulator, reactor,
    window_accumulator,
};
use serde::{Deserialize, Serialize};

/// Departures, as the source reads them.
#[passthrough_accumulator(capacity = 8192)]
pub fn departures(departure: Departure) -> Departure {
    departure
}

/// Fires once a departure.
#[reactor(accumulators = [departures], criteria = when_any(departures), strategy = sequential)]
pub struct Departures;

/// Sorts each departure by how late it is. It is the only graph that sees single rows, and everything
/// else comes after it: a row that dies here is nowhere in the table.
#[computation_graph(
    trigger = reactor(Departures),
    graph = {
        classify(departures) => { Severe -> severe, Late -> late, OnTime -> on_time },
        departed(departures),
    },
    overflow = block
)]
pub mod alerts {
    use super::super::chaos::strike;
    use super::Departure;
    use crate::summary::{LATE_MIN, SEVERE_MIN};

    pub(super) enum Lateness {
        Severe { row: u32, minutes: i32 },
        Late(u32),
        OnTime,
    }

    fn classify(departure: &Departure) -> Lateness {
        strike("classify", departure.row);
        match departure.delay_min {
            minutes @ SEVERE_MIN.. => Lateness::Severe { row: departure.row, minutes },
            LATE_MIN.. => Lateness::Late(departure.row),
            _ => Lateness::OnTime,
        }
    }

    fn severe(row: &u32, minutes: &i32) -> i32 {
        strike("severe", *row);
        *minutes
    }

    fn late(row: &u32) {
        strike("late", *row);
    }

    fn on_time() {}

    fn departed(departure: &Departure) -> Departure {
        *departure
    }
}

/// How departures left, over some thousand of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// How many.
    pub rows: u64,
    /// How many left more than 15 minutes late.
    pub over_15: u64,
    /// Minutes since 1970 of the last one.
    pub minute: i32,
}

/// Departures by the thousand, for live rates.
#[batch_accumulator(max_buffer_size = 4096, flush_interval = "50ms", capacity = 8192)]
pub fn delays(departures: &[Departure]) -> Option<Pace> {
    let last = departures.last()?;
    let over_15 = departures.iter().filter(|departure| departure.delay_min > LATE_MIN).count() as u64;
    Some(Pace { rows: departures.len() as u64, over_15, minute: last.minute })
}

/// Fires once a batch.
#[reactor(accumulators = [delays], criteria = when_any(delays), strategy = sequential)]
pub struct Delays;

/// Passes on what was measured.
#[computation_graph(trigger = reactor(Delays), graph = { measured(delays) }, overflow = block)]
pub mod pace {
    use super::Pace;

    fn measured(pace: &Pace) -> Pace {
        *pace
    }
}

fn event_time(departure: &Departure) -> Timestamp {
    Timestamp::from_millis(i64::from(departure.minute) * 60_000)
}

/// Departures by the hour in which they left, summed up by airport.
#[window_accumulator(tumbling = "1h", time = event_time, capacity = 8192)]
pub fn hours(span: Span, departures: &[Departure]) -> Vec<AirportHour> {
    Panes::sum(span.start.as_millis() / 3_600_000, departures)
}

/// Fires once an hour.
#[reactor(accumulators = [hours], criteria = when_any(hours), strategy = sequential)]
pub struct Hours;

/// Hands on the hour of every airport, the busiest and the worst of them.
#[computation_graph(
    trigger = reactor(Hours),
    graph = { by_origin(hours), busiest(hours), worst(hours) },
    overflow = block
)]
pub mod airports {
    use super::AirportHour;

    fn by_origin(airports: &Vec<AirportHour>) -> Vec<AirportHour> {
        airports.clone()
    }

    fn busiest(airports: &Vec<AirportHour>) -> Result<AirportHour, &'static str> {
        let busier = |a: AirportHour, b: AirportHour| if b.hour().is_busier(&a.hour()) { b } else { a };
        airports.iter().copied().reduce(busier).ok_or("an hour without departures")
    }

    fn worst(airports: &Vec<AirportHour>) -> Result<AirportHour, &'static str> {
        let worse = |a: AirportHour, b: AirportHour| if b.hour().is_worse(&a.hour()) { b } else { a };
        airports.iter().copied().reduce(worse).ok_or("an hour without departures")
    }
}

/// The airport with the most departures, hour by hour.
#[passthrough_accumulator]
pub fn busiest_of_hour(airport: AirportHour) -> AirportHour {
    airport
}

/// The airport with the most minutes of delay, hour by hour.
#[passthrough_accumulator]
pub fn worst_of_hour(airport: AirportHour) -> AirportHour {
    airport
}

/// Fires once both are there for an hour: the k-th of the one meets the k-th of the other.
#[reactor(
    accumulators = [busiest_of_hour, worst_of_hour],
    criteria = when_all(busiest_of_hour, worst_of_hour),
    strategy = sequential
)]
pub struct Bulletin;

/// What stood out in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// The airport with the most departures.
    pub busiest: AirportHour,
    /// The airport with the most minutes of delay.
    pub worst: AirportHour,
}

/// Joins the two; they are of the same hour, or no pair was kept together.
#[computation_graph(
    trigger = reactor(Bulletin),
    graph = { news(busiest_of_hour, worst_of_hour) },
    overflow = block
)]
pub mod bulletin {
    use super::{AirportHour, News};

    fn news(busiest: &AirportHour, worst: &AirportHour) -> Result<News, &'static str> {
        if busiest.hour != worst.hour {
            return Err("a pair of two different hours");
        }
        Ok(News { busiest: *busiest, worst: *worst })
    }
}

/// The code of an airport, for messages.
pub fn code(code: [u8; 3]) -> String {
    Airport(code).to_string()
}
