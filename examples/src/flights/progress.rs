//! The progress bar, on a terminal only.

use super::live::Glance;
use super::report::{date, grouped};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// A bar of the file, with live rates; nothing where stderr is no terminal.
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// The bar for this process.
    pub fn on_terminal() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    /// Show how far it is.
    pub fn show(&self, now: Glance) {
        let Some(bar) = &self.0 else { return };
        bar.set_length(now.bytes.max(1));
        bar.set_position(now.bytes_read);
        if now.rows == 0 {
            return;
        }
        let rate = now.rows as f64 / bar.elapsed().as_secs_f64().max(1e-3);
        let over_15 = 100.0 * now.over_15 as f64 / now.rows as f64;
        let (rows, until) = (grouped(now.rows), date(now.minute.into()));
        let rate = grouped(rate as u64);
        bar.set_message(format!("{rows} departures until {until}, {rate}/s, {over_15:.1} % delayed"));
    }

    /// Make room for the result.
    pub fn end(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
