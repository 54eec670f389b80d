//! `deploy`: what a refused unload costs beside a long past and many neighbours, and how soon a part that
//! panicked works on.

use std::time::Duration;

use super::Scale;
use crate::error::BenchError;
use crate::harness::median;
use crate::ours::{self, Held, Pinned, Place};
use crate::report::{ABSOLUTE, Bar, Row};

/// A refused unload asks the reactor for its links: neither events nor neighbours are looked through.
const FLAT: f64 = 1.5;

/// A thousandth of what an engine takes that looks for dead parts every five seconds.
const RECOVERY_MILLIS: f64 = 5.0;

/// What a check of a version's pins may take.
const CHECK_MICROS: f64 = 50.0;

const FEW_EVENTS: u64 = 1_000;
const MANY_EVENTS: u64 = 1_000_000;
const FEW_ELSEWHERE: usize = 1;
const MANY_ELSEWHERE: usize = 1_000;
const MANY_HOLDING: usize = 1_000;

/// Measures each pair in turn.
pub(crate) fn rows(scale: &Scale) -> Result<Vec<Row>, BenchError> {
    let repeats = scale.plan().repeats;
    let (young, old) = (Held::start(1, FEW_ELSEWHERE)?, Held::start(1, FEW_ELSEWHERE)?);
    young.fire(FEW_EVENTS)?;
    old.fire(MANY_EVENTS)?;
    let past = flat("refused unload, 1M events past", ("1k events past", &young), &old, repeats)?;
    drop(old);
    let crowded = Held::start(1, MANY_ELSEWHERE)?;
    crowded.fire(FEW_EVENTS)?;
    let beside = ("beside 1 subscriber", &young);
    let neighbours = flat("refused unload, beside 1,000 subscribers", beside, &crowded, repeats)?;
    drop(crowded);
    let mut rows = vec![past, neighbours, held_by_many(&young, repeats)?, recovery(repeats)?];
    rows.extend(pins(repeats)?);
    Ok(rows)
}

/// One look at a version, timed.
type Look = fn(&Pinned) -> Result<Duration, BenchError>;

/// Looks at a version that runs hold: by their number, and in microseconds.
fn pins(repeats: usize) -> Result<Vec<Row>, BenchError> {
    let held = [10, 1_000, 100_000].map(Pinned::new);
    let [few, some, many] = held;
    let (few, some, many) = (few?, some?, many?);
    let mut rows = Vec::new();
    let looks: [(&str, Look); 2] =
        [("unload check, 100,000 runs", Pinned::unload), ("route check, 100,000 runs", Pinned::route)];
    for (mode, look) in looks {
        let mut samples = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..repeats {
            for (pinned, samples) in [&few, &some, &many].into_iter().zip(&mut samples) {
                samples.push(look(pinned)?);
            }
        }
        let [few, some, many] =
            samples.map(|samples| median(samples.iter().map(|took: &Duration| took.as_secs_f64() * 1e6)));
        // Ten runs have fewer names to be told than a refusal tells.
        let baselines = vec![("1,000 runs", some), ("10 runs", few), (ABSOLUTE, 1.0)];
        for bar in
            [Bar { baseline: "1,000 runs", ratio: FLAT }, Bar { baseline: ABSOLUTE, ratio: CHECK_MICROS }]
        {
            let (ours, baselines, bar) = (Some(many), baselines.clone(), Some(bar));
            rows.push(Row { id: "deploy", mode, metric: "wall", unit: "us", ours, baselines, bar });
        }
    }
    Ok(rows)
}

/// The refused unload of `ours` against that of the baseline, in turn.
fn flat(
    mode: &'static str,
    (name, baseline): (&'static str, &Held),
    ours: &Held,
    repeats: usize,
) -> Result<Row, BenchError> {
    let mut samples = [Vec::new(), Vec::new()];
    for _ in 0..repeats {
        samples[0].push(baseline.refused()?);
        samples[1].push(ours.refused()?);
    }
    let micros = |samples: &[Duration]| median(samples.iter().map(|took| took.as_secs_f64() * 1e6));
    Ok(Row {
        id: "deploy",
        mode,
        metric: "wall",
        unit: "us",
        ours: Some(micros(&samples[1])),
        baselines: vec![(name, micros(&samples[0]))],
        bar: Some(Bar { baseline: name, ratio: FLAT }),
    })
}

/// A refusal that names a thousand holders, against one that names one, and against the names by themselves.
fn held_by_many(young: &Held, repeats: usize) -> Result<Row, BenchError> {
    let held = Held::start(MANY_HOLDING, FEW_ELSEWHERE)?;
    let mut samples = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..repeats {
        samples[0].push(held.refused()?);
        samples[1].push(held.answer()?);
        samples[2].push(young.refused()?);
    }
    let micros = |samples: &[Duration]| median(samples.iter().map(|took| took.as_secs_f64() * 1e6));
    Ok(Row {
        id: "deploy",
        mode: "refused unload, 1,000 holders",
        metric: "wall",
        unit: "us",
        ours: Some(micros(&samples[0])),
        baselines: vec![("the answer alone", micros(&samples[1])), ("1 holder", micros(&samples[2]))],
        bar: None,
    })
}

fn recovery(repeats: usize) -> Result<Row, BenchError> {
    let mut samples = [Vec::new(), Vec::new()];
    for _ in 0..repeats {
        samples[0].push(ours::recovery(Place::InProcess)?);
        samples[1].push(ours::recovery(Place::Library)?);
    }
    let millis = |samples: &[Duration]| median(samples.iter().map(|took| took.as_secs_f64() * 1e3));
    Ok(Row {
        id: "deploy",
        mode: "graph that panics, in a library",
        metric: "recovery",
        unit: "ms",
        ours: Some(millis(&samples[1])),
        baselines: vec![(ABSOLUTE, 1.0), ("in process", millis(&samples[0]))],
        bar: Some(Bar { baseline: ABSOLUTE, ratio: RECOVERY_MILLIS }),
    })
}
