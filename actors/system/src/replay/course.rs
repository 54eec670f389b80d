//! One reactor on its way through its records.

use super::ReplayError;
use super::heard::Heard;
use super::report::{Change, Difference, ReactorReport, Stage};
use crate::journal::{Piece, Written, accumulator_stream, event_of, reactor_stream};
use acequia_core::Timestamp;
use acequia_core::cell::{Cell, Checkpoint, Crumb, Deciding, Rerun, TurnContext};
use acequia_core::durable::{GraphCheck, TurnMark};
use acequia_core::fault::guarded;
use acequia_core::graph::GraphDecl;
use acequia_core::id::PackageName;
use acequia_core::reactor::ReactorDecl;
use acequia_core::ring::Doorbell;
use acequia_store::Lsn;
use acequia_store::journal::{RecordKind, RecordRef, StreamId};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use tokio::runtime::Runtime;

/// One reactor on its way through its records.
pub(super) struct Course {
    decl: ReactorDecl,
    graphs: Vec<(PackageName, GraphDecl)>,
    runtime: Arc<Runtime>,
    heard: Heard,
    stream: StreamId,
    sources: Vec<Source>,
    /// Absent until its beginning is found.
    cell: Option<Cell>,
    /// What came before the first record that is left may belong to it.
    is_late: bool,
    pieces: Vec<u8>,
    /// The next firing, as recorded.
    next_firing: u64,
    /// It stands elsewhere than it did then.
    has_diverged: bool,
    examples: usize,
    report: ReactorReport,
}

struct Source {
    stream: StreamId,
    /// The journal has events of it.
    is_recorded: bool,
    events: VecDeque<(Lsn, Vec<u8>)>,
}

/// Nobody is woken: whoever replays looks by himself.
struct Silence;

impl Doorbell for Silence {
    fn ring(&self) {}
}

