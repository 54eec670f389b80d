//! What an application holds of the catalog.

use super::error::DeployError;
use super::listing::{AuditError, VersionStatus};
use super::pin::PinTicket;
use super::reader::Source;
use super::register::Register;
use super::request::{Reply, Request};
use super::write::wall;
use crate::engine::Engine;
use crate::reconciler::Unload;
use acequia_core::catalog::{
    Answer, AuditEntry, Author, Command, Holder, HolderPage, Operation, Origin, PinChange, PinCounts,
    PinKind, Refusal, Selector, Snapshot, StartPin,
};
use acequia_core::id::PackageName;
use acequia_core::package::Version;
use acequia_store::Lsn;
use std::sync::Arc;
use std::time::Duration;

/// Versions, routes and pins of one engine. Cheap to clone.
///
/// ```no_run
/// # async fn rollback(engine: acequia::Engine) -> Result<(), Box<dyn std::error::Error>> {
/// let catalog = engine.catalog().by("alice");
/// let loaded = catalog.load("pricing-1.4.0.acequia").await?;
/// // It does not do what it should: new work goes to the one before again.
/// catalog.route("pricing", "1.3.0", Some(loaded.version)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CatalogHandle {
    pub(super) register: Arc<Register>,
    by: Author,
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The version.
    pub version: Version,
    /// Whether it was not loaded before.
    pub freshly_loaded: bool,
    /// Whether new work went elsewhere before.
    pub route_changed: bool,
}

/// What a route did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The version.
    pub version: Version,
    /// Where new work went before.
    pub from: Option<Version>,
    /// Whether that was another one.
    pub changed: bool,
}

impl Engine {
    /// Its catalog: load, route and unload versions of packages.
    pub fn catalog(&self) -> CatalogHandle {
        CatalogHandle { register: Arc::clone(&self.inner.register), by: "program".into() }
    }
}

impl CatalogHandle {
    /// The same, asking in the name of `by`: audit entries have it.
    #[must_use]
    pub fn by(mut self, by: impl Into<Author>) -> Self {
        self.by = by.into();
        self
    }

    /// Load a package, an archive or a folder, and send new work there. It is verified first, outside of every
    /// lock; a version of the package that serves already hands over to it. Loading a version that is loaded
    /// takes the route back.
    ///
    /// # Errors
    /// [`DeployError`]; nothing has changed.
    pub async fn load(&self, source: impl Into<Source>) -> Result<Loaded, DeployError> {
        self.load_as(source.into(), Origin::Deployed).await
    }

    pub(super) async fn load_as(&self, source: Source, origin: Origin) -> Result<Loaded, DeployError> {
        self.demand_open()?;
        self.register.intend();
        let (register, points) = (Arc::clone(&self.register), self.register.points.clone());
        let read = self
            .register
            .env
            .spawn_blocking(move || register.reader.read(source, &|point| points.reach(point)).map(Box::new));
        let Ok(taken) = read.await else { return Err(Refusal::ShuttingDown.into()) };
        let by = self.by.clone();
        match self.ask(|reply| Request::Load { taken, origin, by, reply }).await? {
            Answer::Loaded { version, freshly_loaded, route_changed } => {
                Ok(Loaded { version, freshly_loaded, route_changed })
            }
            other => unreachable!("a load is answered as one: {other:?}"),
        }
    }

    /// Every loaded version at one moment, those of the program itself included: they have no origin.
    pub fn versions(&self) -> Vec<VersionStatus> {
        self.register.versions()
    }

