//! Upgrading: the parts of the new version are made beside the old ones and take their places at a turn
//! boundary, with their state. Cells, rings, seats, sinks and links stay, so nobody who pushes, and no
//! subscriber of another package, is touched. Until the commit the old version is whole and can go on.

use super::Reconciler;
use super::event::{StepEvent, StepPhase};
use super::failpoint::Halt;
use super::load::survive_failure;
use super::request::{LoadOutcome, LoadRequest};
use super::transaction::{Phase, Task, Transaction, lock};
use crate::catalog::Passage;
use crate::cell::SharedCell;
use crate::package::PackageMsg;
use crate::root::RootMsg;
use acequia_core::accumulator::AnySlot;
use acequia_core::cell::CellTurn;
use acequia_core::fault::guarded;
use acequia_core::graph::{GraphDecl, GraphPart};
use acequia_core::id::PackageName;
use acequia_core::package::{Package, Version};
use acequia_core::reactor::ReactorDecl;
use acequia_core::reconcile::Plan;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// The new version of a package, made and not yet in place.
pub(crate) struct Next {
    pub(crate) package: Arc<Package>,
    pub(crate) version: Version,
    reactors: Mutex<Vec<NextReactor>>,
    graphs: Mutex<Vec<NextGraph>>,
}

/// A graph's declaration, and its part until that is in place.
type NextGraph = (GraphDecl, Option<Box<dyn GraphPart>>);

/// The new slots of a cell.
struct NextReactor {
    decl: ReactorDecl,
    cell: Arc<SharedCell>,
    slots: Option<Vec<Box<dyn AnySlot>>>,
}

impl Reconciler {
    pub(super) async fn begin_upgrade(
        &self,
        number: u64,
        mut request: LoadRequest,
        plan: Plan,
    ) -> Result<(), Halt> {
        let Some((package, version)) = request.packages.first().cloned() else { return Ok(()) };
        let Some(members) = self.args.desk.members(package.name()) else {
            let (package, reason) = (package.name().clone(), "its members are not there".to_owned());
            self.failed(request, package, reason, Vec::new());
            return Ok(());
        };
        // Sinks stay attached; those of a first load are not wanted twice.
        request.sinks.clear();
        let (reactors, graphs) = (Mutex::default(), Mutex::default());
        let next = Next { package, version, reactors, graphs };
        let task = Task::Load(Mutex::new(request));
        let transaction = Transaction::upgrading(number, plan, members, task, next);
        self.args.desk.open(Arc::clone(&transaction));
        self.say_upgrade(&transaction, StepPhase::Planned, None);
        self.carry_upgrade(&transaction).await
    }

    /// Carry an upgrade on from wherever it is.
    pub(super) async fn carry_upgrade(&self, transaction: &Arc<Transaction>) -> Result<(), Halt> {
        let Some(next) = &transaction.next else { return Ok(()) };
        if transaction.phase() == Phase::Preparing {
            match self.prepare_upgrade(transaction, next).await {
                Ok(()) => {}
                Err(Halt::Failed(reason)) => transaction.fail(next.package.name(), reason),
                Err(killed @ Halt::Killed(_)) => return Err(killed),
            }
        }
        if transaction.phase() == Phase::Committed {
            self.finish_upgrade(transaction, next).await
        } else {
            self.resume_old(transaction)
        }
    }

