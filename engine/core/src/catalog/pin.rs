//! Pins: what holds a version, counted by kind, with an index of who it is.

use crate::id::{PackageName, name};
use crate::package::Version;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;

name!(
    /// Who holds a version: the id of a run, of a start, of an item to be handed off.
    Holder
);

/// How many holders of a kind a refusal names.
pub const NAMED_HOLDERS: usize = 100;

/// Why somebody holds a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PinKind {
    /// A start was admitted, and its run is not recorded yet. Lives in memory only.
    Start,
    /// A run that is not at its end.
    LiveRun,
    /// A run that can go on again: paused, waiting, failed and resumable, cancelled and re-openable.
    ResumableRun,
    /// A child run that was recorded and has not started.
    RecordedChild,
    /// Items that a successor has not acknowledged.
    Handoff,
    /// The seat of something that is about to restart.
    Reservation,
}

impl PinKind {
    /// All kinds, in the order of listings.
    pub const ALL: [Self; 6] = [
        Self::Start,
        Self::LiveRun,
        Self::ResumableRun,
        Self::RecordedChild,
        Self::Handoff,
        Self::Reservation,
    ];

    /// Whether pins of this kind are in the journal.
    pub fn is_recorded(self) -> bool {
        self != Self::Start
    }

    fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for PinKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start in flight",
            Self::LiveRun => "live run",
            Self::ResumableRun => "resumable run",
            Self::RecordedChild => "recorded child",
            Self::Handoff => "handoff",
            Self::Reservation => "restart reservation",
        })
    }
}

/// A change of pins. It stands in the same journal record as what it protects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinChange {
    /// `holder` holds the version from here on.
    Hold {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// Why.
        kind: PinKind,
        /// Who.
        holder: Holder,
    },
    /// `holder` goes on holding it, for another reason: a live run was paused.
    Become {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// Why it did.
        from: PinKind,
        /// Why it does.
        to: PinKind,
        /// Who.
        holder: Holder,
    },
    /// `holder` lets go.
    Release {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// Why it did.
        kind: PinKind,
        /// Who.
        holder: Holder,
    },
}

impl PinChange {
    /// The package and the version that it is about.
    pub fn target(&self) -> (&PackageName, &Version) {
        match self {
            Self::Hold { package, version, .. }
            | Self::Become { package, version, .. }
            | Self::Release { package, version, .. } => (package, version),
        }
    }

    /// Whether every kind in it is one that is recorded.
    pub fn is_recorded(&self) -> bool {
        match self {
            Self::Hold { kind, .. } | Self::Release { kind, .. } => kind.is_recorded(),
            Self::Become { from, to, .. } => from.is_recorded() && to.is_recorded(),
        }
    }
}

/// How many pins of each kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PinCounts([u64; 6]);

impl PinCounts {
    /// The pins of one kind.
    pub fn of(&self, kind: PinKind) -> u64 {
        self.0[kind.index()]
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(super) fn plus(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
        self
    }

    pub(super) fn set(&mut self, kind: PinKind, count: usize) {
        self.0[kind.index()] = count as u64;
    }
}

/// `2 live runs, 1 handoff`.
impl fmt::Display for PinCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for kind in PinKind::ALL.into_iter().filter(|kind| self.of(*kind) > 0) {
            let n = self.of(kind);
            let text = match (kind, n) {
                (PinKind::Start, 2..) => "starts in flight".to_owned(),
                (PinKind::RecordedChild, 2..) => "recorded children".to_owned(),
                (_, 2..) => format!("{kind}s"),
                _ => kind.to_string(),
            };
            write!(f, "{separator}{n} {text}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

/// Some holders of one kind, in order, with where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HolderPage {
    /// The holders.
    pub holders: Vec<Holder>,
    /// Ask for those after this one; there are no more if it is absent.
    pub next: Option<Holder>,
}

impl HolderPage {
    /// The first `limit` of what is sorted and lies after `after`.
    pub(super) fn of<'a>(sorted: impl Iterator<Item = &'a Holder>, limit: usize) -> Self {
        let mut sorted = sorted.peekable();
        let holders: Vec<Holder> = sorted.by_ref().take(limit).cloned().collect();
        let next = sorted.peek().and_then(|_| holders.last().cloned());
        Self { holders, next }
    }
}

/// The range of a sorted set that lies after `after`.
pub(super) fn beyond(after: Option<&Holder>) -> (Bound<&Holder>, Bound<&Holder>) {
    (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

/// The recorded pins of one version: an index of holders for each kind, whose length is the count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pins {
    holders: [BTreeSet<Holder>; 6],
}

impl Pins {
    /// How many there are; the same work for one as for a hundred thousand.
    pub fn counts(&self) -> PinCounts {
        PinCounts(std::array::from_fn(|index| self.holders[index].len() as u64))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.holders.iter().all(BTreeSet::is_empty)
    }

    /// Whether `holder` holds it for whatever reason.
    pub fn has(&self, holder: &Holder) -> bool {
        self.holders.iter().any(|holders| holders.contains(holder))
    }

    /// Up to `limit` holders of a kind that come after `after`.
    pub fn page(&self, kind: PinKind, after: Option<&Holder>, limit: usize) -> HolderPage {
        HolderPage::of(self.holders[kind.index()].range::<Holder, _>(beyond(after)), limit)
    }

    /// All of them, by kind, then by holder.
    pub fn iter(&self) -> impl Iterator<Item = (PinKind, &Holder)> {
        let each = PinKind::ALL.into_iter();
        each.flat_map(|kind| self.holders[kind.index()].iter().map(move |holder| (kind, holder)))
    }

    /// Change them. Holding twice is holding once; what is not held is not released.
    pub(super) fn apply(&mut self, change: &PinChange) {
        match change {
            PinChange::Hold { kind, holder, .. } => {
                self.holders[kind.index()].insert(holder.clone());
            }
            PinChange::Become { from, to, holder, .. } => {
                self.holders[from.index()].remove(holder);
                self.holders[to.index()].insert(holder.clone());
            }
            PinChange::Release { kind, holder, .. } => {
                self.holders[kind.index()].remove(holder);
            }
        }
    }
}
