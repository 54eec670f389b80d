//! `store export`: the records of a journal, one a line.

use super::line::Line;
use super::look;
use crate::answer::Answer;
use crate::args::StoreExport;
use crate::console::Console;
use crate::error::CommandError;
use crate::exit::Exit;
use acequia::core::durable::stream_number;
use acequia::store::journal::{Filter, StreamId, read};
use serde_json::Value;

/// Of a damaged journal, what lies before the damage is printed, and then the damage is told.
pub(crate) fn run(export: &StoreExport, console: &mut Console<'_>) -> Result<Answer, CommandError> {
    let disk = look(&export.folder, "reading", 1)?;
    let streams = export.stream.iter().flat_map(|text| streams(text)).collect();
    let filter = Filter { kinds: export.kind.clone(), tenant: None, streams };
    let found = read(&disk, |record| {
        if (export.from..=export.to).contains(&record.lsn.0)
            && filter.accepts(record)
            && let Ok(line) = serde_json::to_string(&Line::from(record))
        {
            console.say(&line);
        }
    })?;
    found.ok_or_else(|| CommandError::NoStore { folder: export.folder.clone() })?;
    Ok(Answer { text: String::new(), json: Value::Null, exit: Exit::Done })
}

/// A number in 16 hexadecimal digits, or the streams of everything of that name.
pub(crate) fn streams(text: &str) -> Vec<StreamId> {
    let number = (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten();
    let named = || ["accumulator", "reactor"].map(|kind| StreamId(stream_number(kind, text))).to_vec();
    number.map_or_else(named, |number| vec![StreamId(number)])
}
