//! Durations as people write them.

use super::error::FlawKind;
use super::section::{Flaws, Value};
use std::time::Duration;
use toml::de::DeValue;

/// The longest: 366 days. A longer one is a slip of the unit.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3_600);

/// `"250ms"`, `"5s"`, `"5 m"`, `"1h"`, `"5"` or `5`, which are seconds.
pub(super) fn of(value: &Value<'_>, least: Duration, flaws: &mut Flaws<'_>) -> Option<Duration> {
    let (found, parsed) = match value.value {
        DeValue::String(text) => (text.to_string(), parse(text)),
        DeValue::Integer(number) => {
            (number.to_string(), u64::from_str_radix(number.as_str(), number.radix()).ok().and_then(seconds))
        }
        _ => return value.mistyped("a duration such as \"250ms\"", flaws),
    };
    let Some(duration) = parsed else {
        flaws.push(&value.span, FlawKind::Duration { key: value.key.clone(), found });
        return None;
    };
    if (least..=LONGEST).contains(&duration) {
        return Some(duration);
    }
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let key = format!("{} in milliseconds", value.key);
    let found = duration.as_millis().to_string();
    flaws.push(&value.span, FlawKind::Range { key, found, least: millis(least), most: millis(LONGEST) });
    None
}

fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let n_digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(n_digits);
    let number: u64 = digits.parse().ok()?;
    match unit.trim_start() {
        "ms" => Some(Duration::from_millis(number)),
        "s" | "" => seconds(number),
        "m" => number.checked_mul(60).and_then(seconds),
        "h" => number.checked_mul(3_600).and_then(seconds),
        _ => None,
    }
}

fn seconds(number: u64) -> Option<Duration> {
    // More than this cannot be counted in milliseconds.
    (number <= u64::MAX / 1_000).then(|| Duration::from_secs(number))
}
