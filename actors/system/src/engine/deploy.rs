//! Loading and unloading packages, live: asked of the reconciler, answered when it is done.

use super::Engine;
use crate::reconciler::request::{LoadRequest, Request, Sinks};
use crate::reconciler::{
    Load, LoadError, LoadReport, PackageState, PackageStatus, StepCounters, StepEvents, Supplied, Unload,
    UnloadError, UnloadReport, interrupted_load, interrupted_unload,
};
use crate::sink::{Sink, SinkError};
use acequia_core::id::{GraphName, PackageName, TerminalName};
use acequia_core::package::Package;
use acequia_core::reconcile::{
    Actual, Desired, Plan, Refusal, Step, UnloadRefusal, dependants, plan_load, plan_unload,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A package, or an engine, that could not be started.
pub type StartError = LoadError;

/// A sink that could not be attached.
pub type AttachError = SinkError;

impl Engine {
    /// Load packages, live: everything is checked first, then all of it comes up or none.
    ///
    /// # Errors
    /// [`LoadError`], naming everything that is wrong; then nothing of it is left.
    pub async fn load(&self, load: impl Into<Load>) -> Result<LoadReport, LoadError> {
        let Load { packages, sinks, wait, retry } = load.into();
        let marker = self.inner.env.marker();
        let packages = packages.into_iter().map(|package| {
            let version = package.version_in(marker);
            (Arc::new(package), version)
        });
        self.load_now(LoadRequest { sinks, wait, retry, ..LoadRequest::of(packages.collect()) }).await
    }

    /// Have the reconciler carry a load out.
    pub(super) async fn load_now(&self, request: LoadRequest) -> Result<LoadReport, LoadError> {
        let (reply, answered) = tokio::sync::oneshot::channel();
        self.inner.desk.ask(Request::Load(LoadRequest { reply: Some(reply), ..request }));
        let interrupted = || interrupted_load(&self.inner.desk, self.inner.env.is_stopping());
        answered.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Bring one more package up, live, with sinks for its graphs.
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub async fn deploy(&self, package: Package, sinks: Sinks) -> Result<(), StartError> {
        let load = Load { packages: vec![package], sinks, wait: false, retry: false };
        self.load(load).await.map(drop)
    }

    /// Unload a package, live: refused, with every holder, while others hold something of it. A package
    /// that waits to be loaded is not wanted any more.
    ///
    /// # Errors
    /// [`UnloadError`]; then nothing has changed.
    pub async fn unload(&self, package: impl Into<PackageName>) -> Result<UnloadReport, UnloadError> {
        self.unload_with(package, Unload::default()).await
    }

    /// The same, with a time for what was accepted.
    ///
    /// # Errors
    /// As [`Engine::unload`].
    pub async fn unload_with(
        &self,
        package: impl Into<PackageName>,
        how: Unload,
    ) -> Result<UnloadReport, UnloadError> {
        let (reply, answered) = tokio::sync::oneshot::channel();
        let (packages, supplied) = (vec![package.into()], Supplied::Program);
        self.inner.desk.ask(Request::Unload { packages, how, supplied, commit: None, reply });
        let interrupted = || interrupted_unload(&self.inner.desk, self.inner.env.is_stopping());
        answered.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Unload a package and all that depends on it, as one.
    ///
    /// # Errors
    /// As [`Engine::unload`].
    pub async fn unload_cascade(&self, package: impl Into<PackageName>) -> Result<UnloadReport, UnloadError> {
        self.unload_with(package, Unload { cascade: true, ..Unload::default() }).await
    }

    /// The order in which dependants would have to go so that `package` can, and the steps of doing it as
    /// one; nothing is done.
    ///
    /// # Errors
    /// [`UnloadRefusal`], if it is not loaded, or something other than a package holds it.
    pub fn unload_plan(
        &self,
        package: impl Into<PackageName>,
    ) -> Result<(Vec<PackageName>, Vec<Step>), UnloadRefusal> {
        let actual = self.inner.desk.actual();
        let order = dependants(&actual, &package.into())?;
        let plan = plan_unload(&actual, &order)?;
        Ok((order, plan.steps))
    }

    /// What loading these packages, as one, would come to; nothing is done.
    ///
    /// # Errors
    /// [`Refusal`], with everything that is wrong.
    pub fn check(&self, packages: &[Package]) -> Result<Plan, Refusal> {
        let marker = self.inner.env.marker();
        let packages = packages.iter().map(|package| (package, package.version_in(marker)));
        let desired = Desired { packages: packages.collect(), sinks: Vec::new() };
        let mut actual = self.inner.desk.actual();
        actual.lacks_journal = self.inner.env.journal().is_none();
        plan_load(&actual, &desired)
    }

    /// All packages: loaded, waiting, and kept out; by name.
    pub fn packages(&self) -> Vec<PackageStatus> {
        let actual = self.inner.desk.actual();
        let mut owned = owned(&actual);
        let loaded = actual.packages.iter().map(|(name, loaded)| PackageStatus {
            name: name.clone(),
            version: loaded.version.clone(),
            state: PackageState::Loaded,
            owns: owned.remove(name).unwrap_or_default(),
        });
        let mut all: Vec<_> = loaded.collect();
        let mut add = |name, version, state| {
            all.push(PackageStatus { name, version, state, owns: Vec::new() });
        };
        for (name, version, state) in self.inner.desk.waiting() {
            add(name, version, state);
        }
        for (version, quarantine) in actual.quarantined.iter() {
            let state = PackageState::Quarantined { reason: quarantine.reason.clone() };
            add(quarantine.package.clone(), version.clone(), state);
        }
        all.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        all
    }

    /// Let the quarantined versions of a package in again; true if one was kept out.
    pub fn clear_quarantine(&self, package: impl Into<PackageName>) -> bool {
        self.inner.desk.clear_quarantine(&package.into())
    }

    /// Follow what the reconciler does, step by step, from now on.
    pub fn step_events(&self) -> StepEvents {
        self.inner.desk.events.subscribe()
    }

    /// How many steps there have been of each phase.
    pub fn step_counters(&self) -> &StepCounters {
        self.inner.desk.events.counters()
    }

    /// Attach a sink to a terminal of a running graph.
    ///
    /// # Errors
    /// [`AttachError`], naming what does not fit.
    pub async fn attach(
        &self,
        graph: impl Into<GraphName>,
        terminal: impl Into<TerminalName>,
        sink: Sink,
    ) -> Result<(), AttachError> {
        let (graph, terminal) = (graph.into(), terminal.into());
        let (reply, answered) = tokio::sync::oneshot::channel();
        self.inner.desk.ask(Request::Attach { graph, terminal, sink, reply });
        answered.await.unwrap_or(Err(SinkError::Stopping))
    }
}

/// What each package owns, in precedence order.
fn owned(actual: &Actual) -> BTreeMap<PackageName, Vec<String>> {
    let mut free = actual.clone();
    free.pins.clear();
    let all: Vec<PackageName> = free.packages.keys().cloned().collect();
    // Nobody is left to hold anything if all go.
    let steps = plan_unload(&free, &all).map(|plan| plan.steps).unwrap_or_default();
    let mut owned = BTreeMap::<_, Vec<_>>::new();
    for step in steps.into_iter().rev() {
        owned.entry(step.package).or_default().push(step.record.to_string());
    }
    owned
}
