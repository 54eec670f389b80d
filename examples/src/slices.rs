//! The slices of real data in `data/`. Where they come from is written there.

use std::path::{Path, PathBuf};

/// The first 80,000 departures.
pub fn flights() -> PathBuf {
    in_data("flights.csv.zst")
}

/// An index since 2000, a line a day.
pub fn sp500() -> PathBuf {
    in_data("sp500-2000.csv")
}

/// Earthquakes, as the feed had them: the newest first.
pub fn earthquakes() -> PathBuf {
    in_data("earthquakes.json")
}

fn in_data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(file)
}
