//! What is asked of the reconciler, and what it answers.

use crate::catalog::Commit;
use crate::children::Stopped;
use crate::sink::{Sink, SinkError};
use acequia_core::id::{GraphName, PackageName, ReactorName, TerminalName};
use acequia_core::package::{Package, Version};
use acequia_core::reconcile::{Refusal, UnloadRefusal};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

pub(crate) type Sinks = Vec<(GraphName, TerminalName, Sink)>;

/// Packages to load, as one: all of them come up, or none.
///
/// ```
/// use acequia::{Load, Package};
///
/// let load = Load::new(Package::new("pricing-subscriber")).wait();
/// # let _ = load;
/// ```
#[must_use = "nothing is loaded before `Engine::load`"]
pub struct Load {
    pub(crate) packages: Vec<Package>,
    pub(crate) sinks: Sinks,
    pub(crate) wait: bool,
    pub(crate) retry: bool,
}

impl Load {
    /// Load this package.
    pub fn new(package: Package) -> Self {
        Self::all([package])
    }

    /// Load these packages as one.
    pub fn all(packages: impl IntoIterator<Item = Package>) -> Self {
        Self { packages: packages.into_iter().collect(), sinks: Vec::new(), wait: false, retry: false }
    }

    /// Send the outputs of `terminal` of `graph` to `sink`, from the first event on.
    pub fn sink(
        mut self,
        graph: impl Into<GraphName>,
        terminal: impl Into<TerminalName>,
        sink: Sink,
    ) -> Self {
        self.sinks.push((graph.into(), terminal.into(), sink));
        self
    }

    /// If all that is missing are reactors of others, wait for them: the load is parked, listed, and
    /// carried out when they are loaded.
    pub fn wait(mut self) -> Self {
        self.wait = true;
        self
    }

    /// If a part fails to come up, try again after a while; a version that fails three times is
    /// quarantined, with its reason.
    pub fn retry(mut self) -> Self {
        self.retry = true;
        self
    }
}

impl From<Package> for Load {
    fn from(package: Package) -> Self {
        Self::new(package)
    }
}

/// What became of one package of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadOutcome {
    /// It is loaded now.
    Loaded,
    /// This very version was loaded already: nothing was registered.
    Unchanged,
    /// It goes on in this version, with the state of the one before.
    Upgraded {
        /// The version before.
        from: Version,
    },
    /// It waits for these reactors.
    Parked {
        /// The reactors.
        missing: Vec<ReactorName>,
    },
    /// It failed, and is tried again.
    Retrying {
        /// What failed.
        reason: String,
    },
}

/// What became of each package of a load.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadReport {
    /// By name.
    pub packages: BTreeMap<PackageName, (Version, LoadOutcome)>,
}

impl LoadReport {
    /// What became of one package.
    pub fn outcome(&self, package: &str) -> Option<&LoadOutcome> {
        self.packages.get(package).map(|(_, outcome)| outcome)
    }
}

/// A package, or an engine, that could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It was refused before anything was done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A sink does not fit.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A part did not come up.
    #[error("E0412: package {package} did not come up: {reason}; {}", what_is_left(left))]
    Child {
        /// The package.
        package: PackageName,
        /// What failed.
        reason: String,
        /// What could not be taken down again.
        left: Vec<String>,
    },
    /// The engine's own root did not come up.
    #[error("E0413: the engine did not come up: {reason}")]
    Root {
        /// What failed.
        reason: String,
    },
    /// The journal cannot be opened.
    #[error("E0416: the engine's journal cannot be opened: {reason}")]
    Journal {
        /// What it says.
        reason: String,
    },
    /// Somebody else has loaded it.
    #[error("E0670: package {package} was loaded by {by}; change it there, or unload it there first")]
    Catalogued {
        /// The package.
        package: PackageName,
        /// Who.
        by: Supplied,
    },
    /// The engine is stopping.
    #[error("E0414: the engine is stopping; deploy to a running one")]
    Stopping,
    /// The reconciler ended before it began.
    #[error(
        "E0415: the reconciler ended before it took this up, and nothing of it was done: {reason}; ask again"
    )]
    Interrupted {
        /// Why.
        reason: String,
    },
}

fn what_is_left(left: &[String]) -> String {
    if left.is_empty() {
        "nothing of it is left running".to_owned()
    } else {
        format!("these could not be taken down again: {}", left.join(", "))
    }
}

/// How a package is unloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unload {
    /// How long what was accepted may take to be worked off; what is open then is dropped(unbound).
    pub drain: Duration,
    /// Whether its dependants go with it.
    pub(crate) cascade: bool,
}

