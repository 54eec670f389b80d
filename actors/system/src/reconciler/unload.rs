//! Unloading: the guard first, then the commit, then tear-down in reverse with a drain.

use super::event::{StepEvent, StepPhase};
use super::failpoint::Halt;
use super::request::{Supplied, Unload, UnloadError, UnloadReport};
use super::transaction::{Phase, Task, Transaction, lock};
use super::{Reconciler, STOP_DEADLINE, killed};
use crate::catalog::{Commit, Passage};
use crate::drain::Drain;
use crate::members::ReactorEntry;
use crate::package::PackageMsg;
use crate::reactor::{ReactorMsg, seats_in_service};
use crate::root::RootMsg;
use acequia_core::cell::CellTurn;
use acequia_core::id::{GraphName, PackageName};
use acequia_core::reconcile::{Actual, Hold, Record, Step, dependants, plan_unload};
use ractor::ActorRef;
use ractor::rpc::CallResult;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;

type Reply = oneshot::Sender<Result<UnloadReport, UnloadError>>;

/// Pause between two looks at a seat that is worked off.
const LOOK: Duration = Duration::from_millis(1);

impl Reconciler {
    pub(super) async fn unload(
        &self,
        packages: Vec<PackageName>,
        how: Unload,
        supplied: Supplied,
        commit: Option<Arc<Commit>>,
        reply: Reply,
    ) -> Result<(), Halt> {
        if self.args.env.is_stopping() {
            let _ = reply.send(Err(UnloadError::Stopping));
            return Ok(());
        }
        let mut actual = self.args.desk.actual();
        let first = packages.first().cloned().unwrap_or_else(|| "-".into());
        if !actual.packages.contains_key(&first) && self.args.desk.cancel(&first) {
            let report = UnloadReport { packages, ..UnloadReport::default() };
            let _ = reply.send(Ok(report));
            return Ok(());
        }
        let mut names = packages;
        if how.cascade
            && let Ok(order) = dependants(&actual, &first)
        {
            names = order;
        }
        let mut members = names.iter().filter_map(|name| self.args.desk.members(name));
        if let Some(other) = members.find(|members| members.supplied() != supplied) {
            let (package, by) = (other.name().clone(), other.supplied());
            let _ = reply.send(Err(UnloadError::Catalogued { package, by }));
            return Ok(());
        }
        let number = self.args.desk.number();
        let closed = self.close_gates(&mut actual, &names).await;
        self.pass(|| "gates closed".to_owned())?;
        if let Some(commit) = &commit {
            commit.pass(Passage::Prepared);
        }
        let refusal = match plan_unload(&actual, &names) {
            Ok(plan) => {
                let members = names.iter().filter_map(|name| self.args.desk.members(name)).collect();
                let task = Task::Unload { how, commit, reply: Mutex::new(Some(reply)) };
                let transaction = Transaction::new(number, plan, members, task, Phase::Preparing);
                return self.commit_unload(&transaction, &closed).await;
            }
            Err(refusal) => refusal,
        };
        reopen(&closed);
        self.args.desk.events.send(StepEvent {
            transaction: number,
            package: first,
            version: None,
            step: None,
            phase: StepPhase::Refused,
            detail: Some(refusal.to_string()),
        });
        let _ = reply.send(Err(refusal.into()));
        Ok(())
    }

    /// Nobody holds it: from the commit on it goes.
    async fn commit_unload(
        &self,
        transaction: &Arc<Transaction>,
        closed: &[ActorRef<ReactorMsg>],
    ) -> Result<(), Halt> {
        self.args.desk.open(Arc::clone(transaction));
        for step in &transaction.plan.steps {
            self.args.desk.say(transaction, step, StepPhase::Planned, None);
        }
        transaction.passed(Passage::Free);
        match self.commit(transaction).await {
            Ok(()) => {
                self.args.desk.say_all(transaction.id, &transaction.plan, StepPhase::Committed, None);
            }
            Err(Halt::Failed(reason)) => {
                reopen(closed);
                let first = transaction.members.first().map(|members| members.name().clone());
                transaction.fail(&first.unwrap_or_else(|| "-".into()), reason);
            }
            Err(killed @ Halt::Killed(_)) => return Err(killed),
        }
        self.take_down(transaction).await
    }

