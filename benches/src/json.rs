//! Results as JSON for programs. The form is a promise: `{"results": […]}` and nothing else.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::{Bar, Row};

#[derive(Serialize)]
struct Report<'a> {
    results: Vec<ResultEntry<'a>>,
}

#[derive(Serialize)]
struct ResultEntry<'a> {
    id: &'a str,
    mode: &'a str,
    metric: &'a str,
    unit: &'a str,
    ours: Option<f64>,
    baselines: BTreeMap<&'a str, f64>,
    bar: Option<BarEntry<'a>>,
    met: Option<bool>,
}

#[derive(Serialize)]
struct BarEntry<'a> {
    baseline: &'a str,
    ratio: f64,
}

/// All rows, on one line.
pub(crate) fn render(rows: &[Row]) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Report { results: rows.iter().map(entry).collect() })
}

fn entry(row: &Row) -> ResultEntry<'_> {
    let bar = row.bar.map(|Bar { baseline, ratio }| BarEntry { baseline, ratio });
    ResultEntry {
        id: row.id,
        mode: row.mode,
        metric: row.metric,
        unit: row.unit,
        ours: row.ours,
        baselines: row.baselines.iter().copied().collect(),
        bar,
        met: row.met(),
    }
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::report::{Bar, Row};

    #[test]
    fn form_is_the_promised_one() {
        let row = Row {
            id: "lin",
            mode: "sequential",
            metric: "wall",
            unit: "ns/event",
            ours: None,
            baselines: vec![("tokio", 160.5), ("fn", 33.0)],
            bar: Some(Bar { baseline: "tokio", ratio: 0.5 }),
        };

        let expected = concat!(
            r#"{"results":[{"id":"lin","mode":"sequential","metric":"wall","unit":"ns/event","ours":null,"#,
            r#""baselines":{"fn":33.0,"tokio":160.5},"bar":{"baseline":"tokio","ratio":0.5},"met":null}]}"#,
        );
        assert_eq!(render(&[row]).unwrap(), expected);
    }
}
