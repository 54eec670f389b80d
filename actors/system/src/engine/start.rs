//! Starting an engine: journal, catalog, tree, then packages; those that the program insists on, those that the
//! journal knows, those that may wait.

use super::builder::{EngineBuilder, JournalDisk, Placement};
use super::deploy::StartError;
use super::{Engine, Inner};
use crate::catalog::{ArchiveReader, Archives, LeftOut, OnDeployPoint, Reader, Register, RegisterArgs};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::env::Env;
use crate::journal::EngineJournal;
use crate::reconciler::request::{LoadRequest, Sinks};
use crate::reconciler::{Desk, Load, LoadOutcome};
use crate::root::{RootActor, RootArgs};
use crate::services::RuntimeServices;
use crate::shard::{Shard, ShardThread};
use crate::shelf::LazyShelf;
use crate::sink::Lender;
use crate::watchdog::Watchdog;
use acequia_core::Timestamp;
use acequia_core::id::{GraphName, TerminalName};
use acequia_core::package::{Package, Version};
use acequia_host::Trust;
use acequia_store::disk::{Disk, FolderDisk};
use acequia_store::journal::Settings as JournalSettings;
use ractor::Actor;
use std::sync::Arc;
use std::time::Duration;

/// A package with its version.
type Versioned = (Arc<Package>, Version);

impl EngineBuilder {
    /// Start it on the current tokio runtime, with all packages up and running: those of this builder, and those
    /// that the journal knows to be loaded.
    ///
    /// # Errors
    /// [`StartError`], naming what is wrong; then nothing runs.
    pub async fn start(self) -> Result<Engine, StartError> {
        let opened = open_journal(self.journal).await?;
        let (journal, disk) = opened.unzip();
        let last = journal.as_ref().map_or(Timestamp::ZERO, |journal| journal.last());
        let clock = self.clock.unwrap_or_else(Clock::monotonic).going_on_from(last);
        let env = Env::new(clock, self.settings, journal);
        acequia_sdk::services::install(Arc::new(RuntimeServices::in_process(env.work().clone())));
        let directory = Arc::<Directory>::default();
        let desk = Arc::<Desk>::default();
        let shelf = Arc::new(LazyShelf::new(self.shelf, self.mapped_libraries, env.id));
        let reader = self.reader.unwrap_or_else(|| archive_reader(&env, &shelf, &self.trust));
        let register = register(&env, &desk, reader, disk, self.points)?;
        let args = RootArgs {
            env: Arc::clone(&env),
            directory: Arc::clone(&directory),
            desk: Arc::clone(&desk),
            register: Arc::clone(&register),
            shards: shards(self.placement),
        };
        let (root, _) = Actor::spawn(None, RootActor, args)
            .await
            .map_err(|error| StartError::Root { reason: error.to_string() })?;
        let _watchdog = Watchdog::start(&directory, &env, self.watchdog);
        let engine = Engine {
            inner: Arc::new(Inner {
                env,
                directory,
                desk,
                root,
                register,
                shelf,
                trust: self.trust,
                _watchdog,
            }),
        };
        if let Err(error) = engine.bring_up(self.packages, self.sinks).await {
            engine.shutdown(Duration::from_secs(1)).await;
            return Err(error);
        }
        for package in self.boots {
            let name = package.name().clone();
            if let Err(error) = engine.load(Load::new(package).wait().retry()).await {
                tracing::error!(package = %name, %error, "package does not boot");
            }
        }
        for (folder, policy) in self.files {
            engine.boot_files(&folder, policy).await;
        }
        Ok(engine)
    }
}

impl Engine {
    /// Bring up the program's packages and the catalog's as one, so that nothing is armed before all of them are
    /// there. If that fails, the program's come first, and the catalog's one by one.
    async fn bring_up(&self, packages: Vec<Package>, sinks: Sinks) -> Result<(), StartError> {
        let marker = self.inner.env.marker();
        let versioned = |package: Package| {
            let version = package.version_in(marker);
            (Arc::new(package), version)
        };
        let own: Vec<Versioned> = packages.into_iter().map(versioned).collect();
        let catalogued = self.inner.register.restore().await;
        if catalogued.is_empty() {
            return self.load_now(LoadRequest { sinks, ..LoadRequest::of(own) }).await.map(drop);
        }
        let names = catalogued.iter().map(|(package, _)| package.name().clone()).collect();
        let all = own.iter().chain(&catalogued).cloned().collect();
        let (lent, lenders) = lend(sinks);
        let request = LoadRequest { catalogued: names, sinks: lent, ..LoadRequest::of(all) };
        let Err(error) = self.load_now(request).await else { return Ok(()) };
        tracing::warn!(%error, "packages do not come up as one; they are brought up one by one");
        let (mut theirs, ours): (Sinks, Sinks) = take_back(lenders)
            .into_iter()
            .partition(|(graph, _, _)| catalogued.iter().any(|(package, _)| declares(package, graph)));
        self.load_now(LoadRequest { sinks: ours, ..LoadRequest::of(own) }).await?;
        for one in catalogued {
            let (sinks, rest) = theirs.into_iter().partition(|(graph, _, _)| declares(&one.0, graph));
            theirs = rest;
            self.bring_up_one(one, sinks).await;
        }
        Ok(())
    }

