//! Loading a version, and sending new work there.

use super::commit::{Commit, Deploy};
use super::error::DeployError;
use super::point::DeployPoint;
use super::reader::{Taken, Unreadable};
use super::register::Register;
use super::request::{Reply, tell};
use super::write::wall;
use crate::reconciler::request::{LoadRequest, Request as Asked};
use crate::reconciler::{LoadError, LoadReport, Supplied, interrupted_load};
use acequia_core::catalog::{Answer, Author, Command, Decision, Load, Operation, Origin, Refusal};
use acequia_core::id::PackageName;
use acequia_core::package::{Package, Version};
use std::sync::Arc;

/// The name in the audit entry of what has none.
const NAMELESS: &str = "(unreadable)";

impl Register {
    pub(super) async fn load(self: &Arc<Self>, taken: Taken, origin: Origin, by: Author, reply: Reply) {
        let (package, version) = (taken.package.clone(), taken.version.clone());
        let load =
            Load { package, version, label: taken.label.clone(), manifest: taken.manifest.clone(), origin };
        let command = Command::new(by, wall(), Operation::Load(load));
        let loaded = self.carry_load(&command, taken).await;
        self.answer(&command, reply, loaded).await;
    }

    async fn carry_load(self: &Arc<Self>, command: &Command, taken: Taken) -> Result<Answer, DeployError> {
        let (package, version) = (taken.package.clone(), taken.version.clone());
        self.demand_free(&package)?;
        let decision = self.decide(command)?;
        let is_new = matches!(decision.answer, Answer::Loaded { freshly_loaded: true, .. });
        // One that is resident is compared, and put right if its file was damaged.
        self.stage(&taken).await?;
        let make = Arc::clone(&taken.make);
        self.settle_in(&package, &version, Arc::clone(&make));
        let done = match self.env.spawn_blocking(move || make()).await {
            Ok(declared) => self.commit_load(declared, &version, decision, Deploy::Load).await,
            Err(error) => Err(failed(&package, &version, error.to_string())),
        };
        if done.is_err()
            && is_new
            && self.snapshot().package(&package).is_none_or(|p| p.get(&version).is_none())
        {
            self.let_go(&package, &version);
            self.remove_archive(&package, &version).await;
        }
        done
    }

    /// Have the reconciler bring a version up, or take over; the record is its commit.
    pub(super) async fn commit_load(
        self: &Arc<Self>,
        declared: Package,
        version: &Version,
        decision: Decision,
        deploy: Deploy,
    ) -> Result<Answer, DeployError> {
        let package = declared.name().clone();
        let from = self.snapshot().routed(&package).cloned();
        let commit = Commit::new(self, deploy, decision.record.clone());
        // One that waited, or was tried again, is not wanted any more.
        self.desk.cancel(&package);
        let (reply, answered) = tokio::sync::oneshot::channel();
        let wanted = LoadRequest::of(vec![(Arc::new(declared), version.clone())]).catalogued();
        let request = LoadRequest { commit: Some(Arc::clone(&commit)), reply: Some(reply), ..wanted };
        self.desk.ask(Asked::Load(request));
        let interrupted = || interrupted_load(&self.desk, self.env.is_stopping());
        let result: Result<LoadReport, LoadError> = answered.await.unwrap_or_else(|_| Err(interrupted()));
        match result {
            Ok(_) => Ok(decision.answer.clone()),
            Err(error) => Err(told(error, &commit, &package, version, from)),
        }
    }

    /// What the program itself supplies is not the catalog's to change.
    pub(super) fn demand_free(&self, package: &PackageName) -> Result<(), Refusal> {
        let members = self.desk.members(package);
        match members.filter(|members| members.supplied() == Supplied::Program) {
            Some(_) => Err(Refusal::Invalid {
                package: package.clone(),
                reason: "the program itself has loaded a package of that name; unload that one, or give this one another name".to_owned(),
            }),
            None => Ok(()),
        }
    }

    async fn stage(self: &Arc<Self>, taken: &Taken) -> Result<(), Refusal> {
        let Some(archives) = self.archives.clone() else { return Ok(()) };
        let key = (taken.package.clone(), taken.version.clone());
        let (archive, points) = (taken.archive.clone(), self.points.clone());
        let staged = self.env.spawn_blocking(move || archives.stage(&key, &archive, &points)).await;
        let staged = staged.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        staged.map_err(|error| Refusal::Store { reason: format!("its archive cannot be kept: {error}") })
    }

    /// Answer, and leave an audit entry of a refusal.
    pub(super) async fn answer(
        self: &Arc<Self>,
        command: &Command,
        reply: Reply,
        result: Result<Answer, DeployError>,
    ) {
        match &result {
            Ok(answer) => {
                let (package, by) = (command.operation.package(), &command.by);
                tracing::info!(%package, %by, what = %command.operation, ?answer, "deployed");
            }
            // The unload itself has its entry.
            Err(DeployError::Refused(Refusal::ReleaseIncomplete { .. })) => {}
            Err(error) => self.note_refusal(command, error).await,
        }
        tell(reply, result);
    }

    pub(super) async fn refuse_unreadable(
        self: &Arc<Self>,
        unreadable: Unreadable,
        by: Author,
        reply: Reply,
    ) {
        let package = unreadable.package.unwrap_or_else(|| NAMELESS.into());
        let load = Load::new(package.clone(), NAMELESS);
        let command = Command::new(by, wall(), Operation::Load(load));
        let refusal = Refusal::Invalid { package, reason: unreadable.reason };
        self.answer(&command, reply, Err(refusal.into())).await;
    }

    /// Somebody asks for a load.
    pub(super) fn intend(&self) {
        self.points.reach(DeployPoint::LoadIntent);
    }
}

fn failed(package: &PackageName, version: &Version, reason: String) -> DeployError {
    DeployError::Failed { package: package.clone(), version: version.clone(), reason, left: Vec::new() }
}

/// What the reconciler said, in the catalog's words.
fn told(
    error: LoadError,
    commit: &Commit,
    package: &PackageName,
    version: &Version,
    from: Option<Version>,
) -> DeployError {
    let (package, version) = (package.clone(), version.clone());
    if let Some(reason) = commit.failure() {
        return Refusal::Store { reason }.into();
    }
    if let (Some(reason), Some(from)) = (commit.incompatible(), from) {
        return Refusal::StateIncompatible { package, from, to: version, reason }.into();
    }
    match error {
        LoadError::Refused(refusal) => Refusal::Conflict(refusal).into(),
        LoadError::Stopping => Refusal::ShuttingDown.into(),
        LoadError::Interrupted { reason } => DeployError::Interrupted { reason },
        LoadError::Child { reason, left, .. } => DeployError::Failed { package, version, reason, left },
        other => failed(&package, &version, other.to_string()),
    }
}
