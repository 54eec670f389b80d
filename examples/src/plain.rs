//! The plain loop: one thread reads the departures and sums them up as it goes. It knows nothing of the
//! engine, nor of how `flights` reads the file.

use crate::summary::{Code, Hour, LATE_MIN, SEVERE_MIN, Summary, Totals, WINDOW_MIN};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind};
use std::path::Path;
use zstd::stream::read::Decoder;

struct Row {
    minute: i32,
    delay_min: i32,
    origin: Code,
}

/// Sum up the file at `path`, without the rows (from zero) in `skip`.
///
/// # Errors
/// If the file cannot be read, or a row is not one.
pub fn sum(path: &Path, skip: &HashSet<u32>) -> Result<Summary, Error> {
    let file = File::open(path)?;
    if path.extension().is_some_and(|extension| extension == "zst") {
        return sum_lines(BufReader::with_capacity(1 << 17, Decoder::new(file)?), skip);
    }
    sum_lines(BufReader::with_capacity(1 << 17, file), skip)
}

fn sum_lines(mut lines: impl BufRead, skip: &HashSet<u32>) -> Result<Summary, Error> {
    let mut line = Vec::with_capacity(64);
    lines.read_until(b'\n', &mut line)?;
    let mut sums = Sums::default();
    for number in 0_u32.. {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let bad = || Error::new(ErrorKind::InvalidData, format!("row {number} is not a departure"));
        let row = parse(line.trim_ascii_end()).ok_or_else(bad)?;
        if skip.is_empty() || !skip.contains(&number) {
            sums.add(&row);
        }
    }
    Ok(sums.end())
}

#[derive(Default)]
struct Sums {
    summary: Summary,
    airports: HashMap<Code, Totals>,
    open: HashMap<Code, Hour>,
}

impl Sums {
    fn add(&mut self, row: &Row) {
        self.summary.rows += 1;
        let totals = self.airports.entry(row.origin).or_default();
        totals.flights += 1;
        totals.delay_min += i64::from(row.delay_min);
        totals.over_15 += u64::from(row.delay_min > LATE_MIN);
        match row.delay_min {
            SEVERE_MIN.. => self.summary.alerts.severe += 1,
            LATE_MIN.. => self.summary.alerts.late += 1,
            _ => self.summary.alerts.on_time += 1,
        }
        let hour = i64::from(row.minute.div_euclid(WINDOW_MIN));
        let window = self.open.entry(row.origin).or_insert_with(|| Hour::new(row.origin, hour));
        if window.hour != hour {
            close(&mut self.summary, window);
            *window = Hour::new(row.origin, hour);
        }
        window.add(row.delay_min);
    }

    fn end(mut self) -> Summary {
        for window in self.open.values() {
            close(&mut self.summary, window);
        }
        self.summary.airports = self.airports.into_iter().collect();
        self.summary
    }
}

fn close(summary: &mut Summary, window: &Hour) {
    summary.n_windows += 1;
    summary.windows = summary.windows.wrapping_add(window.digest());
    if summary.busiest.is_none_or(|busiest| window.is_busier(&busiest)) {
        summary.busiest = Some(*window);
    }
    if summary.worst.is_none_or(|worst| window.is_worse(&worst)) {
        summary.worst = Some(*window);
    }
}

/// `2001-01-01T00:01,33,2176,LAS,PHL`
fn parse(line: &[u8]) -> Option<Row> {
    let mut fields = line.split(|byte| *byte == b',');
    let minute = minute(fields.next()?)?;
    let delay_min = signed(fields.next()?)?;
    number(fields.next()?)?;
    let origin = fields.next()?.try_into().ok()?;
    let _destination: Code = fields.next()?.try_into().ok()?;
    fields.next().is_none().then_some(Row { minute, delay_min, origin })
}

/// Minutes since 1970, taking local time as it is written.
fn minute(text: &[u8]) -> Option<i32> {
    let part = |from: usize, to: usize| text.get(from..to).and_then(number);
    let days = days_since_epoch(part(0, 4)?, part(5, 7)?, part(8, 10)?);
    Some((days * 24 + part(11, 13)?) * 60 + part(14, 16)?)
}

/// Days from 1970-01-01 in the Gregorian calendar, counting years from March.
fn days_since_epoch(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn signed(text: &[u8]) -> Option<i32> {
    match text.strip_prefix(b"-") {
        Some(digits) => number(digits).map(|value| -value),
        None => number(text),
    }
}

fn number(digits: &[u8]) -> Option<i32> {
    let mut value = 0_i32;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i32::from(digit))?;
    }
    (!digits.is_empty()).then_some(value)
}