    /// The versions and routes of this moment, for those who start work: the clone of a pointer.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.register.snapshot()
    }

    /// Send new work of a package to a loaded version: its hash, a unique prefix, or a label that only one
    /// carries. With `expected`, only if that is where it goes now. State and subscribers go along.
    ///
    /// # Errors
    /// [`DeployError`]; nothing has changed.
    pub async fn route(
        &self,
        package: impl Into<PackageName>,
        version: impl Into<Selector>,
        expected: Option<Version>,
    ) -> Result<Routed, DeployError> {
        let (package, version, by) = (package.into(), version.into(), self.by.clone());
        match self.ask(|reply| Request::Route { package, version, expected, by, reply }).await? {
            Answer::Routed { version, from, changed } => Ok(Routed { version, from, changed }),
            other => unreachable!("a route is answered as one: {other:?}"),
        }
    }

    /// Unload a version that is not routed; or, if none is named, the package with its route. Returns the
    /// versions that went.
    ///
    /// # Errors
    /// [`DeployError`]; nothing has changed, but after [`Refusal::ReleaseIncomplete`].
    pub async fn unload(
        &self,
        package: impl Into<PackageName>,
        version: Option<Selector>,
    ) -> Result<Vec<Version>, DeployError> {
        self.unload_within(package, version, Unload::default().drain).await
    }

    /// The same, with a time for what was accepted.
    ///
    /// # Errors
    /// As [`CatalogHandle::unload`].
    pub async fn unload_within(
        &self,
        package: impl Into<PackageName>,
        version: Option<Selector>,
        drain: Duration,
    ) -> Result<Vec<Version>, DeployError> {
        let (package, by) = (package.into(), self.by.clone());
        match self.ask(|reply| Request::Unload { package, version, drain, by, reply }).await? {
            Answer::Unloaded { versions } => Ok(versions),
            other => unreachable!("an unload is answered as one: {other:?}"),
        }
    }

    /// Unload it once nobody holds it: from here on it takes nothing new. Survives a restart. Returns the
    /// versions that drain, and what holds them now.
    ///
    /// # Errors
    /// [`DeployError`]; nothing has changed.
    pub async fn unload_when_drained(
        &self,
        package: impl Into<PackageName>,
        version: Option<Selector>,
    ) -> Result<(Vec<Version>, PinCounts), DeployError> {
        let operation = Operation::UnloadWhenDrained { package: package.into(), version };
        match self.note(operation).await? {
            Answer::Draining { versions, held } => Ok((versions, held)),
            other => unreachable!("a drain is answered as one: {other:?}"),
        }
    }

    /// Do not unload it after all. Returns the versions that go on serving.
    ///
    /// # Errors
    /// [`DeployError`]; nothing has changed.
    pub async fn cancel_drain(
        &self,
        package: impl Into<PackageName>,
        version: Option<Selector>,
    ) -> Result<Vec<Version>, DeployError> {
        match self.note(Operation::CancelDrain { package: package.into(), version }).await? {
            Answer::Kept { versions } => Ok(versions),
            other => unreachable!("a cancel is answered as one: {other:?}"),
        }
    }

    /// Let what was kept out in again: one version, or all.
    ///
    /// # Errors
    /// [`DeployError`]; nothing has changed.
    pub async fn clear_quarantine(
        &self,
        package: impl Into<PackageName>,
        version: Option<Version>,
    ) -> Result<(), DeployError> {
        let package = package.into();
        self.note(Operation::ClearQuarantine { package: package.clone(), version }).await?;
        self.register.desk.clear_quarantine(&package);
        Ok(())
    }

    /// Begin a start at the routed version: resolved and pinned in one step. Keep the pin until the run's record
    /// has been folded, or the start has failed.
    ///
    /// # Errors
    /// [`Refusal`]: shutting down, nothing routed, draining or quarantined.
    pub fn start(
        &self,
        package: impl Into<PackageName>,
        holder: impl Into<Holder>,
    ) -> Result<(Version, StartPin), Refusal> {
        self.snapshot().start(&package.into(), holder)
    }

    /// Begin the start of a child at the version that holds its parent, even while that version drains.
    ///
    /// # Errors
    /// [`Refusal`]: shutting down, not loaded, quarantined, or draining and not held by `parent`.
    pub fn start_child(
        &self,
        package: impl Into<PackageName>,
        version: &Version,
        parent: &Holder,
        child: impl Into<Holder>,
    ) -> Result<StartPin, Refusal> {
        self.register.start_child(&package.into(), version, parent, child.into())
    }

    /// Change pins, as a record of its own; answered when that is synced.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed.
    pub async fn pin(&self, changes: Vec<PinChange>) -> Result<(), Refusal> {
        self.register.pin(changes).await
    }

    /// Change pins in the same batch as what they protect.
    ///
    /// # Errors
    /// [`Refusal`], if they may not change so.
    pub fn admit(&self, changes: Vec<PinChange>) -> Result<PinTicket, Refusal> {
        self.register.admit(changes)
    }

    /// Up to `limit` holders of one kind, those that come after `after`.
    pub fn holders(
        &self,
        package: impl Into<PackageName>,
        version: &Version,
        kind: PinKind,
        after: Option<&Holder>,
        limit: usize,
    ) -> HolderPage {
        self.register.holders(&package.into(), version, kind, after, limit)
    }

    /// Runs and other work whose version failed: they wait for it, and can be seen.
    pub fn stranded(&self) -> Vec<(PackageName, Version, PinKind, Holder)> {
        self.register.stranded()
    }

    /// Up to `limit` audit entries from `from` on, in their order, with where to go on. They lie in the journal,
    /// and go when it is trimmed; an engine without one keeps the last ten thousand.
    ///
    /// # Errors
    /// [`AuditError`] if the journal cannot be read.
    pub async fn audit(&self, from: Lsn, limit: usize) -> Result<(Vec<AuditEntry>, Lsn), AuditError> {
        self.register.audit(from, limit).await
    }

    async fn note(&self, operation: Operation) -> Result<Answer, DeployError> {
        let command = Command::new(self.by.clone(), wall(), operation);
        self.ask(|reply| Request::Note { command, reply }).await
    }

    async fn ask(&self, request: impl FnOnce(Reply) -> Request) -> Result<Answer, DeployError> {
        self.demand_open()?;
        let (reply, answered) = tokio::sync::oneshot::channel();
        self.register.ask(request(Some(reply)));
        answered.await.unwrap_or_else(|_| {
            self.demand_open()?;
            Err(DeployError::Interrupted { reason: self.register.closed() })
        })
    }

    fn demand_open(&self) -> Result<(), DeployError> {
        if self.register.env.is_stopping() { Err(Refusal::ShuttingDown.into()) } else { Ok(()) }
    }
}
