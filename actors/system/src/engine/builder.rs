//! Describing an engine before it starts.

use super::deploy::StartError;
use super::{Engine, Inner};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::env::{Env, Settings};
use crate::journal::EngineJournal;
use crate::reconciler::{Desk, Load};
use crate::root::{RootActor, RootArgs};
use crate::services::RuntimeServices;
use crate::shard::{Shard, ShardThread};
use crate::shelf::LazyShelf;
use crate::sink::Sink;
use crate::watchdog::{Stall, Watchdog, WatchdogSettings};
use acequia_core::Timestamp;
use acequia_core::id::{GraphName, TerminalName};
use acequia_host::Trust;
use acequia_sdk::Package;
use acequia_store::disk::{Disk, FolderDisk};
use acequia_store::journal::Settings as JournalSettings;
use ractor::Actor;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where cells run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Placement {
    /// On the caller's runtime, as one shard.
    #[default]
    Current,
    /// On `n` threads with a runtime each; reactors are spread over them.
    Shards {
        /// How many (at least 1).
        n: usize,
        /// Spin instead of sleeping: the lowest latency, a whole core each.
        busy_poll: bool,
    },
}

/// Describes an [`Engine`].
#[must_use = "nothing runs before `start`"]
pub struct EngineBuilder {
    packages: Vec<Package>,
    boots: Vec<Package>,
    sinks: Vec<(GraphName, TerminalName, Sink)>,
    placement: Placement,
    settings: Settings,
    clock: Option<Clock>,
    watchdog: WatchdogSettings,
    shelf: Option<PathBuf>,
    trust: Trust,
    journal: Option<(JournalDisk, JournalSettings)>,
}

/// Where the journal lies.
enum JournalDisk {
    Folder(PathBuf),
    Other(Arc<dyn Disk>),
}

impl EngineBuilder {
    pub(super) fn new() -> Self {
        Self {
            packages: Vec::new(),
            boots: Vec::new(),
            sinks: Vec::new(),
            placement: Placement::default(),
            settings: Settings::default(),
            clock: None,
            watchdog: WatchdogSettings::default(),
            shelf: None,
            trust: Trust::default(),
            journal: None,
        }
    }

    /// Bring this package up at start, together with the others: if one cannot, nothing runs. Their order
    /// does not matter.
    pub fn package(mut self, package: Package) -> Self {
        self.packages.push(package);
        self
    }

    /// Bring this package up at start, by itself and after the others. One that waits for a reactor is
    /// parked; one that fails is tried again, then quarantined; the engine starts all the same.
    pub fn boot(mut self, package: Package) -> Self {
        self.boots.push(package);
        self
    }

    /// Send the outputs of `terminal` of `graph` to `sink`. A terminal may have several.
    pub fn sink(
        mut self,
        graph: impl Into<GraphName>,
        terminal: impl Into<TerminalName>,
        sink: Sink,
    ) -> Self {
        self.sinks.push((graph.into(), terminal.into(), sink));
        self
    }

    /// Where cells run.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// A firing that takes longer moves its graph out of the cell (default ten milliseconds).
    pub fn slow_firing(mut self, limit: Duration) -> Self {
        self.settings.slow_firing = limit;
        self
    }

    /// How many dead letters are kept (default 10,000).
    pub fn dead_letter_capacity(mut self, letters: usize) -> Self {
        self.settings.dead_letters = letters;
        self
    }

