//! What a manifest says, without how it is laid out: the same keys and values give the same hash.

use crate::version::{Digest, Frames};
use toml::de::{DeTable, DeValue};

/// Changes when the way of hashing does.
const CONTEXT: &str = "acequia 2026-11 manifest v1";

/// The hash of all keys and values, tables in the order of their keys.
pub(super) fn digest(document: &DeTable<'_>) -> Digest {
    let mut frames = Frames::new(CONTEXT);
    table(document, &mut frames);
    frames.finish()
}

fn table(table: &DeTable<'_>, frames: &mut Frames) {
    frames.tag(b't', table.len());
    for (key, value) in table {
        frames.bytes(key.get_ref().as_bytes());
        one(value.get_ref(), frames);
    }
}

fn one(value: &DeValue<'_>, frames: &mut Frames) {
    match value {
        DeValue::String(text) => text_of(b's', text, frames),
        DeValue::Integer(number) => {
            // 0x10 and 16 are the same number.
            let value = i64::from_str_radix(number.as_str(), number.radix());
            text_of(b'i', &value.map_or_else(|_| number.to_string(), |value| value.to_string()), frames);
        }
        DeValue::Float(number) => text_of(b'f', number.as_str(), frames),
        DeValue::Boolean(value) => frames.tag(b'b', usize::from(*value)),
        DeValue::Datetime(time) => text_of(b'd', &time.to_string(), frames),
        DeValue::Array(elements) => {
            frames.tag(b'a', elements.len());
            for element in elements.iter() {
                one(element.get_ref(), frames);
            }
        }
        DeValue::Table(inner) => table(inner, frames),
    }
}

fn text_of(tag: u8, text: &str, frames: &mut Frames) {
    frames.tag(tag, 1);
    frames.bytes(text.as_bytes());
}
