//! The step of an accumulator that several reactors share: its own cell, which sends on to theirs.

use super::Reconciler;
use super::failpoint::Halt;
use super::transaction::Transaction;
use crate::members::Member;
use acequia_core::cell::{Cell, CellTurn};
use acequia_core::id::AccumulatorName;
use acequia_core::package::Share;
use acequia_core::reconcile::{ShareRecord, Step};
use std::sync::Arc;

impl Reconciler {
    /// Make its cell, lead it into the cells of its reactors, and start its actor; nothing is armed.
    pub(super) async fn prepare_shared(
        &self,
        transaction: &Transaction,
        step: &Step,
        name: &AccumulatorName,
        record: &ShareRecord,
    ) -> Result<(), Halt> {
        let cell_name = Share::cell_name(name);
        let absent = || Halt::Failed(format!("accumulator {name} is not declared"));
        let members = transaction.members_of(&step.package).ok_or_else(absent)?;
        let entry = self.make_cell(step, members, &cell_name, Cell::shared).await?;
        for reactor in &record.reactors {
            let absent = || Halt::Failed(format!("reactor {reactor} is not prepared"));
            let reader = members.reactor(reactor).ok_or_else(absent)?;
            let source = reader.decl.source(name).ok_or_else(absent)?;
            reader.cell.share_in(source, Arc::clone(&entry.cell));
            let (reactor, ring) = (reactor.clone(), Arc::clone(reader.cell.ring(source)));
            entry.cell.post(move |state, _| {
                state.send_on_to(reactor, ring);
                CellTurn::default()
            });
        }
        members.add_shared(entry);
        self.start_member(step, Member::Shared(cell_name)).await
    }
}
