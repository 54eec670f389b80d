//! A run's outputs on their way to its sinks.

use super::run::{GraphRun, RunContext};
use crate::column::AnyColumn;
use crate::durable::Outgoing;
use crate::ledger::Dropped;
use crate::letter::Place;
use crate::sink::{AnySink, SinkContext};

impl GraphRun {
    /// Move outputs to the sinks, whose ledgers know of them from here on; [`GraphRun::flush`] lets them go.
    pub fn offer(&mut self) {
        for (terminal, (output, sinks)) in self.outcomes.outputs().iter_mut().zip(&mut self.sinks).enumerate()
        {
            if output.is_empty() {
                continue;
            }
            if let Some(checking) = &mut self.checking {
                checking.note(terminal, &**output);
            }
            let n = sinks.len();
            for (index, (_, sink)) in sinks.iter_mut().enumerate() {
                if let Some(trace) = &self.trace {
                    sink.come_from(trace.of(terminal));
                }
                sink.offer(&mut **output, index + 1 == n);
            }
            output.clear();
        }
        if let Some(trace) = &mut self.trace {
            trace.clear();
        }
    }

    /// Move outputs to the sinks, and let those pass on what they have; false if one must wait for room.
    pub fn flush(&mut self, cx: &mut RunContext<'_>) -> bool {
        if !self.outcomes.is_wanted() {
            return true;
        }
        self.offer();
        let mut all_gone = true;
        let held = self.held;
        self.each_sink(cx, |sink, sink_cx| {
            let gone =
                if held && !sink.is_journaled() { sink.entry().unsettled == 0 } else { sink.flush(sink_cx) };
            all_gone &= gone;
        });
        all_gone
    }

    /// Every sink, with where it reports.
    #[inline]
    fn each_sink(
        &mut self,
        cx: &mut RunContext<'_>,
        mut act: impl FnMut(&mut dyn AnySink, &mut SinkContext<'_>),
    ) {
        for (place, sink) in self.sinks.iter_mut().flatten() {
            let mut sink_cx = SinkContext {
                now: cx.now,
                waker: cx.waker,
                place,
                letters: &mut *cx.letters,
                failures: &mut *cx.failures,
                outbox: &mut self.outbox,
                n_senders: self.n_senders,
                again: self.again,
            };
            act(&mut **sink, &mut sink_cx);
        }
    }

    /// Keep outputs back, but for those that are written to disk with the turn.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// So many graphs of its cell send in the same turn: what they send is written as one.
    pub(super) fn set_n_senders(&mut self, n_senders: usize) {
        self.n_senders = n_senders;
    }

    /// What it does from now on was done before, by a run that a crash cut off: what was written to disk
    /// then is not written again.
    pub fn set_again(&mut self, again: bool) {
        self.again = again;
    }

    /// Whether there is something to be written to disk with the turn.
    #[inline]
    pub(super) fn has_outgoing(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// What is to be written to disk with the turn.
    #[inline]
    pub fn take_outbox(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outbox)
    }

    /// Give up what the sinks hold, because they are taken down.
    pub fn give_up_outputs(&mut self, why: Dropped, cx: &mut RunContext<'_>) {
        self.each_sink(cx, |sink, sink_cx| sink.give_up(why, sink_cx));
    }

    /// Offer a dead output to its sink again; false if there is no such sink.
    pub fn replay_output(&mut self, place: &Place, column: &dyn AnyColumn) -> bool {
        let mut sinks = self.sinks.iter_mut().flatten();
        sinks.find(|(known, _)| known == place).is_some_and(|(_, sink)| sink.replay(column))
    }
}