    /// One that waits for a reactor is parked; one that fails is tried again, then kept out.
    async fn bring_up_one(&self, one: Versioned, sinks: Sinks) {
        let (package, version) = (one.0.name().clone(), one.1.clone());
        let request =
            LoadRequest { sinks, wait: true, retry: true, ..LoadRequest::of(vec![one]).catalogued() };
        let reason = match self.load_now(request).await {
            Ok(report) => match report.outcome(package.as_str()) {
                Some(LoadOutcome::Parked { missing }) => format!("it waits for {missing:?}"),
                Some(LoadOutcome::Retrying { reason }) => format!("it is tried again: {reason}"),
                _ => return,
            },
            Err(error) => error.to_string(),
        };
        tracing::error!(%package, %version, reason, "a version does not boot");
        self.inner.register.leave_out(LeftOut { package, version, reason });
    }
}

fn declares(package: &Package, graph: &GraphName) -> bool {
    package.graphs().iter().any(|decl| decl.name == *graph)
}

/// Who lent which sink.
type Lenders = Vec<(GraphName, TerminalName, Lender)>;

/// The same sinks, which come back if what they are given to fails.
fn lend(sinks: Sinks) -> (Sinks, Lenders) {
    let each = sinks.into_iter().map(|(graph, terminal, sink)| {
        let (lent, lender) = sink.lend();
        ((graph.clone(), terminal.clone(), lent), (graph, terminal, lender))
    });
    each.unzip()
}

fn take_back(lenders: Lenders) -> Sinks {
    let mut sinks = Sinks::new();
    for (graph, terminal, lender) in lenders {
        match lender.back() {
            Some(sink) => sinks.push((graph, terminal, sink)),
            None => tracing::error!(%graph, %terminal, "a sink is held by what failed; attach another"),
        }
    }
    sinks
}

fn archive_reader(env: &Arc<Env>, shelf: &Arc<LazyShelf>, trust: &Trust) -> Arc<dyn Reader> {
    let services = Arc::new(RuntimeServices::of(env.work().clone()));
    Arc::new(ArchiveReader { shelf: Arc::clone(shelf), trust: trust.clone(), services })
}

fn register(
    env: &Arc<Env>,
    desk: &Arc<Desk>,
    reader: Arc<dyn Reader>,
    disk: Option<Arc<dyn Disk>>,
    points: OnDeployPoint,
) -> Result<Arc<Register>, StartError> {
    let made = Register::new(RegisterArgs {
        env: Arc::clone(env),
        desk: Arc::clone(desk),
        reader,
        archives: disk.map(Archives::new),
        points,
        recovered: env.journal().map(|journal| journal.take_catalog()).unwrap_or_default(),
    });
    let register = made.map_err(|error| StartError::Journal { reason: error.to_string() })?;
    if let Some(journal) = env.journal() {
        journal.serve(&register);
    }
    register.hear_of_quarantines();
    Ok(register)
}

fn shards(placement: Placement) -> Vec<(Arc<Shard>, ShardThread)> {
    match placement {
        Placement::Current => vec![(Shard::new(), ShardThread::Shared)],
        Placement::Shards { n, busy_poll } => {
            (0..n.max(1)).map(|number| (Shard::new(), ShardThread::Own { number, busy: busy_poll })).collect()
        }
    }
}

/// Open the journal, which reads all of it, on a thread that may block.
async fn open_journal(
    given: Option<(JournalDisk, JournalSettings)>,
) -> Result<Option<(Arc<EngineJournal>, Arc<dyn Disk>)>, StartError> {
    let Some((disk, settings)) = given else { return Ok(None) };
    let opening = tokio::task::spawn_blocking(move || {
        let disk = match disk {
            JournalDisk::Folder(folder) => {
                let made = FolderDisk::open(&folder);
                Arc::new(made.map_err(|error| format!("{}: {error}", folder.display()))?) as Arc<dyn Disk>
            }
            JournalDisk::Other(disk) => disk,
        };
        let journal = EngineJournal::open(Arc::clone(&disk), settings).map_err(|error| error.to_string())?;
        Ok((journal, disk))
    });
    match opening.await {
        Ok(Ok((journal, disk))) => {
            tracing::info!(recovery = ?journal.recovery(), "journal opened");
            Ok(Some((Arc::new(journal), disk)))
        }
        Ok(Err(reason)) => Err(StartError::Journal { reason }),
        Err(error) => Err(StartError::Journal { reason: error.to_string() }),
    }
}
