//! Lineage: what an event comes from, and what came of it, by what a journal tells.
//!
//! ```text
//! event ─▶ turn that handled it ─▶ its firings ─▶ events that their graphs sent on ─▶ …
//! ```
//!
//! A turn handles several events and has several firings; which event is in which firing is told by no record, so a
//! step through a turn leads to all of them. What an accumulator holds from earlier turns is state, and no step.

mod branch;

pub use branch::{Branch, Node, Reach};

use crate::journal::{Begin, accumulator_stream};
use acequia_core::durable::{LifeId, TurnMark};
use acequia_core::id::{AccumulatorName, FiringId};
use acequia_store::Lsn;
use acequia_store::disk::{Disk, ReadOnlyDisk};
use acequia_store::journal::{OpenError, RecordKind, RecordRef, StreamId, read};
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A journal whose lineage cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineageError {
    /// The folder cannot be looked at.
    #[error("E0920: {} cannot be read; name the folder that the engine was given for its journal", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing to be told of.
    #[error("E0921: there is no journal; name the folder that the engine was given for its journal")]
    NoJournal,
    /// Somebody has it open, or it cannot be read.
    #[error(transparent)]
    Journal(#[from] OpenError),
}

/// Something that a journal tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Event(usize),
    Turn(usize),
    /// A firing of the turn.
    Firing(usize, u64),
}

struct Event {
    id: u128,
    lsn: Lsn,
    stream: StreamId,
    /// The firing that sent it on.
    parent: Option<u128>,
    /// The turn that handled it.
    handled: Option<usize>,
}

struct Turn {
    id: u128,
    lsn: Lsn,
    life: LifeId,
    firings: Range<u64>,
    /// Ids of the events that it handled; those that were trimmed are in no event of ours.
    parents: Vec<u128>,
    /// Events that its firings sent on.
    sent: Vec<usize>,
}

/// What a journal tells of where things come from.
#[derive(Default)]
pub struct Lineage {
    events: Vec<Event>,
    turns: Vec<Turn>,
    by_id: HashMap<u128, Kind>,
    by_lsn: HashMap<Lsn, Kind>,
    /// Turns by life, in the order of their firings.
    lives: HashMap<LifeId, Vec<usize>>,
    accumulators: HashMap<StreamId, String>,
    reactors: HashMap<LifeId, String>,
}

impl Lineage {
    /// Of the journal in `folder`, which no engine has open. It is only read.
    ///
    /// # Errors
    /// [`LineageError`].
    pub fn of(folder: impl AsRef<Path>) -> Result<Self, LineageError> {
        let folder = folder.as_ref();
        let opened = ReadOnlyDisk::open(folder);
        Self::on(&opened.map_err(|source| LineageError::Folder { folder: folder.to_owned(), source })?)
    }

    /// Of a journal on a disk of your own.
    ///
    /// # Errors
    /// [`LineageError`].
    pub fn on(disk: &dyn Disk) -> Result<Self, LineageError> {
        let mut lineage = Self::default();
        read(disk, |record| lineage.note(record))?.ok_or(LineageError::NoJournal)?;
        lineage.join();
        Ok(lineage)
    }

    fn note(&mut self, record: &RecordRef<'_>) {
        match record.kind {
            RecordKind::Event => {
                let parent = record.parents.iter().next().map(|parent| parent.0);
                let kind = Kind::Event(self.events.len());
                self.by_id.entry(record.id.0).or_insert(kind);
                self.by_lsn.insert(record.lsn, kind);
                let (id, lsn, stream) = (record.id.0, record.lsn, record.stream);
                self.events.push(Event { id, lsn, stream, parent, handled: None });
            }
            RecordKind::Turn => {
                let Ok(mark) = TurnMark::decode(record.payload) else { return };
                let (kind, life) = (Kind::Turn(self.turns.len()), LifeId::of(record.id.0));
                self.by_id.insert(record.id.0, kind);
                self.by_lsn.insert(record.lsn, kind);
                self.lives.entry(life).or_default().push(self.turns.len());
                self.turns.push(Turn {
                    id: record.id.0,
                    lsn: record.lsn,
                    life,
                    firings: mark.first_firing..mark.next_firing,
                    parents: record.parents.iter().map(|parent| parent.0).collect(),
                    sent: Vec::new(),
                });
            }
            RecordKind::Deploy => {
                let Ok(begin) = serde_json::from_slice::<Begin>(record.payload) else { return };
                for name in begin.accumulators {
                    let stream = accumulator_stream(&AccumulatorName::from(name.as_str()));
                    self.accumulators.insert(stream, name);
                }
                self.reactors.insert(LifeId::known(begin.life), begin.reactor);
            }
            _ => {}
        }
    }

