//! Where a command speaks: answers on one stream, complaints on the other.

use std::io::Write;

/// Two streams.
pub struct Console<'w> {
    out: &'w mut dyn Write,
    err: &'w mut dyn Write,
}

impl<'w> Console<'w> {
    /// Answers go to `out`, complaints to `err`.
    pub fn new(out: &'w mut dyn Write, err: &'w mut dyn Write) -> Self {
        Self { out, err }
    }

    pub(crate) fn say(&mut self, text: &str) {
        // Whoever closed the pipe does not want to hear about it.
        let _ = writeln!(self.out, "{text}");
    }

    pub(crate) fn complain(&mut self, text: &str) {
        let _ = writeln!(self.err, "{}", text.trim_end());
    }
}
