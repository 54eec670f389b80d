//! What the graphs of a recording cell make of a turn, for the journal: see [`crate::durable::TurnCheck`].

use super::run::GraphRun;
use crate::durable::{GraphCheck, TerminalCheck};
use crate::graph::AnyOutput;
use std::ops::Range;

/// What one run made since the turn began.
#[derive(Default)]
pub(super) struct Checking {
    ran: Option<Range<u64>>,
    /// It ran something else as well, or not to its end.
    is_mixed: bool,
    failed: u32,
    /// By terminal.
    made: Vec<TerminalCheck>,
    /// An encoded value; kept for its memory.
    bytes: Vec<u8>,
}

impl Checking {
    /// These firings ran, behind those that did before.
    pub(super) fn ran(&mut self, firings: Range<u64>) {
        let from = self.ran.as_ref().map_or(firings.start, |before| before.start);
        self.ran = Some(from..firings.end);
    }

    /// What it makes in this turn is not of this turn's firings alone.
    pub(super) fn mix(&mut self) {
        self.is_mixed = true;
    }

    /// A firing was given up.
    pub(super) fn gave_up(&mut self) {
        self.failed += 1;
    }

    /// These values leave for the sinks of `terminal`.
    pub(super) fn note(&mut self, terminal: usize, output: &dyn AnyOutput) {
        let made = &mut self.made[terminal];
        for index in 0..output.len() {
            self.bytes.clear();
            // What has no encoded form counts as an empty one.
            let _ = output.encode(index, &mut self.bytes);
            made.digest.add(&self.bytes);
            made.n += 1;
        }
    }
}

impl GraphRun {
    /// A turn begins: note what is made of it.
    pub(super) fn begin_check(&mut self) {
        let made = self.decl.terminals.iter().map(|terminal| TerminalCheck {
            terminal: terminal.name.as_str().to_owned(),
            ..TerminalCheck::default()
        });
        match &mut self.checking {
            None => self.checking = Some(Box::new(Checking { made: made.collect(), ..Checking::default() })),
            Some(checking) => {
                (checking.ran, checking.is_mixed, checking.failed) = (None, false, 0);
                for made in &mut checking.made {
                    (made.n, made.digest) = Default::default();
                }
            }
        }
    }

    /// What it made of the turn's firings, if it ran any, and nothing else.
    pub(super) fn check(&mut self) -> Option<GraphCheck> {
        let checking = self.checking.as_ref().filter(|checking| !checking.is_mixed)?;
        let ran = checking.ran.clone().filter(|ran| !ran.is_empty())?;
        let wanted = self.outcomes.outputs().iter().map(|output| output.is_wanted());
        let terminals = checking.made.iter().zip(wanted).filter(|(_, wanted)| *wanted);
        Some(GraphCheck {
            graph: self.decl.name.as_str().to_owned(),
            from: ran.start,
            to: ran.end,
            failed: checking.failed,
            terminals: terminals.map(|(made, _)| made.clone()).collect(),
        })
    }
}
