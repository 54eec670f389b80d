//! Loading: prepare every step, commit, publish, activate; or drop what was prepared, in reverse.

use super::attach::declared;
use super::event::{StepEvent, StepPhase};
use super::failpoint::Halt;
use super::request::{LoadError, LoadOutcome, LoadReport, LoadRequest, Supplied};
use super::transaction::{Phase, Task, Transaction, lock};
use super::{Reconciler, ReconcilerMsg, STOP_DEADLINE, killed};
use crate::catalog::Passage;
use crate::members::Members;
use crate::package::PackageArgs;
use crate::root::RootMsg;
use acequia_core::fault::Failure;
use acequia_core::id::{GraphName, PackageName};
use acequia_core::package::{Package, Version};
use acequia_core::reconcile::{Desired, Plan, Refusal, plan_load};
use acequia_core::supervision::Backoff;
use std::cmp::Reverse;
use std::sync::{Arc, Mutex};

/// Failures in a row that put a version into quarantine.
const FAILURES: u32 = 3;

impl Reconciler {
    pub(super) async fn load(&self, mut request: LoadRequest) -> Result<(), Halt> {
        if self.args.env.is_stopping() {
            request.answer(Err(LoadError::Stopping));
            return Ok(());
        }
        if let Some((package, by)) = self.owned_by_another(&request) {
            request.answer(Err(LoadError::Catalogued { package, by }));
            return Ok(());
        }
        let number = self.args.desk.number();
        let mut actual = self.args.desk.actual();
        actual.lacks_journal = self.args.env.journal().is_none();
        // What is loaded already in that version is not registered again, nor are its sinks.
        let unchanged = |name: &PackageName, version: &Version| {
            actual.packages.get(name).is_some_and(|loaded| loaded.version == *version)
        };
        let stays = |graph: &GraphName| {
            let packages = request.packages.iter().filter(|(p, version)| unchanged(p.name(), version));
            packages.flat_map(|(p, _)| p.graphs()).any(|decl| decl.name == *graph)
        };
        let sinks: Vec<_> = std::mem::take(&mut request.sinks);
        let sinks: Vec<_> = sinks.into_iter().filter(|(graph, _, _)| !stays(graph)).collect();
        let desired = Desired {
            packages: request.packages.iter().map(|(p, version)| (&**p, version.clone())).collect(),
            sinks: sinks.iter().map(|(graph, terminal, sink)| declared(graph, terminal, sink)).collect(),
        };
        let planned = plan_load(&actual, &desired);
        request.sinks = sinks;
        match planned {
            Err(refusal) => {
                self.refused(number, request, refusal);
                Ok(())
            }
            Ok(plan) => self.begin(number, request, plan).await,
        }
    }

    /// A package that is loaded, and not by who asks.
    fn owned_by_another(&self, request: &LoadRequest) -> Option<(PackageName, Supplied)> {
        request.packages.iter().find_map(|(package, _)| {
            let by = self.args.desk.members(package.name())?.supplied();
            (by != request.supplied(package.name())).then(|| (package.name().clone(), by))
        })
    }

    async fn begin(&self, number: u64, request: LoadRequest, plan: Plan) -> Result<(), Halt> {
        if !plan.upgrades.is_empty() {
            return Box::pin(self.begin_upgrade(number, request, plan)).await;
        }
        let members = plan.packages.iter().filter_map(|(name, loaded)| {
            let package = request.packages.iter().find(|(package, _)| package.name() == name)?;
            Some(Members::new(Arc::clone(&package.0), loaded.version.clone(), request.supplied(name)))
        });
        let members = members.collect();
        let task = Task::Load(Mutex::new(request));
        let transaction = Transaction::new(number, plan, members, task, Phase::Preparing);
        self.args.desk.open(Arc::clone(&transaction));
        for step in &transaction.plan.steps {
            self.args.desk.say(&transaction, step, StepPhase::Planned, None);
        }
        self.carry(&transaction).await
    }

