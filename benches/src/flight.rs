//! Departures, read from compressed CSV. Every variant of `flights` reads through this.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use zstd::stream::read::Decoder;

use crate::error::BenchError;

/// The code of an airport.
pub(crate) type Airport = [u8; 3];

/// One row of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Departure {
    /// Minutes since 1970, taking local time as it is written.
    pub(crate) minute: i64,
    pub(crate) delay_min: i32,
    pub(crate) distance_mi: u32,
    pub(crate) origin: Airport,
    pub(crate) destination: Airport,
}

/// Where departures come from, and how many of them.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    pub(crate) limit: u64,
}

/// The departures of a file, in its order. Decompressing and parsing are part of what is measured.
pub(crate) struct Departures {
    lines: BufReader<Decoder<'static, BufReader<File>>>,
    line: Vec<u8>,
    row: u64,
    limit: u64,
    path: PathBuf,
}

impl Departures {
    pub(crate) fn open(input: &Input) -> Result<Self, BenchError> {
        let mut lines =
            decoder(&input.path).map(BufReader::new).map_err(|source| read_error(&input.path, source))?;
        let mut line = Vec::with_capacity(64);
        lines.read_until(b'\n', &mut line).map_err(|source| read_error(&input.path, source))?;
        Ok(Self { lines, line, row: 0, limit: input.limit, path: input.path.clone() })
    }

    /// The next departure; `None` at the end of the file or at the limit.
    #[inline]
    pub(crate) fn read(&mut self) -> Result<Option<Departure>, BenchError> {
        if self.row == self.limit {
            return Ok(None);
        }
        self.line.clear();
        let length =
            self.lines.read_until(b'\n', &mut self.line).map_err(|source| read_error(&self.path, source))?;
        if length == 0 {
            return Ok(None);
        }
        self.row += 1;
        parse(self.line.trim_ascii_end()).map(Some).ok_or(BenchError::Row { row: self.row })
    }
}

fn decoder(path: &Path) -> std::io::Result<Decoder<'static, BufReader<File>>> {
    Decoder::new(File::open(path)?)
}

fn read_error(path: &Path, source: std::io::Error) -> BenchError {
    BenchError::Read { path: path.to_owned(), source }
}

/// `2001-01-01T00:01,33,2176,LAS,PHL`
fn parse(line: &[u8]) -> Option<Departure> {
    let mut fields = line.split(|byte| *byte == b',');
    let departure = Departure {
        minute: minute(fields.next()?)?,
        delay_min: signed(fields.next()?)?,
        distance_mi: number(fields.next()?)?,
        origin: fields.next()?.try_into().ok()?,
        destination: fields.next()?.try_into().ok()?,
    };
    fields.next().is_none().then_some(departure)
}

fn minute(text: &[u8]) -> Option<i64> {
    if text.len() != 16 {
        return None;
    }
    let part = |from: usize, to: usize| number(&text[from..to]).map(i64::from);
    let days = days_since_epoch(part(0, 4)?, part(5, 7)?, part(8, 10)?);
    Some((days * 24 + part(11, 13)?) * 60 + part(14, 16)?)
}

/// Days from 1970-01-01 in the Gregorian calendar, counting years from March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn signed(text: &[u8]) -> Option<i32> {
    match text.strip_prefix(b"-") {
        Some(digits) => number(digits).and_then(|value| i32::try_from(value).ok()).map(|value| -value),
        None => number(text).and_then(|value| i32::try_from(value).ok()),
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u32::from(digit))?;
    }
    (!digits.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{Departure, parse};

    #[test]
    fn row_becomes_a_departure() {
        let departure = parse(b"2001-01-01T00:01,-33,2176,LAS,PHL").unwrap();

        let expected = Departure {
            minute: 16_305_121,
            delay_min: -33,
            distance_mi: 2_176,
            origin: *b"LAS",
            destination: *b"PHL",
        };
        assert_eq!(departure, expected);
    }

    #[test]
    fn rows_with_other_columns_are_refused() {
        assert_eq!(parse(b"2001-01-01T00:01,33,2176,LAS"), None);
        assert_eq!(parse(b"2001-01-01T00:01,33,2176,LAS,PHL,1"), None);
        assert_eq!(parse(b"2001-01-01T00:01,x,2176,LAS,PHL"), None);
    }
}
