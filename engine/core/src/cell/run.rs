//! A graph made ready to run: part, outputs, sinks and fault meter. It lives in the cell, or with the
//! worker of a detached graph; what it does with firings is the same.

use super::checking::Checking;
use super::ids::FiringIds;
pub use super::inputs::inputs_of;
use super::log::Outcome;
use super::trace::Trace;
use crate::column::AnyColumn;
use crate::durable::Outgoing;
use crate::fault::{Failure, FailureKind, FaultMeter, Verdict, guarded};
use crate::graph::origins::{self, Origins};
use crate::graph::{Commit, GraphDecl, GraphPart, Outcomes, PendingFiring, TurnEnd, View};
use crate::id::{FiringId, ItemId};
use crate::ledger::{Dropped, Entry, Settled};
use crate::letter::{DeadLetter, Letter, Place};
use crate::sink::AnySink;
use crate::time::Timestamp;
use crate::wire::Shadows;
use std::sync::Arc;
use std::task::Waker;

/// Where a run reports.
pub struct RunContext<'a> {
    /// The engine's clock.
    pub now: Timestamp,
    /// Woken when a full sink has room again.
    pub waker: &'a Waker,
    /// Items given up.
    pub letters: &'a mut Vec<DeadLetter>,
    /// Failures, whether or not the item was given up.
    pub failures: &'a mut Vec<Failure>,
}

/// How a run over some firings ended.
#[derive(Default)]
pub struct RunEnd {
    /// The firing at this position awaits something; those behind it have not run.
    pub pending: Option<(usize, PendingFiring)>,
    /// The graph failed too much; the firings behind the last failure have not run.
    pub quarantined: Option<(usize, Failure)>,
}

/// A graph made ready to run. What every turn touches comes first and lies together.
#[repr(C)]
pub struct GraphRun {
    pub(super) part: Box<dyn GraphPart>,
    pub(super) outcomes: Outcomes,
    /// What is to be written to disk with the turn.
    pub(super) outbox: Vec<Outgoing>,
    /// Outputs wait until the turn is on disk.
    pub(super) held: bool,
    /// What it does was done before, by a run that a crash cut off.
    pub(super) again: bool,
    /// How many graphs send in the same turn.
    pub(super) n_senders: usize,
    /// Whether the meter counts attempts of the firing in `hand`.
    hand: Option<FiringId>,
    /// Outcomes other than completion, since they were last taken.
    pub(super) exceptions: Vec<(FiringId, Outcome)>,
    pub(super) entry: Entry,
    /// One list a terminal.
    pub(super) sinks: Vec<Vec<(Place, Box<dyn AnySink>)>>,
    pub(super) decl: Arc<GraphDecl>,
    meter: FaultMeter,
    /// Its inputs as it reads them, where a column holds them in another form; unknown before the first run.
    pub(super) shadows: Option<Option<Box<Shadows>>>,
    /// What it makes of a turn, in a cell that records.
    pub(super) checking: Option<Box<Checking>>,
    /// Which firings its outputs come from, where a sink wants to know.
    pub(super) trace: Option<Box<Trace>>,
}

impl GraphRun {
    /// A fresh part of `decl`, without sinks: until one is attached to a terminal, what comes there is
    /// dropped as it comes.
    pub fn new(decl: GraphDecl) -> Self {
        let mut run = Self::keeping(decl);
        run.outcomes.want_none();
        run
    }

    /// The same, keeping all outputs for [`GraphRun::into_outputs`].
    pub fn keeping(decl: GraphDecl) -> Self {
        Self {
            part: decl.part(),
            outcomes: decl.outcomes(),
            sinks: decl.terminals.iter().map(|_| Vec::new()).collect(),
            meter: FaultMeter::new(decl.budget),
            decl: Arc::new(decl),
            hand: None,
            exceptions: Vec::new(),
            entry: Entry::default(),
            shadows: None,
            outbox: Vec::new(),
            held: false,
            again: false,
            n_senders: 1,
            checking: None,
            trace: None,
        }
    }

    /// The declaration.
    pub fn decl(&self) -> &GraphDecl {
        &self.decl
    }

    pub(crate) fn decl_shared(&self) -> &Arc<GraphDecl> {
        &self.decl
    }

    /// Put a fresh part in and forget past faults; sinks stay.
    pub fn reinstall(&mut self) {
        self.install(self.decl.part());
    }

