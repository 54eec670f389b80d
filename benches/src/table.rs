//! Results as a table for people.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::report::{ABSOLUTE, Bar, Row};

/// All rows under one head.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(["workload", "mode", "metric", "unit", "ours", "baselines", "bar", "ratio", ""]);
    for row in rows {
        table.add_row([
            row.id.to_owned(),
            row.mode.to_owned(),
            row.metric.to_owned(),
            row.unit.to_owned(),
            row.ours.map_or_else(|| "-".to_owned(), figure),
            baselines(row),
            row.bar.map_or_else(String::new, bar),
            row.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}x")),
            row.met().map_or("", |met| if met { "met" } else { "missed" }).to_owned(),
        ]);
    }
    for index in [4, 7] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn baselines(row: &Row) -> String {
    let named = row.baselines.iter().filter(|(name, _)| *name != ABSOLUTE);
    named.map(|(name, value)| format!("{name} {}", figure(*value))).collect::<Vec<_>>().join("  ")
}

fn bar(bar: Bar) -> String {
    if bar.baseline == ABSOLUTE {
        format!("<= {}", bar.ratio)
    } else {
        format!("<= {}x {}", bar.ratio, bar.baseline)
    }
}

fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