    /// Seed of the jitter in restart delays.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Where time comes from (default the monotonic clock).
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Keep the libraries of packages in `folder`, which no other engine may use at the same time (default: a
    /// folder for temporary files, which goes with the engine).
    pub fn shelf(mut self, folder: impl Into<PathBuf>) -> Self {
        self.shelf = Some(folder.into());
        self
    }

    /// Whom [`Engine::open`] takes packages from (default: anybody, and what is signed must be whole).
    ///
    /// ```no_run
    /// # fn configured() -> Result<(), Box<dyn std::error::Error>> {
    /// use acequia::{Engine, Trust};
    ///
    /// let key = std::fs::read_to_string("release.key.pub")?.trim().parse()?;
    /// let builder = Engine::builder().trust(Trust::required().key(key));
    /// # let _ = builder;
    /// # Ok(())
    /// # }
    /// ```
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Keep a journal in `folder`, which no other engine may use at the same time: what durable accumulators
    /// accept, and what comes of it, is taken up again at the next start.
    pub fn journal(mut self, folder: impl Into<PathBuf>) -> Self {
        self.journal = Some((JournalDisk::Folder(folder.into()), JournalSettings::default()));
        self
    }

    /// The same on another disk, and with other settings.
    pub fn journal_on(mut self, disk: Arc<dyn Disk>, settings: JournalSettings) -> Self {
        self.journal = Some((JournalDisk::Other(disk), settings));
        self
    }

    /// User code that keeps its thread for longer than `limit` is reported by name: in the log, in
    /// [`crate::Counters::stalls`], and to `on_stall` (default ten seconds, log only). Nothing inside the
    /// process can stop such code; whether to restart the process is for `on_stall` to decide. It runs on
    /// the watchdog's own thread and must return.
    pub fn watchdog(mut self, limit: Duration, on_stall: impl Fn(&Stall) + Send + Sync + 'static) -> Self {
        self.watchdog = WatchdogSettings { limit, on_stall: Some(Arc::new(on_stall)) };
        self
    }

    /// Start it on the current tokio runtime, with all packages up and running.
    ///
    /// # Errors
    /// [`StartError`], naming what is wrong; then nothing runs.
    pub async fn start(self) -> Result<Engine, StartError> {
        let journal = open_journal(self.journal).await?;
        let last = journal.as_ref().map_or(Timestamp::ZERO, |journal| journal.last());
        let clock = self.clock.unwrap_or_else(Clock::monotonic).going_on_from(last);
        let env = Env::new(clock, self.settings, journal);
        acequia_sdk::services::install(Arc::new(RuntimeServices::in_process(env.work().clone())));
        let shards: Vec<(Arc<Shard>, ShardThread)> = match self.placement {
            Placement::Current => vec![(Shard::new(), ShardThread::Shared)],
            Placement::Shards { n, busy_poll } => (0..n.max(1))
                .map(|number| (Shard::new(), ShardThread::Own { number, busy: busy_poll }))
                .collect(),
        };
        let directory = Arc::<Directory>::default();
        let desk = Arc::<Desk>::default();
        let args = RootArgs {
            env: Arc::clone(&env),
            directory: Arc::clone(&directory),
            desk: Arc::clone(&desk),
            shards,
        };
        let (root, _) = Actor::spawn(None, RootActor, args)
            .await
            .map_err(|error| StartError::Root { reason: error.to_string() })?;
        let shelf = LazyShelf::new(self.shelf, env.id);
        let _watchdog = Watchdog::start(&directory, &env, self.watchdog);
        let engine = Engine {
            inner: Arc::new(Inner { env, directory, desk, root, shelf, trust: self.trust, _watchdog }),
        };
        let load = Load { packages: self.packages, sinks: self.sinks, wait: false, retry: false };
        if let Err(error) = engine.load(load).await {
            engine.shutdown(Duration::from_secs(1)).await;
            return Err(error);
        }
        for package in self.boots {
            let name = package.name().clone();
            if let Err(error) = engine.load(Load::new(package).wait().retry()).await {
                tracing::error!(package = %name, %error, "package does not boot");
            }
        }
        Ok(engine)
    }
}

/// Open the journal, which reads all of it, on a thread that may block.
async fn open_journal(
    given: Option<(JournalDisk, JournalSettings)>,
) -> Result<Option<Arc<EngineJournal>>, StartError> {
    let Some((disk, settings)) = given else { return Ok(None) };
    let opening = tokio::task::spawn_blocking(move || {
        let disk = match disk {
            JournalDisk::Folder(folder) => {
                let made = FolderDisk::open(&folder);
                Arc::new(made.map_err(|error| format!("{}: {error}", folder.display()))?) as Arc<dyn Disk>
            }
            JournalDisk::Other(disk) => disk,
        };
        EngineJournal::open(disk, settings).map_err(|error| error.to_string())
    });
    match opening.await {
        Ok(Ok(journal)) => {
            tracing::info!(recovery = ?journal.recovery(), "journal opened");
            Ok(Some(Arc::new(journal)))
        }
        Ok(Err(reason)) => Err(StartError::Journal { reason }),
        Err(error) => Err(StartError::Journal { reason: error.to_string() }),
    }
}