impl Default for Unload {
    /// Five seconds.
    fn default() -> Self {
        Self { drain: Duration::from_secs(5), cascade: false }
    }
}

impl Unload {
    /// Let what was accepted be worked off for at most `drain`.
    #[must_use]
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }
}

/// What an unload did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnloadReport {
    /// The packages that went, in that order.
    pub packages: Vec<PackageName>,
    /// What was torn down, in that order, as `reactor PriceReactor torn down`.
    pub steps: Vec<String>,
    /// Actors that had to be killed.
    pub killed: Vec<String>,
    /// Items that were given up, because they were not worked off in time.
    pub dropped: u64,
}

/// A package that was not unloaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnloadError {
    /// It is not loaded, or others hold it.
    #[error(transparent)]
    Refused(#[from] UnloadRefusal),
    /// Somebody else has loaded it.
    #[error("E0670: package {package} was loaded by {by}; change it there, or unload it there first")]
    Catalogued {
        /// The package.
        package: PackageName,
        /// Who.
        by: Supplied,
    },
    /// The engine is stopping.
    #[error("E0472: the engine is stopping, and takes everything down itself")]
    Stopping,
    /// The reconciler ended before it began.
    #[error(
        "E0473: the reconciler ended before it took this up, and nothing of it was done: {reason}; ask again"
    )]
    Interrupted {
        /// Why.
        reason: String,
    },
}

/// Who has loaded a package, and so may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supplied {
    /// The program, with [`Engine::load`](crate::Engine::load) or as it started the engine.
    Program,
    /// The catalog, with [`CatalogHandle::load`](crate::CatalogHandle::load).
    Catalog,
}

impl fmt::Display for Supplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Program => "the program itself",
            Self::Catalog => "the catalog",
        })
    }
}

/// One thing asked of the reconciler.
pub(crate) enum Request {
    Load(LoadRequest),
    Unload {
        packages: Vec<PackageName>,
        how: Unload,
        /// Who asks.
        supplied: Supplied,
        /// What is written before it counts.
        commit: Option<Arc<Commit>>,
        reply: oneshot::Sender<Result<UnloadReport, UnloadError>>,
    },
    Attach {
        graph: GraphName,
        terminal: TerminalName,
        sink: Sink,
        reply: oneshot::Sender<Result<(), SinkError>>,
    },
    Shutdown {
        deadline: Duration,
        reply: oneshot::Sender<Stop>,
    },
}

/// Packages to load, with their versions.
pub(crate) struct LoadRequest {
    pub(crate) packages: Vec<(Arc<Package>, Version)>,
    pub(crate) sinks: Sinks,
    pub(crate) wait: bool,
    pub(crate) retry: bool,
    /// How often it has failed.
    pub(crate) failures: u32,
    /// Those of the packages that are the catalog's; the others are the program's.
    pub(crate) catalogued: BTreeSet<PackageName>,
    /// What is written before it counts.
    pub(crate) commit: Option<Arc<Commit>>,
    pub(crate) reply: Option<oneshot::Sender<Result<LoadReport, LoadError>>>,
}

impl LoadRequest {
    /// Packages of the program, for nobody who waits.
    pub(crate) fn of(packages: Vec<(Arc<Package>, Version)>) -> Self {
        Self {
            packages,
            sinks: Vec::new(),
            wait: false,
            retry: false,
            failures: 0,
            catalogued: BTreeSet::new(),
            commit: None,
            reply: None,
        }
    }

    /// The same packages as the catalog's.
    pub(crate) fn catalogued(mut self) -> Self {
        self.catalogued = self.packages.iter().map(|(package, _)| package.name().clone()).collect();
        self
    }

    /// Whose a package is.
    pub(crate) fn supplied(&self, package: &PackageName) -> Supplied {
        if self.catalogued.contains(package) { Supplied::Catalog } else { Supplied::Program }
    }

    pub(crate) fn answer(&mut self, result: Result<LoadReport, LoadError>) {
        if let Some(reply) = self.reply.take() {
            // Whoever asked may be gone; what was done stays done.
            let _ = reply.send(result);
        }
    }

    pub(crate) fn report(&self, outcome: &LoadOutcome) -> LoadReport {
        let packages = self.packages.iter();
        let packages =
            packages.map(|(package, version)| (package.name().clone(), (version.clone(), outcome.clone())));
        LoadReport { packages: packages.collect() }
    }
}

/// What a shutdown did.
pub(crate) struct Stop {
    pub(crate) ledger: crate::engine::Ledger,
    pub(crate) unsettled: crate::engine::Unsettled,
    pub(crate) stopped: Vec<Stopped>,
}