impl Course {
    pub(super) fn new(
        decl: ReactorDecl,
        graphs: Vec<(PackageName, GraphDecl)>,
        examples: usize,
    ) -> Result<Self, ReplayError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let sources = decl.accumulators.iter().map(|accumulator| Source {
            stream: accumulator_stream(&accumulator.name),
            is_recorded: false,
            events: VecDeque::new(),
        });
        let report = ReactorReport {
            reactor: decl.name.to_string(),
            stage: Stage::Unknown,
            turns: 0,
            events: 0,
            firings_then: 0,
            firings_now: 0,
            by_hand: 0,
            compared: 0,
            untold: 0,
            differing: 0,
            first: Vec::new(),
        };
        Ok(Self {
            stream: reactor_stream(&decl.name),
            sources: sources.collect(),
            runtime: Arc::new(runtime.map_err(|source| ReplayError::Thread { source })?),
            heard: Heard::default(),
            cell: None,
            is_late: false,
            pieces: Vec::new(),
            next_firing: 0,
            has_diverged: false,
            examples,
            report,
            decl,
            graphs,
        })
    }

    /// Records before the first one that is left were trimmed.
    pub(super) fn begins_late(&mut self) {
        self.is_late = true;
    }

    pub(super) fn report(mut self) -> ReactorReport {
        if self.is_late && self.report.stage == Stage::Unknown && !self.pieces_or_events_are_absent() {
            self.report.stage = Stage::Trimmed;
        }
        self.report
    }

    fn pieces_or_events_are_absent(&self) -> bool {
        self.pieces.is_empty() && self.sources.iter().all(|source| source.events.is_empty())
    }

    /// The next record of the journal.
    pub(super) fn take(&mut self, record: &RecordRef<'_>) -> Result<(), ReplayError> {
        if matches!(self.report.stage, Stage::Stopped { .. }) {
            return Ok(());
        }
        match record.kind {
            RecordKind::Event => {
                let source = self.sources.iter_mut().find(|source| source.stream == record.stream);
                if let (Some(source), Some((event, _))) = (source, event_of(record.payload)) {
                    source.is_recorded = true;
                    source.events.push_back((record.lsn, event.to_vec()));
                }
            }
            _ if record.stream != self.stream => {}
            RecordKind::Deploy if self.cell.is_none() && !self.is_late => {
                self.cell = Some(self.fresh()?);
                self.report.stage = Stage::From(record.lsn);
            }
            RecordKind::Unload => {
                (self.cell, self.is_late, self.next_firing, self.has_diverged) = (None, false, 0, false);
                self.pieces.clear();
                self.sources.iter_mut().for_each(|source| source.events.clear());
            }
            RecordKind::Checkpoint if self.cell.is_none() => self.piece(record)?,
            RecordKind::Turn if self.cell.is_some() => {
                let mark = TurnMark::decode(record.payload)?;
                self.turn(record.lsn, &mark)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// A cell that has seen nothing, with all graphs in their seats.
    fn fresh(&self) -> Result<Cell, ReplayError> {
        let part = |failure| ReplayError::Part { reactor: self.decl.name.to_string(), failure };
        // Nothing is slow where the clock stands still.
        let made = guarded(|| Ok(Cell::new(self.decl.clone(), Duration::MAX)));
        let mut cell = made.map_err(part)??;
        for (package, graph) in &self.graphs {
            let run = guarded(|| Ok(self.heard.run(graph.clone(), &self.runtime))).map_err(part)?;
            cell.bind(run, package.clone())?;
        }
        Ok(cell)
    }

    /// A piece of a checkpoint: with the last one, replay can begin.
    fn piece(&mut self, record: &RecordRef<'_>) -> Result<(), ReplayError> {
        let Some(piece) = Piece::read(record.payload) else { return Ok(()) };
        if piece.index == 0 {
            self.pieces.clear();
        }
        self.pieces.extend_from_slice(piece.bytes);
        if piece.index + 1 < piece.total {
            return Ok(());
        }
        // One whose first pieces were trimmed is none.
        let Ok((written, _)) = Written::decode(&self.pieces) else { return Ok(()) };
        let Ok(checkpoint) = Checkpoint::decode(&written.cell) else { return Ok(()) };
        let mut cell = self.fresh()?;
        if !cell.resume_from(&checkpoint)? {
            self.stop(record.lsn, "its checkpoint is of a reactor with other accumulators".to_owned());
            return Ok(());
        }
        for (source, skip) in self.sources.iter_mut().zip(&written.skips) {
            source.events.retain(|(lsn, _)| lsn.0 >= written.floor);
            let handled = usize::try_from(*skip).unwrap_or(usize::MAX).min(source.events.len());
            source.events.drain(..handled);
        }
        (self.cell, self.next_firing) = (Some(cell), checkpoint.next_firing);
        self.report.stage = Stage::From(record.lsn);
        Ok(())
    }

    fn stop(&mut self, at: Lsn, why: String) {
        self.report.stage = Stage::Stopped { at, why };
        self.cell = None;
    }

    /// The turn again, and what is different about it.
    fn turn(&mut self, lsn: Lsn, mark: &TurnMark) -> Result<(), ReplayError> {
        let n = self.sources.len();
        if mark.sources.len() != n {
            self.stop(
                lsn,
                format!("the journal knows it with {} accumulators, it has {n}", mark.sources.len()),
            );
            return Ok(());
        }
        let events = match self.events_of(mark) {
            Ok(events) => events,
            Err(why) => {
                self.stop(lsn, why);
                return Ok(());
            }
        };
        self.report.turns += 1;
        self.report.events += events.len() as u64;
        let rerun = self.rerun(mark, events);
        let recorded = (mark.rows.len() / n.max(1)) as u64;
        self.report.firings_then += recorded;
        self.report.firings_now += rerun.firings;
        self.next_firing = mark.next_firing;
        let mut changes = self.changes_of_state(mark, &rerun, recorded);
        self.has_diverged |= !changes.is_empty();
        changes.extend(self.changes_of_results(mark, &rerun, recorded));
        if !changes.is_empty() {
            self.report.differing += 1;
            if self.report.first.len() < self.examples {
                let (reactor, first_firing) = (self.report.reactor.clone(), mark.first_firing);
                self.report.first.push(Difference { lsn, reactor, first_firing, changes });
            }
        }
        Ok(())
    }

    /// The events that the turn handled, in the order in which they came.
    fn events_of(&mut self, mark: &TurnMark) -> Result<Vec<(Lsn, usize, Vec<u8>)>, String> {
        let mut events = Vec::new();
        for (at, (source, cut)) in self.sources.iter_mut().zip(&mark.sources).enumerate() {
            let name = || &self.decl.accumulators[at].name;
            if !source.is_recorded && cut.consumed > 0 {
                return Err(format!("accumulator {} was fast, so its events are in no journal", name()));
            }
            for _ in 0..cut.consumed {
                let Some((lsn, event)) = source.events.pop_front() else {
                    return Err(format!("events of accumulator {} are missing", name()));
                };
                events.push((lsn, at, event));
            }
        }
        events.sort_by_key(|(lsn, ..)| *lsn);
        Ok(events)
    }

    fn rerun(&mut self, mark: &TurnMark, events: Vec<(Lsn, usize, Vec<u8>)>) -> Rerun {
        let Some(cell) = &mut self.cell else { return Rerun::default() };
        for (lsn, at, event) in events {
            if let Err(error) = cell.slots()[at].ring().replay_encoded(&event) {
                tracing::warn!(%lsn, %error, "an event cannot be read any more");
            }
        }
        let by_hand = mark.first_firing.saturating_sub(self.next_firing);
        self.report.by_hand += by_hand;
        let deciding = if by_hand > 0 && !self.has_diverged { Deciding::Followed } else { Deciding::Anew };
        self.heard.clear();
        cell.skip_firings(mark.first_firing);
        cell.begin_rerun(mark);
        let doorbell: Arc<dyn Doorbell> = Arc::new(Silence);
        let (now, crumb) = (Timestamp::from_nanos(mark.now), Crumb::default());
        let cx =
            TurnContext { now, clock: &|| now, doorbell: &doorbell, waker: Waker::noop(), crumb: &crumb };
        while let Some(pending) = cell.replay_events(mark, &cx) {
            self.runtime.block_on(pending);
        }
        cell.rerun_turn(mark, deciding, &cx)
    }

    /// What accumulators made and the reactor decided.
    fn changes_of_state(&self, mark: &TurnMark, rerun: &Rerun, recorded: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for (at, (cut, (made, held))) in mark.sources.iter().zip(&rerun.sources).enumerate() {
            let accumulator = || self.decl.accumulators[at].name.to_string();
            if cut.made != *made {
                changes.push(Change::Boundaries { accumulator: accumulator(), then: cut.made, now: *made });
            }
            if cut.held != *held {
                changes.push(Change::Held { accumulator: accumulator(), then: cut.held, now: *held });
            }
        }
        if recorded != rerun.firings {
            changes.push(Change::Firings { then: recorded, now: rerun.firings });
        } else if !self.has_diverged && changes.is_empty() && mark.rows != rerun.rows {
            // Once it stands elsewhere, places in columns mean nothing.
            changes.push(Change::Inputs);
        }
        changes
    }

    /// What came of it.
    fn changes_of_results(&mut self, mark: &TurnMark, rerun: &Rerun, recorded: u64) -> Vec<Change> {
        let told = mark.check.as_ref().map_or(&[][..], |check| &check.graphs);
        let mut changes = Vec::new();
        for then in told {
            self.report.compared += then.to - then.from;
            if !self.graphs.iter().any(|(_, graph)| graph.name.as_str() == then.graph) {
                changes.push(Change::Gone { place: then.graph.clone() });
                continue;
            }
            let now = rerun.graphs.iter().find(|now| now.graph == then.graph).cloned().unwrap_or_default();
            self.changes_of_graph(then, &now, &mut changes);
        }
        let untold = self
            .graphs
            .iter()
            .filter(|(_, graph)| !told.iter().any(|then| then.graph == graph.name.as_str()));
        self.report.untold += recorded * untold.count() as u64;
        changes
    }

    fn changes_of_graph(&self, then: &GraphCheck, now: &GraphCheck, changes: &mut Vec<Change>) {
        let graph = || then.graph.clone();
        if then.failed != now.failed {
            changes.push(Change::GivenUp { graph: graph(), then: then.failed, now: now.failed });
        }
        for recorded in &then.terminals {
            let terminal = || recorded.terminal.clone();
            let declared = self.graphs.iter().filter(|(_, decl)| decl.name.as_str() == then.graph);
            let mut terminals = declared.flat_map(|(_, decl)| decl.terminals.iter());
            if !terminals.any(|known| known.name.as_str() == recorded.terminal) {
                changes.push(Change::Gone { place: format!("{}.{}", then.graph, recorded.terminal) });
                continue;
            }
            let made = now.terminals.iter().find(|made| made.terminal == recorded.terminal);
            let (n, digest) = made.map_or_else(Default::default, |made| (made.n, made.digest));
            if (n, digest) != (recorded.n, recorded.digest) {
                let came = self.heard.values(&then.graph, &recorded.terminal);
                let (then, now) = (recorded.n, n);
                changes.push(Change::Results { graph: graph(), terminal: terminal(), then, now, came });
            }
        }
    }
}
