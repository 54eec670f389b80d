//! What code in a library says through `tracing` goes to the engine that runs it.
//!
//! A library has a `tracing` of its own, which nobody would hear. Events that are said during a call from the
//! engine, or in a future or on a thread that it runs for the library, go on as text; spans do not.

use crate::services::{LogLevel, LogLine, in_hand};
use std::fmt::{Debug, Write as _};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

/// Forward from now on. An author's subscriber, if there is one already, stays.
pub(super) fn listen() {
    let _ = tracing::subscriber::set_global_default(Forward);
}

struct Forward;

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

impl Subscriber for Forward {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Who listens changes with the call in hand.
        if metadata.is_event() { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && in_hand(|services| services.listens(level(*metadata.level()))) == Some(true)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let line = LogLine {
            package: "",
            version: "",
            level: level(*metadata.level()),
            target: metadata.target(),
            message: &text.message,
            fields: text.fields.trim_start(),
        };
        in_hand(|services| services.log(&line));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's message, and its other fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string fails only if the value's own formatting does: then that much of it is shown.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
