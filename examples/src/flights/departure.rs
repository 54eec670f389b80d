//! One departure, and how it is read from a line.

use crate::summary::Code;
use serde::{Deserialize, Serialize};

/// The code of an airport; a text in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Airport(pub Code);

/// One row of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// Number of the row, from zero.
    pub row: u32,
    /// Minutes since 1970, taking local time as it is written.
    pub minute: i32,
    /// Minutes after schedule; negative when it left early.
    pub delay_min: i32,
    /// How far it flies.
    pub distance_mi: u32,
    /// Where it left.
    pub origin: Airport,
    /// Where it went.
    pub destination: Airport,
}

impl std::fmt::Display for Airport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl From<Airport> for String {
    fn from(airport: Airport) -> Self {
        airport.to_string()
    }
}

impl TryFrom<String> for Airport {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.as_bytes().try_into().map(Self).map_err(|_| "the code of an airport has three letters")
    }
}

/// Reads departures from text, line by line, without a look ahead for the line's end.
#[derive(Default)]
pub struct Parser {
    row: u32,
    // The day of the last row, as text and in minutes: neighbours share it.
    day: [u8; 10],
    day_minutes: i32,
}

impl Parser {
    /// Read the line at the beginning of `text`: the departure, and how long the line is with its end.
    /// `None` if there is no complete departure.
    #[inline]
    pub fn line(&mut self, text: &[u8]) -> Option<(Departure, usize)> {
        let (head, mut rest) = text.split_first_chunk::<17>()?;
        let minute = self.minute(head)?;
        let delay_min = match rest.split_first() {
            Some((b'-', digits)) => {
                rest = digits;
                -integer(&mut rest)?
            }
            _ => integer(&mut rest)?,
        };
        let distance_mi = integer(&mut rest)?.unsigned_abs();
        let (airports, end) = rest.split_first_chunk::<7>()?;
        let [a, b, c, b',', d, e, f] = *airports else { return None };
        let end = match end {
            [b'\n', after @ ..] | [b'\r', b'\n', after @ ..] => after,
            [] => end,
            _ => return None,
        };
        let (origin, destination) = (Airport([a, b, c]), Airport([d, e, f]));
        let departure = Departure { row: self.row, minute, delay_min, distance_mi, origin, destination };
        self.row += 1;
        Some((departure, text.len() - end.len()))
    }

    /// Number of the next row.
    pub fn row(&self) -> u32 {
        self.row
    }

    /// `2001-01-01T00:01,`
    #[inline]
    fn minute(&mut self, text: &[u8; 17]) -> Option<i32> {
        let (day, time) = text.split_first_chunk::<10>()?;
        if *day != self.day {
            self.day_minutes = days_since_epoch(day)? * 24 * 60;
            self.day = *day;
        }
        let [b'T', h, hh, b':', m, mm, b','] = *time else { return None };
        let digit = |byte: u8| Some(i32::from(byte.wrapping_sub(b'0'))).filter(|digit| *digit <= 9);
        let hours = digit(h)? * 10 + digit(hh)?;
        Some(self.day_minutes + hours * 60 + digit(m)? * 10 + digit(mm)?)
    }
}

/// The digits at the beginning of `text`, which a comma ends; `text` goes on behind it.
#[inline]
fn integer(text: &mut &[u8]) -> Option<i32> {
    let mut value = 0_i32;
    let mut at = 0;
    loop {
        match *text.get(at)? {
            digit @ b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(i32::from(digit - b'0'))?,
            b',' if at > 0 => break,
            _ => return None,
        }
        at += 1;
    }
    *text = &text[at + 1..];
    Some(value)
}

/// Days from 1970-01-01 in the Gregorian calendar, by the day's number in the era of 400 years.
fn days_since_epoch(day: &[u8; 10]) -> Option<i32> {
    let text = std::str::from_utf8(day).ok()?;
    let mut parts = text.split('-').map(|part| part.parse::<i32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    // Years begin in March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_departure() {
        let mut parser = Parser::default();

        let text = b"2001-01-01T00:01,-33,2176,LAS,PHL\n2001-";
        let (departure, length) = parser.line(text).unwrap();

        let expected = Departure {
            row: 0,
            minute: 16_305_121,
            delay_min: -33,
            distance_mi: 2_176,
            origin: Airport(*b"LAS"),
            destination: Airport(*b"PHL"),
        };
        assert_eq!((departure, length), (expected, 34));
        assert_eq!(parser.row(), 1);
    }

    #[test]
    fn days_are_counted_across_leap_years() {
        for (day, days) in
            [(b"1970-01-01", 0), (b"2000-02-29", 11_016), (b"2000-03-01", 11_017), (b"2001-06-30", 11_503)]
        {
            assert_eq!(days_since_epoch(day), Some(days));
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "2001-01-01T00:01,33,2176,LAS",
            "2001-01-01T00:01,33,2176,LAS,PHL,1\n",
            "2001-01-01T00:01,x,2176,LAS,PHL\n",
            "2001-01-01T00:01,,2176,LAS,PHL\n",
            "date,delay_min,distance_mi,origin,destination\n",
        ] {
            assert_eq!(Parser::default().line(line.as_bytes()), None);
        }
    }
}