    /// The same with a part that was made elsewhere.
    pub fn install(&mut self, part: Box<dyn GraphPart>) {
        self.part = part;
        self.meter = FaultMeter::new(self.decl.budget);
        self.hand = None;
    }

    /// Add a sink to the terminal at `terminal`.
    pub fn attach(&mut self, terminal: usize, sink: Box<dyn AnySink>) {
        let place = Place::Sink {
            graph: self.decl.name.clone(),
            terminal: self.decl.terminals[terminal].name.clone(),
            sink: self.sinks[terminal].len(),
        };
        self.outcomes.want(terminal);
        if sink.is_journaled() && self.trace.is_none() {
            self.trace = Some(Box::new(Trace::new(self.sinks.len())));
            self.outcomes.put_origins(Some(Box::new(Origins::new(self.sinks.len()))));
        }
        self.sinks[terminal].push((place, sink));
    }

    /// Run the firings `from..` of `view`. Each ends completed, dead-lettered, or as `RunEnd` says.
    pub fn run(
        &mut self,
        view: &View<'_>,
        ids: FiringIds<'_>,
        from: usize,
        cx: &mut RunContext<'_>,
    ) -> RunEnd {
        self.run_all(view, ids, from, cx).unwrap_or_default()
    }

    /// The same; `None` if all of them ended.
    #[inline]
    pub(crate) fn run_all(
        &mut self,
        view: &View<'_>,
        ids: FiringIds<'_>,
        from: usize,
        cx: &mut RunContext<'_>,
    ) -> Option<RunEnd> {
        if !matches!(self.shadows, Some(None)) {
            return self.run_through_shadows(view, ids, from, cx);
        }
        self.run_over(view, view, ids, from, cx)
    }

    /// Run the firings `from..` of `through`, which shows the part what `view` has.
    #[inline]
    pub(super) fn run_over(
        &mut self,
        view: &View<'_>,
        through: &View<'_>,
        ids: FiringIds<'_>,
        mut from: usize,
        cx: &mut RunContext<'_>,
    ) -> Option<RunEnd> {
        let n = through.len();
        while from < n {
            self.outcomes.begin(from);
            let (part, outcomes) = (&mut self.part, &mut self.outcomes);
            let turned = guarded(|| Ok(origins::turn(&mut **part, through, from, outcomes)));
            self.trace_turn(ids);
            let at = self.outcomes.at().clamp(from, n - 1);
            let (failure, rest) = match turned {
                Ok(TurnEnd::Done) => {
                    self.completed(n - from);
                    from = n;
                    continue;
                }
                Ok(TurnEnd::Pending(rest)) => {
                    self.completed(at - from);
                    return Some(RunEnd { pending: Some((at, rest)), quarantined: None });
                }
                Ok(TurnEnd::Failed { failure, rest }) => (failure, rest),
                Err(failure) => (failure, None),
            };
            self.completed(at - from);
            let id = ids.get(at);
            self.trace(id);
            match self.failed(id, &failure, rest, cx, &mut |_| inputs_of(view, at)) {
                Verdict::Retry => from = at,
                Verdict::DeadLetter => from = at + 1,
                Verdict::Quarantine => {
                    return Some(RunEnd { pending: None, quarantined: Some((at + 1, failure)) });
                }
            }
        }
        None
    }

    /// The pending firing `id` ended.
    pub fn resolve(
        &mut self,
        id: FiringId,
        ended: Result<(Commit, Option<Failure>), Failure>,
        cx: &mut RunContext<'_>,
        inputs: &mut dyn FnMut(FiringId) -> Vec<Box<dyn AnyColumn>>,
    ) -> Verdict {
        let verdict = match ended {
            Ok((commit, None)) => {
                commit(&mut self.outcomes);
                self.completed(1);
                Verdict::DeadLetter
            }
            Ok((commit, Some(failure))) => self.failed(id, &failure, Some(commit), cx, inputs),
            Err(failure) => self.failed(id, &failure, None, cx, inputs),
        };
        self.trace(id);
        verdict
    }

    fn completed(&mut self, n: usize) {
        if n > 0 {
            self.entry.settle(Settled::HandedOn, n as u64);
            if self.hand.is_some() {
                self.meter.passed();
                self.hand = None;
            }
        }
    }

