//! `library`: the graph of `lin` in a native library against the same graph in process, in batches of 64.

use super::Scale;
use crate::baseline::plain;
use crate::error::BenchError;
use crate::harness::{Mode, Variant, compare, median};
use crate::ours;
use crate::probe::{self, Probe};
use crate::report::{ABSOLUTE, Bar, Row};

/// A tenth of what an engine that calls its library once an event and through JSON takes for one.
const TENTH_OF_A_JSON_CALL: f64 = 670.0;

/// Loading, without the system's mapping of the file.
const LOAD_MILLIS: f64 = 5.0;

/// Allocations on the host's side per event, at most.
const ALLOCATIONS: Bar = Bar { baseline: ABSOLUTE, ratio: 0.5 };

/// What is compared: the reference, the graph in process, and the graph in a library.
pub(crate) fn variants() -> [Variant; 3] {
    let variant = |name, start| Variant { name, mode: Mode::Batched, start };
    [
        plain::variant(plain::lin),
        variant("in process", ours::in_process()),
        variant("library", ours::in_library()),
    ]
}

/// Measures both.
pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let variants = variants();
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
    let mut rows = vec![row, absolute, load];
    rows.extend(allocation_row(scale)?);
    Ok(rows)
}

/// What each side allocates beyond what the plain function does for the same events. A library's own
/// allocations are not in the count of the program that loads it: this is the host's side.
fn allocation_row(scale: &Scale) -> Result<Option<Row>, BenchError> {
    let Some(counted) = &scale.counted else { return Ok(None) };
    let own = |variant: &Variant| {
        let subject = format!("library/{}/{}", variant.name, variant.mode.as_str());
        probe::ask(counted, Probe::Allocations, &subject, scale.quick)
    };
    let [plain, in_process, library] = variants();
    let plain = own(&plain)?;
    Ok(Some(Row {
        id: "library",
        mode: Mode::Batched.as_str(),
        metric: "host's allocations",
        unit: "allocations/event",
        ours: Some(own(&library)? - plain),
        baselines: vec![(ABSOLUTE, 1.0), ("in process", own(&in_process)? - plain)],
        bar: Some(ALLOCATIONS),
    }))
}
