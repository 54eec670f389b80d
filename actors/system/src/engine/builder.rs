//! Describing an engine before it starts.

use crate::catalog::{OnDeployPoint, Reader};
use crate::clock::Clock;
use crate::env::Settings;
use crate::sink::Sink;
use crate::watchdog::{Stall, WatchdogSettings};
use acequia_core::catalog::FilePolicy;
use acequia_core::id::{GraphName, TerminalName};
use acequia_host::Trust;
use acequia_sdk::Package;
use acequia_store::disk::Disk;
use acequia_store::journal::Settings as JournalSettings;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Libraries that a process maps, unless told otherwise: a third of a gigabyte of unused ones.
const MAPPED_LIBRARIES: usize = 1_024;

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

/// Describes an [`Engine`](crate::Engine).
#[must_use = "nothing runs before `start`"]
pub struct EngineBuilder {
    pub(super) packages: Vec<Package>,
    pub(super) boots: Vec<Package>,
    pub(super) sinks: Vec<(GraphName, TerminalName, Sink)>,
    pub(super) placement: Placement,
    pub(super) settings: Settings,
    pub(super) clock: Option<Clock>,
    pub(super) watchdog: WatchdogSettings,
    pub(super) shelf: Option<PathBuf>,
    pub(super) mapped_libraries: usize,
    pub(super) trust: Trust,
    pub(super) journal: Option<(JournalDisk, JournalSettings)>,
    pub(super) files: Vec<(PathBuf, FilePolicy)>,
    pub(super) points: OnDeployPoint,
    pub(super) reader: Option<Arc<dyn Reader>>,
}

/// Where the journal lies.
pub(super) enum JournalDisk {
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
            mapped_libraries: MAPPED_LIBRARIES,
            trust: Trust::default(),
            journal: None,
            files: Vec::new(),
            points: OnDeployPoint::default(),
            reader: None,
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

    /// How many libraries this process may have mapped before [`open`](crate::Engine::open) refuses a further one (default 1,024): what
    /// is unloaded stays mapped, at about a third of a megabyte each.
    pub fn mapped_libraries(mut self, n: usize) -> Self {
        self.mapped_libraries = n;
        self
    }

    /// Whom [`open`](crate::Engine::open) takes packages from (default: anybody, and what is signed must be whole).
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

    /// Load the packages in `folder` at the start, archives and folders, as far as `policy` wants them; what
    /// became of each is in [`CatalogHandle::boot_report`](crate::CatalogHandle::boot_report).
    pub fn packages_in(mut self, folder: impl Into<PathBuf>, policy: FilePolicy) -> Self {
        self.files.push((folder.into(), policy));
        self
    }

    /// Have `hook` called at each [`DeployPoint`](crate::DeployPoint): it may abort the process, and must not
    /// ask anything of the engine.
    #[cfg(feature = "testing")]
    pub fn on_deploy_point(mut self, hook: impl Fn(crate::DeployPoint) + Send + Sync + 'static) -> Self {
        self.points = OnDeployPoint::new(hook);
        self
    }

    /// Have the catalog read packages in another way, so that a test needs no native library.
    #[cfg(feature = "testing")]
    pub fn package_reader(mut self, reader: Arc<dyn Reader>) -> Self {
        self.reader = Some(reader);
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
}