    /// Ask each reactor that leaves who holds it, in its own mailbox. Those that nobody holds have their
    /// gate closed: binds wait, events do not.
    async fn close_gates(&self, actual: &mut Actual, names: &[PackageName]) -> Vec<ActorRef<ReactorMsg>> {
        let leaving: Arc<[PackageName]> = names.into();
        let reactors: Vec<_> = names.iter().flat_map(|name| actual.reactors_of(name)).collect();
        let mut closed = Vec::new();
        for reactor in reactors {
            let Some(entry) = self.args.directory.find_reactor(&reactor) else { continue };
            let holders = match self.gate(&entry, &leaving).await {
                Some((actor, holders)) => {
                    if holders.is_empty() {
                        closed.push(actor);
                    }
                    holders
                }
                // It is restarting, or out of service: its seats say for whom they are kept.
                None => self.seats(&entry, &leaving).await,
            };
            let holders: BTreeMap<_, _> = holders.into_iter().collect();
            let bound: Vec<GraphName> = actual.bound_to(&reactor).map(|(name, _)| name.clone()).collect();
            for graph in bound {
                let hold = holders.get(&graph).copied().unwrap_or(Hold::Released);
                // Most are linked, and so is who is not listed.
                if hold != actual.hold(&graph) {
                    actual.holds.insert(graph, hold);
                }
            }
        }
        closed
    }

    async fn gate(
        &self,
        entry: &ReactorEntry,
        leaving: &Arc<[PackageName]>,
    ) -> Option<(ActorRef<ReactorMsg>, Vec<(GraphName, Hold)>)> {
        let actor = entry.actor.get()?;
        let (leaving, watcher) = (Arc::clone(leaving), self.myself.get_cell());
        let deadline = self.args.env.settings.call_deadline;
        let called = actor.call(|reply| ReactorMsg::Gate { leaving, watcher, reply }, Some(deadline)).await;
        match called {
            Ok(CallResult::Success(holders)) => Some((actor, holders)),
            Ok(_) | Err(_) => None,
        }
    }

    async fn seats(&self, entry: &ReactorEntry, leaving: &[PackageName]) -> Vec<(GraphName, Hold)> {
        let seats = entry.cell.ask(|cell, _| (seats_in_service(cell), CellTurn::default())).await;
        let others = seats.unwrap_or_default().into_iter().filter(|(_, package)| !leaving.contains(package));
        others.map(|(graph, _)| (graph, Hold::Reserved)).collect()
    }

    /// Carry an unload on from wherever it is.
    pub(super) async fn take_down(&self, transaction: &Arc<Transaction>) -> Result<(), Halt> {
        if transaction.phase() != Phase::Committed {
            // Nothing was touched; the gates opened when the reconciler ended.
            let failure = transaction.progress().failure.take();
            let reason = failure.map_or_else(|| self.args.desk.closed(), |(_, reason)| reason);
            self.args.desk.end();
            answer(transaction, Err(UnloadError::Interrupted { reason }));
            return Ok(());
        }
        self.pass(|| "withdraw".to_owned()).or_else(only_killed)?;
        for members in &transaction.members {
            members.set_active(false);
        }
        self.args.directory.withdraw(&transaction.members);
        self.pass(|| "drain".to_owned()).or_else(only_killed)?;
        self.quiesce(transaction).await?;
        transaction.passed(Passage::Drained);
        for step in &transaction.plan.steps {
            self.pass(|| format!("tear down {step}")).or_else(only_killed)?;
            self.drop_step(transaction, step).await;
            self.torn_down(transaction, step);
        }
        for members in &transaction.members {
            let (package, deadline) = (members.name().clone(), STOP_DEADLINE);
            self.pass(|| format!("stop package {package}")).or_else(only_killed)?;
            let stopped = self.ask_root(|reply| RootMsg::Drop { package, deadline, reply }).await;
            transaction.progress().left.extend(killed(&stopped.unwrap_or_default()));
            // Handles that are still about hold its cells, and these its code, which is not to run any more.
            members.package().stop();
        }
        transaction.passed(Passage::TornDown);
        self.pass(|| "end".to_owned()).or_else(only_killed)?;
        let report = {
            let mut progress = transaction.progress();
            UnloadReport {
                packages: transaction.plan.packages.iter().map(|(name, _)| name.clone()).collect(),
                steps: std::mem::take(&mut progress.torn),
                killed: std::mem::take(&mut progress.left),
                dropped: progress.dropped,
            }
        };
        self.args.desk.end();
        answer(transaction, Ok(report));
        Ok(())
    }

