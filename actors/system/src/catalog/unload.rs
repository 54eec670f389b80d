//! Unloading a version, or a package with its route.

use super::commit::Commit;
use super::error::DeployError;
use super::point::DeployPoint;
use super::register::Register;
use super::request::Reply;
use super::write::wall;
use crate::reconciler::request::{Request as Asked, UnloadError};
use crate::reconciler::{Supplied, Unload, interrupted_unload};
use acequia_core::catalog::{Answer, Author, Command, Decision, Held, Operation, Refusal, Selector};
use acequia_core::id::{PackageName, ReactorName};
use acequia_core::package::Version;
use acequia_core::reactor::ReactorDecl;
use acequia_core::reconcile::{UnloadRefusal, plan_unload};
use std::sync::Arc;
use std::time::Duration;

/// Who unloads what has drained, and releases what was left.
pub(super) const ENGINE: &str = "engine";

impl Register {
    pub(super) async fn unload(
        self: &Arc<Self>,
        package: PackageName,
        version: Option<Selector>,
        drain: Duration,
        by: Author,
        reply: Reply,
    ) {
        let command = Command::new(by, wall(), Operation::Unload { package, version });
        let unloaded = self.carry_unload(&command, drain).await;
        self.answer(&command, reply, unloaded).await;
    }

    /// Unload what drained, if nothing else stands in the way; else it goes on draining, and is looked at again.
    pub(super) async fn finish_drain(self: &Arc<Self>, package: PackageName) {
        let operation = Operation::FinishDrain { package: package.clone() };
        let command = Command::new(ENGINE, wall(), operation);
        match self.carry_unload(&command, Unload::default().drain).await {
            Ok(answer) => tracing::info!(%package, ?answer, "unloaded, as it has drained"),
            Err(error) => {
                tracing::debug!(%package, %error, "it has drained, and does not go yet");
                self.lock().postponed.insert(package);
            }
        }
    }

    async fn carry_unload(
        self: &Arc<Self>,
        command: &Command,
        drain: Duration,
    ) -> Result<Answer, DeployError> {
        let package = command.operation.package();
        let decision = match self.decide_alone(command).await {
            Err(Refusal::Held { held, .. }) => return Err(self.all_holders(command, held)),
            other => other?,
        };
        let Answer::Unloaded { versions } = decision.answer.clone() else {
            unreachable!("an unload is answered as one")
        };
        let is_routed = self.snapshot().routed(package).is_some_and(|routed| versions.contains(routed));
        if !is_routed || !self.take_down(package, &decision, drain).await? {
            // It is not up: it only stands ready, or it waits, or it was kept out.
            self.points.reach(DeployPoint::UnloadGate);
            self.points.reach(DeployPoint::UnloadLinkCheck);
            self.write(decision.record.clone()).await?;
            self.points.reach(DeployPoint::UnloadCommit);
        }
        let answer = decision.answer.clone();
        drop(decision);
        self.release(package, &versions).await?;
        Ok(answer)
    }

    /// Decide once no change of pins is under way for what would leave: its doors are shut meanwhile, so no
    /// other begins.
    async fn decide_alone(self: &Arc<Self>, command: &Command) -> Result<Decision, Refusal> {
        let mut shut = Vec::new();
        loop {
            let settled = self.settled.notified();
            let decision = self.decide(command)?;
            let Answer::Unloaded { versions } = &decision.answer else { return Ok(decision) };
            let package = command.operation.package();
            if !self.is_under_way(package, versions) {
                return Ok(decision);
            }
            shut.push(decision);
            settled.await;
        }
    }

    fn is_under_way(&self, package: &PackageName, versions: &[Version]) -> bool {
        let inner = self.lock();
        versions.iter().any(|version| inner.under_way.contains_key(&(package.clone(), version.clone())))
    }

    /// The reconciler has it, and it is the catalog's.
    fn is_up(&self, package: &PackageName) -> bool {
        self.desk.members(package).is_some_and(|members| members.supplied() == Supplied::Catalog)
    }

    /// Have the reconciler take it down; the record is its commit. False if there was nothing to take down.
    async fn take_down(
        self: &Arc<Self>,
        package: &PackageName,
        decision: &Decision,
        drain: Duration,
    ) -> Result<bool, DeployError> {
        let commit = Commit::ending(self, decision.record.clone(), self.durable_reactors(package));
        let (reply, answered) = tokio::sync::oneshot::channel();
        self.desk.ask(Asked::Unload {
            packages: vec![package.clone()],
            how: Unload::default().drain(drain),
            supplied: Supplied::Catalog,
            commit: Some(Arc::clone(&commit)),
            reply,
        });
        let interrupted = || interrupted_unload(&self.desk, self.env.is_stopping());
        match answered.await.unwrap_or_else(|_| Err(interrupted())) {
            Ok(_) => Ok(commit.is_begun()),
            Err(_) if commit.failure().is_some() => {
                Err(Refusal::Store { reason: commit.failure().unwrap_or_default() }.into())
            }
            Err(UnloadError::Refused(UnloadRefusal::NotLoaded { .. }) | UnloadError::Catalogued { .. }) => {
                Ok(false)
            }
            Err(UnloadError::Refused(links)) => Err(DeployError::Linked { links, pins: Vec::new() }),
            Err(UnloadError::Stopping) => Err(Refusal::ShuttingDown.into()),
            Err(error) => Err(DeployError::Interrupted { reason: error.to_string() }),
        }
    }

    fn durable_reactors(&self, package: &PackageName) -> Vec<ReactorName> {
        let cells = self.desk.members(package).map(|members| members.package().cells()).unwrap_or_default();
        let is_durable = |decl: &ReactorDecl| decl.accumulators.iter().any(|one| one.guarantee.is_durable());
        cells.into_iter().filter(is_durable).map(|decl| decl.name).collect()
    }

    /// Pins hold it; whoever depends on what it has is named as well.
    fn all_holders(&self, command: &Command, held: Vec<Held>) -> DeployError {
        let package = command.operation.package();
        let is_whole = matches!(command.operation, Operation::Unload { version: None, .. });
        let links = (is_whole && self.is_up(package))
            .then(|| plan_unload(&self.desk.actual(), std::slice::from_ref(package)).err())
            .flatten();
        match links {
            Some(links @ UnloadRefusal::Held { .. }) => DeployError::Linked { links, pins: held },
            _ => Refusal::Held { package: package.clone(), held }.into(),
        }
    }
}
