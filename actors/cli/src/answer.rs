//! What a command answers, for people and for machines.

use crate::exit::Exit;
use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use serde_json::Value;

/// What a command answers.
pub(crate) struct Answer {
    /// For people. Empty where the command has said all there is to say.
    pub(crate) text: String,
    /// For machines; null likewise.
    pub(crate) json: Value,
    pub(crate) exit: Exit,
}

/// A table for people.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(head);
    table.add_rows(rows);
    table.to_string()
}
