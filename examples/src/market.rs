//! Trading days of an index.

use crate::slices;
use serde::{Deserialize, Serialize};
use std::io::{Error, ErrorKind};
use std::path::Path;

/// One trading day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// As `2000-01-03`.
    pub date: String,
    /// At the opening.
    pub open: f64,
    /// At the close.
    pub close: f64,
    /// Shares traded.
    pub volume: u64,
}

/// Days of the first two years.
const TWO_YEARS: usize = 502;

/// The first two years, in order.
///
/// # Errors
/// As [`read`].
pub fn days() -> Result<Vec<Day>, Error> {
    let mut days = read(&slices::sp500())?;
    days.truncate(TWO_YEARS);
    Ok(days)
}

/// All days of a file, in order.
///
/// # Errors
/// If the file cannot be read, or a line is not a day.
pub fn read(path: &Path) -> Result<Vec<Day>, Error> {
    let text = std::fs::read_to_string(path)?;
    let bad = |line: &str| Error::new(ErrorKind::InvalidData, format!("not a trading day: {line}"));
    text.lines().skip(1).map(|line| day(line).ok_or_else(|| bad(line))).collect()
}

/// `2000-01-03,1469.250000,1478.000000,1438.359985,1455.219971,1455.219971,931800000`
fn day(line: &str) -> Option<Day> {
    let [date, open, _high, _low, close, _adjusted, volume] = line.split(',').collect::<Vec<_>>()[..] else {
        return None;
    };
    let date = date.to_owned();
    Some(Day { date, open: open.parse().ok()?, close: close.parse().ok()?, volume: volume.parse().ok()? })
}