    /// Make the new parts, let the cells stand still, and have the states taken in. The authors' code makes
    /// the parts and migrates.
    async fn prepare_upgrade(&self, transaction: &Arc<Transaction>, next: &Next) -> Result<(), Halt> {
        self.pass(|| format!("start package {}", next.package.name()))?;
        self.run_hook(Arc::clone(&next.package)).await?;
        transaction.passed(Passage::Begun);
        for decl in next.package.cells() {
            self.pass(|| format!("prepare reactor {}", decl.name))?;
            let entry = transaction.members.iter().find_map(|members| members.cell(&decl.name));
            let Some(entry) = entry else {
                return Err(Halt::Failed(format!("reactor {} is not there", decl.name)));
            };
            let made = guarded(|| Ok(decl.accumulators.iter().map(|a| a.slot(None)).collect()));
            let slots: Vec<_> = made.map_err(|f| Halt::Failed(format!("a part could not be made: {f}")))?;
            let reactor = NextReactor { decl, cell: entry.cell, slots: Some(slots) };
            lock(&next.reactors).push(reactor);
        }
        for decl in next.package.graphs() {
            self.pass(|| format!("prepare graph {}", decl.name))?;
            let part = guarded(|| Ok(decl.part()));
            let part = part.map_err(|f| Halt::Failed(format!("a part could not be made: {f}")))?;
            lock(&next.graphs).push((decl.clone(), Some(part)));
        }
        self.say_upgrade(transaction, StepPhase::Prepared, None);
        self.pass(|| "stand still".to_owned())?;
        let cells: Vec<_> = lock(&next.reactors).iter().map(|reactor| Arc::clone(&reactor.cell)).collect();
        for cell in &cells {
            // Events still come, into the rings.
            cell.freeze();
        }
        for (at, cell) in cells.iter().enumerate() {
            self.pass(|| format!("take in the state of {}", cell.name()))?;
            self.rehearse(transaction, next, at, cell).await?;
        }
        transaction.passed(Passage::Prepared);
        self.commit(transaction).await?;
        self.say_upgrade(transaction, StepPhase::Committed, None);
        Ok(())
    }

    /// The new slots of one cell take in the states of the old ones, which stay as they are.
    async fn rehearse(
        &self,
        transaction: &Transaction,
        next: &Next,
        at: usize,
        cell: &Arc<SharedCell>,
    ) -> Result<(), Halt> {
        let (slots, decl) = {
            let mut reactors = lock(&next.reactors);
            (reactors[at].slots.take(), reactors[at].decl.clone())
        };
        let Some(mut slots) = slots else { return Err(Halt::Failed("its slots are not there".to_owned())) };
        let asked = cell.ask(move |state, cx| {
            let taken = state.rehearse(&mut slots, &decl, cx.now);
            ((slots, taken), CellTurn::default())
        });
        let patience = self.args.env.settings.call_deadline;
        let Some((slots, taken)) = tokio::time::timeout(patience, asked).await.ok().flatten() else {
            return Err(Halt::Failed(format!("reactor {} did not come to a turn boundary", cell.name())));
        };
        lock(&next.reactors)[at].slots = Some(slots);
        taken.map_err(|error| {
            let reason = error.to_string();
            if let Some(commit) = transaction.commit() {
                commit.note_incompatible(&reason);
            }
            Halt::Failed(reason)
        })
    }

    /// Nothing was exchanged: the old version goes on where it stood.
    fn resume_old(&self, transaction: &Arc<Transaction>) -> Result<(), Halt> {
        self.pass(|| "resume".to_owned()).or_else(survive_failure)?;
        for entry in transaction.members.iter().flat_map(|members| members.cells()) {
            entry.cell.thaw();
        }
        let failure = transaction.progress().failure.take();
        let (package, reason) = failure.unwrap_or_else(|| ("-".into(), "it was not begun".to_owned()));
        self.say_upgrade(transaction, StepPhase::Refused, Some(reason.clone()));
        let Task::Load(request) = &transaction.task else { return Ok(self.args.desk.end()) };
        let request = std::mem::replace(&mut *lock(request), LoadRequest::nothing());
        self.args.desk.end();
        self.failed(request, package, reason, Vec::new());
        Ok(())
    }

