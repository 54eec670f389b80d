//! `library`: the graph of `lin` in a native library against the same graph in process, in batches of 64.

use super::Scale;
use crate::baseline::plain;
use crate::error::BenchError;
use crate::harness::{Mode, Variant, compare, median};
use crate::ours;
use crate::report::{ABSOLUTE, Bar, Row};

/// A tenth of what an engine that calls its library once an event and through JSON takes for one.
const TENTH_OF_A_JSON_CALL: f64 = 670.0;

/// Loading, without the system's mapping of the file.
const LOAD_MILLIS: f64 = 5.0;

/// Measures both.
pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let variant = |name, start| Variant { name, mode: Mode::Batched, start };
    let variants = [
        plain::variant(plain::lin),
        variant("in process", ours::in_process()),
        variant("library", ours::in_library()),
    ];
    let measured = compare("library", &variants, scale.plan())?;
    let row = Row {
        id: "library",
        mode: Mode::Batched.as_str(),
        metric: "wall",
        unit: "ns/event",
        ours: Some(measured[2].wall),
        baselines: vec![("fn", measured[0].wall), ("in process", measured[1].wall)],
        bar: Some(Bar { baseline: "in process", ratio: 3.0 }),
    };
    let absolute = Row {
        baselines: vec![(ABSOLUTE, 1.0)],
        bar: Some(Bar { baseline: ABSOLUTE, ratio: TENTH_OF_A_JSON_CALL }),
        ..row.clone()
    };
    let loads = (0..scale.plan().repeats).map(|_| ours::load_time()).collect::<Result<Vec<_>, _>>()?;
    let load = Row {
        mode: "load",
        unit: "ms",
        ours: Some(median(loads.iter().map(|took| took.as_secs_f64() * 1e3))),
        bar: Some(Bar { baseline: ABSOLUTE, ratio: LOAD_MILLIS }),
        ..absolute.clone()
    };
    Ok(vec![row, absolute, load])
}
