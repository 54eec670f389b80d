//! A run as text: tables for people, one object for programs.

use super::departure::Departure;
use super::flow::code;
use super::{Dead, Flown};
use crate::summary::{Alerts, Code, Hour, Totals};
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use std::collections::BTreeMap;

/// Airports in the table.
const WORST: usize = 10;

/// Dead rows that are listed in full.
const DEAD: usize = 20;

/// Everything, as one JSON object.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    rows: u64,
    airports: Vec<Airport>,
    alerts: Branches,
    firings: &'a BTreeMap<String, u64>,
    dead: usize,
    events_per_s: f64,
    ledger: Line,
}

#[derive(Debug, Serialize)]
struct Airport {
    origin: String,
    flights: u64,
    mean_delay_min: f64,
    delayed_over_15: u64,
}

#[derive(Debug, Serialize)]
struct Branches {
    severe: u64,
    late: u64,
    on_time: u64,
}

#[derive(Debug, Serialize)]
struct Line {
    accepted: u64,
    settled: u64,
    dropped: u64,
    unsettled: u64,
}

impl<'a> From<&'a Flown> for Report<'a> {
    fn from(flown: &'a Flown) -> Self {
        let (summary, ledger) = (&flown.gathered.summary, &flown.ledger);
        let Alerts { severe, late, on_time } = summary.alerts;
        let airport = |(origin, totals): (&Code, &Totals)| Airport {
            origin: code(*origin),
            flights: totals.flights,
            mean_delay_min: totals.mean_delay_min(),
            delayed_over_15: totals.over_15,
        };
        Self {
            rows: ledger.accepted,
            airports: summary.airports.iter().map(airport).collect(),
            alerts: Branches { severe, late, on_time },
            firings: &flown.firings,
            dead: flown.dead.len(),
            events_per_s: flown.events_per_s(),
            ledger: Line {
                accepted: ledger.accepted,
                settled: ledger.settled(),
                dropped: ledger.dropped(),
                unsettled: ledger.unsettled,
            },
        }
    }
}

/// Everything, as tables and lines.
pub fn text(flown: &Flown) -> String {
    let summary = &flown.gathered.summary;
    let mut lines = vec![airports(flown), alerts(flown)];
    for (what, hour) in [("busiest", &summary.busiest), ("worst", &summary.worst)] {
        lines.extend(hour.as_ref().map(|hour| format!("{what} hour: {}", told(hour))));
    }
    lines.push(format!(
        "bulletins: {} hours, the busiest airport was the worst in {}; the longest delay was {} min",
        grouped(flown.gathered.n_bulletins),
        grouped(flown.gathered.busiest_was_worst),
        grouped(flown.gathered.longest_min.unsigned_abs().into()),
    ));
    let firings = flown.firings.iter().map(|(reactor, n)| format!("{reactor} {}", grouped(*n)));
    lines.push(format!("firings: {}", firings.collect::<Vec<_>>().join(", ")));
    if !flown.dead.is_empty() {
        lines.push(dead(&flown.dead));
        lines.push(format!("deliveries to alerts: {}", flown.deliveries));
    }
    lines.push(format!(
        "throughput: {} departures in {:.2} s, {} a second",
        grouped(flown.ledger.accepted),
        flown.took.as_secs_f64(),
        grouped(flown.events_per_s() as u64),
    ));
    lines.push(format!("ledger: {}", flown.ledger));
    lines.join("\n")
}

fn airports(flown: &Flown) -> String {
    let summary = &flown.gathered.summary;
    // A handful of departures makes no mean.
    let enough = (summary.rows / 2_000).max(10);
    let mut worst: Vec<(&Code, &Totals)> =
        summary.airports.iter().filter(|(_, totals)| totals.flights >= enough).collect();
    worst.sort_by(|a, b| b.1.mean_delay_min().total_cmp(&a.1.mean_delay_min()).then(a.0.cmp(b.0)));
    let mut table = table(["origin", "flights", "mean delay, min", "over 15 min", "of flights"]);
    for (origin, totals) in worst.into_iter().take(WORST) {
        table.add_row([
            code(*origin),
            grouped(totals.flights),
            format!("{:.2}", totals.mean_delay_min()),
            grouped(totals.over_15),
            percent(totals.over_15, totals.flights),
        ]);
    }
    let of = summary.airports.len();
    format!("worst airports by mean delay, of {of}, with {} departures or more\n{table}", grouped(enough))
}

fn alerts(flown: &Flown) -> String {
    let mut table = table(["alert", "departures", "of all"]);
    let branches = flown.gathered.summary.alerts.by_branch();
    let all = branches.iter().map(|(_, n)| n).sum();
    for (branch, n) in branches {
        table.add_row([branch.to_owned(), grouped(n), percent(n, all)]);
    }
    format!("alerts by branch\n{table}")
}

fn dead(dead: &[Dead]) -> String {
    let mut table = table(["dead row", "departure", "attempts", "cause"]);
    for Dead { departure, cause, attempts } in dead.iter().take(DEAD) {
        table.add_row([
            grouped(departure.row.into()),
            flight(departure),
            attempts.to_string(),
            cause.clone(),
        ]);
    }
    let others: Vec<String> = dead.iter().skip(DEAD).map(|dead| dead.departure.row.to_string()).collect();
    let others = if others.is_empty() { others.concat() } else { format!("\nand rows {}", others.join(" ")) };
    format!("dead letters: {}\n{table}{others}", grouped(dead.len() as u64))
}

fn flight(departure: &Departure) -> String {
    let Departure { origin, destination, delay_min, .. } = departure;
    format!("{origin} to {destination}, {delay_min:+} min")
}

fn told(hour: &Hour) -> String {
    let at = date(hour.hour * 60);
    format!("{} at {at}, {} departures, {} min of delay", code(hour.origin), hour.flights, hour.delay_min)
}

/// Minutes since 1970 as date and time.
pub fn date(minute: i64) -> String {
    let (days, minute) = (minute.div_euclid(1_440), minute.rem_euclid(1_440));
    // Counted in eras of 400 years that begin on 1 March.
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + days.div_euclid(146_097) * 400 + later;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
}

/// A number with its thousands apart.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(part: u64, of: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / of.max(1) as f64)
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{date, grouped};

    #[test]
    fn minutes_become_dates() {
        assert_eq!(date(0), "1970-01-01 00:00");
        assert_eq!(date(16_305_121), "2001-01-01 00:01");
        assert_eq!(date(11_016 * 1_440), "2000-02-29 00:00");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
