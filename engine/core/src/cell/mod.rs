//! The cell: where events become firings, in place.
//!
//! A [`Cell`] is the state of one reactor with the slots of its accumulators and the seats of its
//! graphs. It is a plain value: whoever owns it for a moment runs a turn, by calling [`Cell::turn`]. The
//! actors around it say when.

mod accumulate;
mod backlog;
pub mod bind;
mod checking;
pub mod checkpoint;
pub mod command;
pub mod crumb;
pub mod delivery;
pub mod detached;
mod filter;
mod flush;
pub mod ids;
mod inputs;
pub mod inspect;
pub mod kept;
mod leave;
pub mod log;
mod marking;
mod memory;
mod merge;
pub mod replay;
mod rerun;
pub mod run;
pub mod seat;
mod shadowed;
mod share;
mod touch;
mod trace;
pub mod turn;
pub mod unsettled;
pub mod upgrade;

pub use bind::{BindError, map_inputs};
pub use checkpoint::{Checkpoint, SourceCheckpoint};
pub use command::FireError;
pub use crumb::{Crumb, InHand, PartNames};
pub use delivery::{Batch, Delivery};
pub use detached::{DetachCause, Detached, HandedOver};
pub use ids::FiringIds;
pub use kept::{Kept, KeptError};
pub use log::{Cause, FiringLog, FiringRecord, Outcome, SubscriberOutcome, Subscription};
pub use run::{GraphRun, RunContext, RunEnd};
pub use seat::{Seat, Seated};
pub use turn::{CellTurn, PartFault, TurnContext};
pub use unsettled::{EdgeKind, EdgeName, Open};
pub use upgrade::UpgradeError;

use marking::Marking;
pub use marking::TurnWrite;
use replay::Earlier;
pub use replay::{ReplayError, ReplayPending};
pub use rerun::{Deciding, Rerun};

use crate::accumulator::AnySlot;
use crate::column::AnyColumn;
use crate::ledger::Entry;
use crate::reactor::{Policy, ReactorDecl, ReactorDeclError, SourceSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// State, slots and seats of one reactor, or of a shared accumulator. What every turn touches comes first and lies together: a
/// reactor that seldom fires finds its cell in no cache.
#[repr(C)]
pub struct Cell {
    blocked: bool,
    flush_asked: bool,
    started: bool,
    is_filtered: bool,
    /// It takes what comes even while it cannot fire.
    absorbs: bool,
    quiet_turns: u32,
    slots: Vec<Box<dyn AnySlot>>,
    columns: Vec<Box<dyn AnyColumn>>,
    seats: Vec<Seat>,
    rows: Vec<u32>,
    /// Arrival numbers of boundaries at the end of each column that were not merged yet; empty where the
    /// order over all sources changes nothing.
    orders: Vec<Vec<u64>>,
    policy: Policy,
    next_firing: u64,
    firings: Entry,
    log: FiringLog,
    /// Sources whose events found their column full in this turn.
    starved: SourceSet,
    slow: Duration,
    /// How far the merge has come in each order; kept for its memory.
    heads: Vec<usize>,
    /// Only in the cell of a shared accumulator: who shares it.
    readers: Option<Box<share::Readers>>,
    decl: ReactorDecl,
    parts: Arc<PartNames>,
    /// Numbers arrivals over all sources, where their order matters.
    tickets: Option<Arc<AtomicU64>>,
    /// What it notes for the journal, if it has one.
    marking: Option<Box<Marking>>,
    /// What an earlier life left behind.
    earlier: Option<Box<Earlier>>,
}

impl Cell {
    /// A cell for `decl`, with fresh slots and no seats. A firing that takes longer than `slow` moves
    /// its graph out of the cell.
    ///
    /// # Errors
    /// [`ReactorDeclError`] if the declaration is wrong.
    pub fn new(decl: ReactorDecl, slow: Duration) -> Result<Self, ReactorDeclError> {
        let criteria = decl.resolve()?;
        let n = decl.accumulators.len();
        let policy = Policy::new(criteria, decl.strategy, n);
        let tickets = policy.needs_order().then(|| Arc::new(AtomicU64::new(0)));
        let slots: Vec<_> =
            decl.accumulators.iter().map(|accumulator| accumulator.slot(tickets.clone())).collect();
        Ok(Self {
            policy,
            columns: slots.iter().map(|slot| slot.column()).collect(),
            slots,
            orders: vec![Vec::new(); n],
            heads: Vec::new(),
            readers: None,
            starved: SourceSet::EMPTY,
            seats: Vec::new(),
            is_filtered: decl.filter.is_some(),
            absorbs: Self::absorbs(&decl),
            log: FiringLog::new(n, decl.log_firings, decl.log_age),
            rows: Vec::new(),
            next_firing: 0,
            firings: Entry::default(),
            blocked: false,
            flush_asked: false,
            started: false,
            slow,
            quiet_turns: 0,
            parts: PartNames::new(decl.accumulators.iter().map(|accumulator| accumulator.name.clone())),
            tickets,
            marking: None,
            earlier: None,
            decl,
        })
    }

    /// The declaration.
    pub fn decl(&self) -> &ReactorDecl {
        &self.decl
    }

    /// Its parts by name.
    pub fn parts(&self) -> &Arc<PartNames> {
        &self.parts
    }

    /// The slots, in the order of the reactor's sources.
    pub fn slots(&self) -> &[Box<dyn AnySlot>] {
        &self.slots
    }

    /// The slots, for taking them in and out of service.
    pub fn slots_mut(&mut self) -> &mut [Box<dyn AnySlot>] {
        &mut self.slots
    }

    /// The firing log.
    pub fn log(&mut self) -> &mut FiringLog {
        &mut self.log
    }

    /// The reactor's state machine.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many firings there have been.
    pub fn n_firings(&self) -> u64 {
        self.next_firing
    }
}