    /// It counts: exchange the parts, however often that was begun, and let the cells go on.
    async fn finish_upgrade(&self, transaction: &Arc<Transaction>, next: &Next) -> Result<(), Halt> {
        // Before the cells go on, so that no graph of the old version sees a boundary of the new one.
        self.upgrade_graphs(next);
        let n_reactors = lock(&next.reactors).len();
        for at in 0..n_reactors {
            self.pass(|| "exchange".to_owned()).or_else(survive_failure)?;
            let (cell, decl, slots) = {
                let mut reactors = lock(&next.reactors);
                let reactor = &mut reactors[at];
                (Arc::clone(&reactor.cell), reactor.decl.clone(), reactor.slots.take())
            };
            if let Some(slots) = slots {
                // Left at the cell at once: whoever comes after this one finds it done. The cell goes on in
                // the same control, or a turn could come before it, over the state that was copied.
                let own = Arc::clone(&cell);
                cell.post(move |state, cx| {
                    state.exchange(slots, decl);
                    // Replay must not take the old version's turns through the new one's code.
                    own.checkpoint(state, cx.now);
                    own.thaw();
                    CellTurn::default()
                });
            }
        }
        self.args.directory.publish(&transaction.members);
        transaction.passed(Passage::Swapped);
        for reactor in lock(&next.reactors).iter() {
            // A new version lifts what the old one had earned.
            reactor.cell.pardon();
        }
        self.pass(|| "renew actors".to_owned()).or_else(survive_failure)?;
        let package = next.package.name().clone();
        let (own, child) = (package.clone(), format!("package {package}"));
        self.ask_root(|reply| RootMsg::Pardon { package: own, child, reply }).await;
        self.ask_package(&package, |reply| PackageMsg::Renew { reply }).await;
        self.ask_package(&package, |reply| PackageMsg::Activate { reply }).await;
        self.pass(|| "end".to_owned()).or_else(survive_failure)?;
        self.say_upgrade(transaction, StepPhase::Activated, None);
        let Task::Load(request) = &transaction.task else { return Ok(self.args.desk.end()) };
        let mut request = std::mem::replace(&mut *lock(request), LoadRequest::nothing());
        let from = transaction.plan.upgrades.first().map(|upgrade| upgrade.from.version.clone());
        let outcome = from.map_or(LoadOutcome::Unchanged, |from| LoadOutcome::Upgraded { from });
        let report = request.report(&outcome);
        self.args.desk.end();
        request.answer(Ok(report));
        Ok(())
    }

    /// Each graph goes on in its seat, or with its worker, between two firings.
    fn upgrade_graphs(&self, next: &Next) {
        for (decl, part) in lock(&next.graphs).iter_mut() {
            let reactor = decl.reactor.as_ref().and_then(|name| self.args.directory.find_reactor(name));
            let (Some(reactor), Some(part)) = (reactor, part.take()) else { continue };
            let (shared, decl) = (Arc::clone(&reactor.cell), decl.clone());
            reactor.cell.post(move |state, _| {
                let elsewhere = state.upgrade_graph(&decl, part);
                if let (Some(part), Some(worker)) = (elsewhere, shared.workers().get(&decl.name)) {
                    worker.post(move |run, _| run.upgrade(decl, part));
                }
                CellTurn::default()
            });
        }
    }

    fn say_upgrade(&self, transaction: &Transaction, phase: StepPhase, detail: Option<String>) {
        for upgrade in &transaction.plan.upgrades {
            let package: PackageName = upgrade.package.clone();
            self.args.desk.events.send(StepEvent {
                transaction: transaction.id,
                package,
                version: Some(upgrade.to.version.clone()),
                step: None,
                phase,
                detail: detail
                    .clone()
                    .or_else(|| Some(format!("upgrade from version {}", upgrade.from.version))),
            });
        }
    }
}

impl SharedCell {
    /// Stand still from the next turn boundary on: events come into the rings, controls are carried out.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::Release);
    }

    /// Go on.
    pub(crate) fn thaw(&self) {
        self.frozen.store(false, Ordering::Release);
        self.schedule();
    }
}