    /// What becomes of firing `id` after `failure`.
    pub(super) fn failed(
        &mut self,
        id: FiringId,
        failure: &Failure,
        rest: Option<Commit>,
        cx: &mut RunContext<'_>,
        inputs: &mut dyn FnMut(FiringId) -> Vec<Box<dyn AnyColumn>>,
    ) -> Verdict {
        if self.hand != Some(id) {
            self.meter.passed();
            self.hand = Some(id);
        }
        cx.failures.push(failure.clone());
        if failure.kind == FailureKind::Undecodable {
            // No fault of the graph, and no second try helps.
            let outcome = Outcome::Failed(failure.clone());
            self.bury(id, Dropped::Undecodable, Some(failure.clone()), outcome, 1, inputs(id), cx);
            return Verdict::DeadLetter;
        }
        let attempts = self.meter.attempts() + 1;
        let verdict = self.meter.fault(cx.now);
        let timed_out = failure.kind == FailureKind::TimedOut;
        if verdict == Verdict::Retry && !timed_out {
            return verdict;
        }
        if let Some(commit) = rest {
            commit(&mut self.outcomes);
            self.trace(id);
        }
        let (why, outcome) = if timed_out {
            (Dropped::TimedOut, Outcome::TimedOut)
        } else {
            (Dropped::DeadLetter, Outcome::Failed(failure.clone()))
        };
        self.bury(id, why, Some(failure.clone()), outcome, attempts, inputs(id), cx);
        // What had its time does not get it again.
        if verdict == Verdict::Retry { Verdict::DeadLetter } else { verdict }
    }

    #[expect(clippy::too_many_arguments, reason = "one letter has that many parts")]
    fn bury(
        &mut self,
        id: FiringId,
        why: Dropped,
        failure: Option<Failure>,
        outcome: Outcome,
        attempts: u32,
        columns: Vec<Box<dyn AnyColumn>>,
        cx: &mut RunContext<'_>,
    ) {
        if let Some(checking) = &mut self.checking {
            checking.gave_up();
        }
        self.entry.drop(why, 1);
        self.exceptions.push((id, outcome));
        cx.letters.push(DeadLetter {
            place: Place::Graph(self.decl.name.clone()),
            item: ItemId(id.0),
            why,
            failure,
            attempts,
            at: cx.now,
            letter: Letter::Inputs { firing: id, columns },
        });
    }

    /// Give up the firings `from..` of `view` under `why`.
    pub fn give_up(
        &mut self,
        view: &View<'_>,
        ids: FiringIds<'_>,
        from: usize,
        why: Dropped,
        cx: &mut RunContext<'_>,
    ) {
        for firing in from..view.len() {
            self.bury(ids.get(firing), why, None, Outcome::Dropped(why), 0, inputs_of(view, firing), cx);
        }
    }

    /// Put the outputs of one firing in.
    pub fn commit(&mut self, commit: Commit) {
        commit(&mut self.outcomes);
    }

    /// The outputs that were not flushed, by terminal.
    pub fn into_outputs(self) -> Vec<(crate::TerminalName, Box<dyn crate::graph::AnyOutput>)> {
        let names = self.decl.terminals.iter().map(|terminal| terminal.name.clone()).collect::<Vec<_>>();
        names.into_iter().zip(self.outcomes.into_outputs()).collect()
    }

    /// A firing came back after its deadline, for which it was given up elsewhere: forget what it did
    /// since the ledger was `before`, and count one fault; true if that is one too many.
    pub fn overran(&mut self, before: Entry, now: Timestamp) -> bool {
        self.entry = before;
        self.exceptions.clear();
        self.hand = None;
        for output in self.outcomes.outputs() {
            output.clear();
        }
        if let Some(trace) = &mut self.trace {
            trace.clear();
        }
        self.meter.passed();
        let verdict = self.meter.fault(now);
        self.meter.passed();
        verdict == Verdict::Quarantine
    }

    /// Deliveries that ended here: settled and dropped. What was accepted and is open is counted where
    /// the deliveries are.
    pub fn entry(&self) -> Entry {
        self.entry
    }

    /// The sink edges' ledgers.
    pub fn sink_entries(&self) -> impl Iterator<Item = (&Place, Entry)> {
        self.sinks.iter().flatten().map(|(place, sink)| (place, sink.entry()))
    }

    /// Whether there are outcomes other than completion to take.
    pub(crate) fn has_exceptions(&self) -> bool {
        !self.exceptions.is_empty()
    }

    /// Outcomes other than completion since the last call.
    pub fn take_exceptions(&mut self) -> Vec<(FiringId, Outcome)> {
        std::mem::take(&mut self.exceptions)
    }

    /// Failures since the start.
    pub fn n_failures(&self) -> u64 {
        self.meter.total()
    }
}
