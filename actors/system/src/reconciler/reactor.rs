//! The step of a reactor with its accumulators: its cell, its actors, and in the end its ledger.

use super::failpoint::Halt;
use super::transaction::{Phase, Transaction};
use super::{Reconciler, STOP_DEADLINE, killed};
use crate::books::ledger_of;
use crate::cell::SharedCell;
use crate::journal::{self, CellJournal};
use crate::members::{ActorSlot, Member, Members, ReactorEntry};
use crate::package::PackageMsg;
use acequia_core::cell::{Cell, CellTurn};
use acequia_core::fault::guarded;
use acequia_core::id::ReactorName;
use acequia_core::ledger::Dropped;
use acequia_core::reactor::{ReactorDecl, ReactorDeclError};
use acequia_core::reconcile::Step;
use std::sync::Arc;
use std::time::Duration;

impl Reconciler {
    /// Make its cell, and start its actors; nothing is armed, and nobody sees it. The authors' code makes
    /// the parts.
    pub(super) async fn prepare_reactor(
        &self,
        transaction: &Transaction,
        step: &Step,
        name: &ReactorName,
    ) -> Result<(), Halt> {
        let absent = || Halt::Failed(format!("reactor {name} is not declared"));
        let members = transaction.members_of(&step.package).ok_or_else(absent)?;
        let entry = self.make_cell(step, members, name, Cell::new).await?;
        members.add_reactor(entry.clone());
        for (source, accumulator) in entry.decl.accumulators.iter().enumerate() {
            if let Some(offset) = entry.cell.journal().and_then(|journal| journal.offset(source)) {
                members.offset(&accumulator.name).set(offset);
            }
        }
        self.args.directory.stage(entry);
        self.start_member(step, Member::Reactor(name.clone())).await
    }

    /// Make the cell `name`, with all its parts, on the next shard.
    pub(super) async fn make_cell(
        &self,
        step: &Step,
        members: &Members,
        name: &ReactorName,
        make: impl Fn(ReactorDecl, Duration) -> Result<Cell, ReactorDeclError>,
    ) -> Result<ReactorEntry, Halt> {
        let Some(decl) = members.decl(name) else {
            return Err(Halt::Failed(format!("{name} is not declared")));
        };
        let slow = self.args.env.settings.slow_firing;
        let made = guarded(|| Ok(make(decl.clone(), slow)));
        let cell = match made {
            Ok(Ok(cell)) => cell,
            Ok(Err(error)) => return Err(Halt::Failed(error.to_string())),
            Err(failure) => return Err(Halt::Failed(format!("a part could not be made: {failure}"))),
        };
        let attached = journal::attach(cell, &decl, &self.args.env).await;
        let (cell, journal) = attached.map_err(|error| Halt::Failed(error.to_string()))?;
        let shard = &self.args.shards[self.args.desk.next_shard(self.args.shards.len())];
        let cell = SharedCell::new(cell, journal, Arc::clone(&self.args.env), Arc::clone(shard));
        Ok(ReactorEntry { package: step.package.clone(), decl, cell, actor: ActorSlot::default() })
    }

    pub(super) async fn start_member(&self, step: &Step, member: Member) -> Result<(), Halt> {
        match self.ask_package(&step.package, |reply| PackageMsg::Start { member, reply }).await {
            Some(Ok(())) => Ok(()),
            Some(Err(reason)) => Err(Halt::Failed(reason)),
            None => Err(Halt::Failed("the package's actor did not answer".to_owned())),
        }
    }

    /// Arm a cell, and start its sources.
    pub(super) async fn activate_cell(&self, transaction: &Transaction, step: &Step, cell: &ReactorName) {
        if let Some(entry) = transaction.members_of(&step.package).and_then(|members| members.cell(cell))
            && entry.cell.quarantined().is_none()
        {
            entry.cell.arm();
            self.offer_backlog(&entry.cell);
        }
        // A package that restarts at this moment starts its sources by itself.
        let cell = cell.clone();
        self.ask_package(&step.package, |reply| PackageMsg::ActivateCell { cell, reply }).await;
    }

    /// What an earlier life left open is offered again, before anything newer.
    fn offer_backlog(&self, cell: &Arc<SharedCell>) {
        let Some(backlog) = cell.journal().and_then(CellJournal::take_backlog) else { return };
        let cell = Arc::clone(cell);
        self.args.env.spawn(async move {
            backlog.offer().await;
            if let Some(journal) = cell.journal() {
                journal.open(cell.rings());
            }
        });
    }

    /// Stop the actors of a cell, accumulators first; then it goes itself, with all that was not worked off.
    pub(super) async fn drop_cell(&self, transaction: &Transaction, step: &Step, member: Member) {
        let (Some(members), Some(name)) = (transaction.members_of(&step.package), member.cell()) else {
            return;
        };
        let (asked, deadline) = (member.clone(), STOP_DEADLINE);
        let stopped = self
            .ask_package(&step.package, |reply| PackageMsg::Drop { member: asked, deadline, reply })
            .await;
        members.note_dropped(&member);
        transaction.progress().left.extend(killed(&stopped.unwrap_or_default()));
        self.args.directory.unstage(name);
        if let Some(entry) = members.cell(name) {
            for ring in entry.cell.rings() {
                ring.close();
            }
            if transaction.phase() == Phase::Committed {
                self.retire_cell(transaction, &entry.cell).await;
            }
        }
        members.forget(&member);
    }

    /// The last ledger of a cell: what is open is dropped(unbound).
    async fn retire_cell(&self, transaction: &Transaction, cell: &Arc<SharedCell>) {
        let before = unbound(&ledger_of(cell).await);
        // For good: what is asked of it is still answered.
        cell.freeze();
        let given_up = cell.ask(|state, cx| {
            let mut turn = CellTurn::default();
            let mut run_cx = turn.run_context(cx.now, cx.waker);
            state.give_up(Dropped::Unbound, cx.doorbell, &mut run_cx);
            ((), turn)
        });
        let _ = tokio::time::timeout(STOP_DEADLINE, given_up).await;
        cell.journal().map(CellJournal::end);
        let edges = ledger_of(cell).await;
        transaction.progress().dropped += unbound(&edges).saturating_sub(before);
        self.args.directory.retire_cell(cell, edges);
    }
}

/// How many items were given up because their edge was taken down.
pub(super) fn unbound(edges: &[(acequia_core::cell::EdgeName, acequia_core::ledger::Entry)]) -> u64 {
    edges.iter().map(|(_, entry)| entry.dropped_for(Dropped::Unbound)).sum()
}