    /// Refused before anything was done: parked, if it only came early and wants to wait.
    fn refused(&self, number: u64, mut request: LoadRequest, refusal: Refusal) {
        for (package, version) in &request.packages {
            self.args.desk.events.send(StepEvent {
                transaction: number,
                package: package.name().clone(),
                version: Some(version.clone()),
                step: None,
                phase: StepPhase::Refused,
                detail: Some(refusal.to_string()),
            });
        }
        if let Some(missing) = refusal.missing().filter(|_| request.wait) {
            let report = request.report(&LoadOutcome::Parked { missing: missing.clone() });
            request.answer(Ok(report));
            return self.args.desk.park(request, missing);
        }
        if request.retry {
            self.keep_out(&request, &refusal.to_string());
        }
        let error = refusal.sink().cloned().map(LoadError::Sink);
        request.answer(Err(error.unwrap_or(LoadError::Refused(refusal))));
    }

    fn keep_out(&self, request: &LoadRequest, reason: &str) {
        for (package, version) in &request.packages {
            self.args.desk.keep_out(package.name(), version, reason);
        }
    }

    /// Carry a load on from wherever it is.
    pub(super) async fn carry(&self, transaction: &Arc<Transaction>) -> Result<(), Halt> {
        if transaction.phase() == Phase::Preparing {
            self.prepare(transaction).await?;
        }
        match transaction.phase() {
            Phase::Preparing | Phase::Undoing => self.undo(transaction).await,
            Phase::Committed => self.establish(transaction).await,
        }
    }

    /// Prepare every step, dormant, and commit. A failure is noted; the way is back then.
    async fn prepare(&self, transaction: &Arc<Transaction>) -> Result<(), Halt> {
        let mut at = transaction.plan.packages.first().map(|(name, _)| name.clone());
        match self.prepare_all(transaction, &mut at).await {
            Err(Halt::Failed(reason)) => {
                transaction.fail(&at.unwrap_or_else(|| "-".into()), reason);
                Ok(())
            }
            other => other,
        }
    }

    async fn prepare_all(
        &self,
        transaction: &Arc<Transaction>,
        at: &mut Option<PackageName>,
    ) -> Result<(), Halt> {
        for members in &transaction.members {
            *at = Some(members.name().clone());
            self.pass(|| format!("start package {}", members.name()))?;
            self.start_package(members).await?;
        }
        transaction.passed(Passage::Begun);
        for (number, step) in transaction.plan.steps.iter().enumerate() {
            *at = Some(step.package.clone());
            self.pass(|| format!("prepare {step}"))?;
            transaction.progress().begun = number + 1;
            self.prepare_step(transaction, step).await?;
            self.args.desk.say(transaction, step, StepPhase::Prepared, None);
        }
        self.attach_dormant(transaction)?;
        transaction.passed(Passage::Prepared);
        self.commit(transaction).await?;
        self.args.desk.say_all(transaction.id, &transaction.plan, StepPhase::Committed, None);
        Ok(())
    }

    /// Run the author's hook, on a thread where it may take its time.
    pub(super) async fn run_hook(&self, package: Arc<Package>) -> Result<(), Halt> {
        let _running = self.args.env.hooks.begin();
        let started = self.args.env.spawn_blocking(move || package.start()).await;
        let started = started.unwrap_or_else(|_| Err(Failure::error("the runtime is going down")));
        started.map_err(|failure| Halt::Failed(format!("its start failed: {failure}")))
    }

    /// Run the author's hook, and start the package's actor.
    async fn start_package(&self, members: &Arc<Members>) -> Result<(), Halt> {
        self.run_hook(members.package()).await?;
        let args = Box::new(PackageArgs {
            members: Arc::clone(members),
            directory: Arc::clone(&self.args.directory),
            env: Arc::clone(&self.args.env),
        });
        match self.ask_root(|reply| RootMsg::Start { args, reply }).await {
            Some(Ok(_)) => Ok(()),
            Some(Err(reason)) => Err(Halt::Failed(reason)),
            None => Err(Halt::Failed("the root did not answer".to_owned())),
        }
    }