    /// Each event knows the turn that handled it, each turn what it sent on.
    fn join(&mut self) {
        for (at, turn) in self.turns.iter().enumerate() {
            for parent in &turn.parents {
                if let Some(Kind::Event(event)) = self.by_id.get(parent) {
                    self.events[*event].handled = Some(at);
                }
            }
        }
        for at in 0..self.events.len() {
            let turn = self.events[at].parent.and_then(|firing| self.turn_of(firing));
            if let Some(turn) = turn {
                self.turns[turn].sent.push(at);
            }
        }
    }

    /// The turn of a firing.
    fn turn_of(&self, id: u128) -> Option<usize> {
        let life = LifeId::of(id);
        let FiringId(number) = life.firing_of(id)?;
        let turns = self.lives.get(&life)?;
        let behind = turns.partition_point(|turn| self.turns[*turn].firings.end <= number);
        turns.get(behind).copied().filter(|turn| self.turns[*turn].firings.contains(&number))
    }

    /// The event, firing or turn with this id.
    pub fn find(&self, id: u128) -> Option<Subject> {
        let firing = || {
            let FiringId(number) = LifeId::of(id).firing_of(id)?;
            Some(Kind::Firing(self.turn_of(id)?, number))
        };
        self.by_id.get(&id).copied().or_else(firing).map(Subject)
    }

    /// The event or turn that this record tells of.
    pub fn at(&self, lsn: Lsn) -> Option<Subject> {
        self.by_lsn.get(&lsn).copied().map(Subject)
    }

    /// What it comes from, step by step.
    pub fn causes(&self, of: Subject, reach: Reach) -> Branch {
        self.follow(of.0, reach, &|kind| match kind {
            Kind::Event(event) => {
                let parent = self.events[event].parent;
                let turn = parent.and_then(|firing| Some((self.turn_of(firing)?, firing as u64)));
                turn.map(|(turn, number)| Kind::Firing(turn, number)).into_iter().collect()
            }
            Kind::Turn(turn) | Kind::Firing(turn, _) => {
                let parents = self.turns[turn].parents.iter();
                parents.filter_map(|parent| self.by_id.get(parent).copied()).collect()
            }
        })
    }

    /// What came of it, step by step.
    pub fn effects(&self, of: Subject, reach: Reach) -> Branch {
        self.follow(of.0, reach, &|kind| match kind {
            Kind::Event(event) => self.events[event].handled.map(Kind::Turn).into_iter().collect(),
            Kind::Turn(turn) => self.turns[turn].sent.iter().copied().map(Kind::Event).collect(),
            Kind::Firing(turn, number) => {
                let firing = self.turns[turn].life.firing(FiringId(number));
                let sent = self.turns[turn].sent.iter().copied();
                sent.filter(|event| self.events[*event].parent == Some(firing)).map(Kind::Event).collect()
            }
        })
    }

    fn follow(&self, kind: Kind, reach: Reach, next: &dyn Fn(Kind) -> Vec<Kind>) -> Branch {
        let mut branch = Branch { node: self.node(kind), children: Vec::new(), n_more: 0 };
        let followed = next(kind);
        let shown = if reach.depth == 0 { 0 } else { reach.breadth };
        branch.n_more = followed.len().saturating_sub(shown);
        let further = Reach { depth: reach.depth.saturating_sub(1), ..reach };
        branch.children =
            followed.into_iter().take(shown).map(|kind| self.follow(kind, further, next)).collect();
        branch
    }

    fn node(&self, kind: Kind) -> Node {
        let unknown = || "unknown".to_owned();
        match kind {
            Kind::Event(event) => {
                let Event { id, lsn, stream, .. } = self.events[event];
                let accumulator = self.accumulators.get(&stream).cloned().unwrap_or_else(unknown);
                Node::Event { id, lsn, accumulator }
            }
            Kind::Turn(turn) => {
                let Turn { id, lsn, life, ref firings, .. } = self.turns[turn];
                let reactor = self.reactors.get(&life).cloned().unwrap_or_else(unknown);
                Node::Turn { id, lsn, reactor, firings: firings.clone() }
            }
            Kind::Firing(turn, number) => {
                let Turn { lsn, life, .. } = self.turns[turn];
                let reactor = self.reactors.get(&life).cloned().unwrap_or_else(unknown);
                Node::Firing { id: life.firing(FiringId(number)), turn: lsn, reactor, number }
            }
        }
    }
}