    fn torn_down(&self, transaction: &Transaction, step: &Step) {
        let what = format!("{} torn down", step.record);
        tracing::info!(package = %step.package, "{what}");
        let mut progress = transaction.progress();
        if !progress.torn.contains(&what) {
            progress.torn.push(what.clone());
        }
        drop(progress);
        self.args.desk.say(transaction, step, StepPhase::Dropped, Some(what));
    }

    /// Take in nothing new, and work off what is there until the deadline.
    async fn quiesce(&self, transaction: &Arc<Transaction>) -> Result<(), Halt> {
        let Task::Unload { how, .. } = &transaction.task else { return Ok(()) };
        let end = {
            let now = self.args.env.now();
            *transaction.progress().drain_ends.get_or_insert_with(|| now.after(how.drain))
        };
        let cells: Vec<_> = transaction.members.iter().flat_map(|members| members.cells()).collect();
        for ring in cells.iter().flat_map(|entry| entry.cell.rings()) {
            ring.refuse();
        }
        for members in &transaction.members {
            self.ask_package(members.name(), |reply| PackageMsg::StopSources { reply }).await;
        }
        // Seats at reactors that stay are left at once, or there would always be something new.
        for step in &transaction.plan.steps {
            let Record::BoundGraph(name, graph) = &step.record else { continue };
            let stays = graph.reactor.as_ref().is_some_and(|reactor| !transaction.owns_reactor(reactor));
            if let Some(entry) = transaction.graph(name).filter(|_| stays) {
                self.leave(transaction, &entry).await;
            }
        }
        let drain = Drain {
            cells: cells.iter().map(|entry| Arc::clone(&entry.cell)).collect(),
            // Feeds and shares among those that leave have left the plan's snapshot already.
            feeds: transaction.plan.feeds.iter().cloned().collect(),
            shares: transaction.plan.shares(),
            env: Arc::clone(&self.args.env),
        };
        let drained = async {
            drain.run(end).await;
            while self.args.env.now() < end
                && !self.args.directory.leaving().iter().all(|seat| seat.is_idle())
            {
                tokio::time::sleep(LOOK).await;
            }
        };
        self.serving_loads(transaction, drained).await
    }
}

fn reopen(closed: &[ActorRef<ReactorMsg>]) {
    for reactor in closed {
        let _ = reactor.cast(ReactorMsg::Reopen);
    }
}

fn answer(transaction: &Transaction, result: Result<UnloadReport, UnloadError>) {
    if let Task::Unload { reply, .. } = &transaction.task
        && let Some(reply) = lock(reply).take()
    {
        // Whoever asked may be gone; what was done stays done.
        let _ = reply.send(result);
    }
}

/// After the commit no step can fail any more: only the actor can end.
fn only_killed(halt: Halt) -> Result<(), Halt> {
    match halt {
        Halt::Killed(_) => Err(halt),
        Halt::Failed(_) => Ok(()),
    }
}