    /// Drop what was prepared, in reverse: what is left is what there was before.
    async fn undo(&self, transaction: &Arc<Transaction>) -> Result<(), Halt> {
        let begun = transaction.progress().begun;
        for step in transaction.plan.steps[..begun].iter().rev() {
            self.pass(|| format!("undo {step}")).or_else(survive_failure)?;
            self.drop_step(transaction, step).await;
            self.args.desk.say(transaction, step, StepPhase::Dropped, None);
        }
        for members in transaction.members.iter().rev() {
            let (package, deadline) = (members.name().clone(), STOP_DEADLINE);
            let stopped = self.ask_root(|reply| RootMsg::Drop { package, deadline, reply }).await;
            transaction.progress().left.extend(killed(&stopped.unwrap_or_default()));
        }
        self.pass(|| "undone".to_owned()).or_else(survive_failure)?;
        let (failure, left) = {
            let mut progress = transaction.progress();
            (progress.failure.take(), std::mem::take(&mut progress.left))
        };
        let (package, reason) = failure.unwrap_or_else(|| ("-".into(), "it was not begun".to_owned()));
        let detail = Some(reason.as_str());
        self.args.desk.say_all(transaction.id, &transaction.plan, StepPhase::Refused, detail);
        let Task::Load(request) = &transaction.task else { return Ok(self.args.desk.end()) };
        let request = std::mem::replace(&mut *lock(request), LoadRequest::nothing());
        self.args.desk.end();
        self.failed(request, package, reason, left);
        Ok(())
    }

    /// It failed and was undone: again, later, or never.
    pub(super) fn failed(
        &self,
        mut request: LoadRequest,
        package: PackageName,
        reason: String,
        left: Vec<String>,
    ) {
        request.failures += 1;
        if request.retry && request.failures < FAILURES {
            let report = request.report(&LoadOutcome::Retrying { reason: reason.clone() });
            request.answer(Ok(report));
            let mut backoff = Backoff::new(self.args.env.settings.seed);
            let delay = (0..request.failures).map(|_| backoff.next_delay()).last().unwrap_or_default();
            self.args.desk.retry_later(request, reason);
            self.myself.send_after(delay, move || ReconcilerMsg::RetryDue { package });
            return;
        }
        if request.retry {
            self.keep_out(&request, &reason);
        }
        request.answer(Err(LoadError::Child { package, reason, left }));
    }

    /// It is committed: publish and activate, however often that was begun. What consumes comes before
    /// what produces, so the kinds of steps go backwards.
    async fn establish(&self, transaction: &Arc<Transaction>) -> Result<(), Halt> {
        self.pass(|| "publish".to_owned()).or_else(survive_failure)?;
        for members in &transaction.members {
            members.set_active(true);
        }
        self.args.directory.publish(&transaction.members);
        transaction.passed(Passage::Swapped);
        let mut steps: Vec<_> = transaction.plan.steps.iter().collect();
        steps.sort_by_key(|step| Reverse(step.record.precedence()));
        for step in steps {
            self.pass(|| format!("activate {step}")).or_else(survive_failure)?;
            self.activate_step(transaction, step).await;
            self.args.desk.say(transaction, step, StepPhase::Activated, None);
        }
        let Task::Load(request) = &transaction.task else { return Ok(self.args.desk.end()) };
        self.attach_rest(request).await;
        self.pass(|| "end".to_owned()).or_else(survive_failure)?;
        let mut request = std::mem::replace(&mut *lock(request), LoadRequest::nothing());
        let report = report(&request, &transaction.plan);
        self.args.desk.end();
        request.answer(Ok(report));
        self.args.desk.unpark();
        Ok(())
    }
}

/// On the way back, and after the commit, no step can fail any more: only the actor can end.
pub(super) fn survive_failure(halt: Halt) -> Result<(), Halt> {
    match halt {
        Halt::Killed(_) => Err(halt),
        Halt::Failed(_) => Ok(()),
    }
}

fn report(request: &LoadRequest, plan: &Plan) -> LoadReport {
    let mut report = request.report(&LoadOutcome::Loaded);
    for (name, (_, outcome)) in &mut report.packages {
        if plan.unchanged.contains(name) {
            *outcome = LoadOutcome::Unchanged;
        }
    }
    report
}

impl LoadRequest {
    pub(super) fn nothing() -> Self {
        Self::of(Vec::new())
    }
}
