//! A package: declarations that come up together, and go together.

pub mod def;
pub mod requirement;
pub mod share;
pub mod trigger;
pub mod version;
pub mod workflow;

pub use def::{AccumulatorDef, GraphDef, ReactorDef, SourceKey};
pub use requirement::{Release, ReleaseRange, Requirement};
pub use share::Share;
pub use trigger::{CronDecl, PollDecl, ScheduleError};
pub use version::Version;
pub use workflow::{SubscriptionDecl, TaskDecl, WorkflowDecl};

use crate::fault::{Failure, guarded};
use crate::graph::GraphDecl;
use crate::id::{PackageName, ReactorName};
use crate::reactor::ReactorDecl;
use std::sync::Arc;

/// Declarations of one package. The same value comes from code in the same process and from a library.
///
/// ```
/// use acequia_core::accumulator::AccumulatorDecl;
/// use acequia_core::package::Package;
/// use acequia_core::reactor::{ReactorDecl, when_any};
///
/// let package = Package::new("pricing").reactor(ReactorDecl::new(
///     "PriceReactor",
///     vec![AccumulatorDecl::passthrough::<f64>("raw_prices")],
///     when_any(["raw_prices"]),
/// ));
/// assert_eq!(package.name().as_str(), "pricing");
/// ```
#[derive(Clone, Debug)]
pub struct Package {
    name: PackageName,
    version: Option<Version>,
    release: Option<Release>,
    manifest: Option<Arc<str>>,
    requirements: Vec<Requirement>,
    crons: Vec<CronDecl>,
    polls: Vec<PollDecl>,
    reactors: Vec<ReactorDecl>,
    graphs: Vec<GraphDecl>,
    workflows: Vec<WorkflowDecl>,
    start: Hook,
    stop: Hook,
}

/// What is called before the first part is made.
#[derive(Clone, Default)]
struct Hook(Option<Arc<dyn Fn() -> Result<(), Failure> + Send + Sync>>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "a hook" } else { "no hook" })
    }
}

impl Package {
    /// An empty package.
    pub fn new(name: impl Into<PackageName>) -> Self {
        Self {
            name: name.into(),
            version: None,
            release: None,
            manifest: None,
            requirements: Vec::new(),
            crons: Vec::new(),
            polls: Vec::new(),
            reactors: Vec::new(),
            graphs: Vec::new(),
            workflows: Vec::new(),
            start: Hook::default(),
            stop: Hook::default(),
        }
    }

    /// Say which version this is: the hash of a library's contents, or a label of your own. Two packages
    /// of one name and one version are taken for the same. Without it the version follows from the
    /// declarations and the executable ([`Version::derived`]).
    #[must_use]
    pub fn version(mut self, version: impl Into<Version>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Say of which release it is: others may require a range of releases.
    #[must_use]
    pub fn release(mut self, release: Release) -> Self {
        self.release = Some(release);
        self
    }

    /// Say by which digest its manifest is known: the same version under another one is refused.
    #[must_use]
    pub fn manifest(mut self, digest: impl Into<Arc<str>>) -> Self {
        self.manifest = Some(digest.into());
        self
    }

    /// Add a reactor with its accumulators.
    #[must_use]
    pub fn reactor(mut self, reactor: ReactorDecl) -> Self {
        self.reactors.push(reactor);
        self
    }

    /// Add the reactor that `#[reactor]` defined.
    #[must_use]
    pub fn with_reactor<R: ReactorDef>(self) -> Self {
        self.reactor(R::decl())
    }

    /// Add a graph, bound or trigger-less.
    #[must_use]
    pub fn graph(mut self, graph: GraphDecl) -> Self {
        self.graphs.push(graph);
        self
    }

    /// Add the graph that `#[computation_graph]` defined.
    #[must_use]
    pub fn with_graph<G: GraphDef>(self) -> Self {
        self.graph(G::decl())
    }

    /// The same with each reactor changed by `change`.
    #[must_use]
    pub fn map_reactors(mut self, change: impl Fn(ReactorDecl) -> ReactorDecl) -> Self {
        self.reactors = self.reactors.into_iter().map(change).collect();
        self
    }

    /// The same with each graph changed by `change`.
    #[must_use]
    pub fn map_graphs(mut self, change: impl Fn(GraphDecl) -> GraphDecl) -> Self {
        self.graphs = self.graphs.into_iter().map(change).collect();
        self
    }

    /// Have `hook` called before the first part is made, each time that the package is loaded. If it fails
    /// or panics, the load is refused.
    #[must_use]
    pub fn started_by(mut self, hook: impl Fn() -> Result<(), Failure> + Send + Sync + 'static) -> Self {
        self.start = Hook(Some(Arc::new(hook)));
        self
    }

    /// Call its hook, if it has one.
    ///
    /// # Errors
    /// What the hook said, or its panic.
    pub fn start(&self) -> Result<(), Failure> {
        self.start.0.as_ref().map_or(Ok(()), |hook| guarded(|| hook()))
    }

    /// Have `hook` called when nothing of the package is to be run any more, each time that it was unloaded.
    #[must_use]
    pub fn stopped_by(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.stop = Hook(Some(Arc::new(move || Ok(hook()))));
        self
    }

    /// Call that hook, if there is one. A panic of it ends here.
    pub fn stop(&self) {
        let _ = self.stop.0.as_ref().map(|hook| guarded(|| hook()));
    }

    /// Add a trigger that fires at times of the calendar.
    #[must_use]
    pub fn cron(mut self, cron: CronDecl) -> Self {
        self.crons.push(cron);
        self
    }

    /// Add a trigger that is asked each interval.
    #[must_use]
    pub fn poll(mut self, poll: PollDecl) -> Self {
        self.polls.push(poll);
        self
    }

    /// Add a workflow.
    #[must_use]
    pub fn workflow(mut self, workflow: WorkflowDecl) -> Self {
        self.workflows.push(workflow);
        self
    }

    /// Require that `reactor` is loaded. What its graphs are bound to is required anyway.
    #[must_use]
    pub fn requires(self, reactor: impl Into<ReactorName>) -> Self {
        self.requirement(Requirement::of(reactor))
    }

    /// Require that `reactor` is loaded, and that `package` owns it.
    #[must_use]
    pub fn requires_from(self, reactor: impl Into<ReactorName>, package: impl Into<PackageName>) -> Self {
        self.requirement(Requirement::of(reactor).from(package))
    }

    /// Require what `requirement` says.
    #[must_use]
    pub fn requirement(mut self, requirement: Requirement) -> Self {
        self.requirements.push(requirement);
        self
    }

    /// Its name.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// Its version, if it says one.
    pub fn stated_version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Its version: as stated, or derived with `marker`, which tells one build of the program from
    /// another.
    pub fn version_in(&self, marker: &str) -> Version {
        self.version.clone().unwrap_or_else(|| Version::derived(self, marker))
    }

    /// Its release, if it states one.
    pub fn stated_release(&self) -> Option<&Release> {
        self.release.as_ref()
    }

    /// The digest of its manifest, if it has one.
    pub fn manifest_digest(&self) -> Option<&Arc<str>> {
        self.manifest.as_ref()
    }

    /// Reactors that it says it needs.
    pub fn stated_requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Reactors that it needs and does not declare: as stated, then those its graphs are bound to.
    pub fn requirements(&self) -> Vec<Requirement> {
        let mut all = self.requirements.clone();
        for reactor in self.graphs.iter().filter_map(|graph| graph.reactor.as_ref()) {
            let own = self.reactors.iter().any(|decl| decl.name == *reactor);
            if !own && !all.iter().any(|known| known.reactor == *reactor) {
                all.push(Requirement::of(reactor.clone()));
            }
        }
        all
    }

    /// Its cron triggers, in declared order.
    pub fn crons(&self) -> &[CronDecl] {
        &self.crons
    }

    /// Its poll triggers, in declared order.
    pub fn polls(&self) -> &[PollDecl] {
        &self.polls
    }

    /// Its reactors, in declared order.
    pub fn reactors(&self) -> &[ReactorDecl] {
        &self.reactors
    }

    /// Its graphs, in declared order.
    pub fn graphs(&self) -> &[GraphDecl] {
        &self.graphs
    }

    /// Its workflows, in declared order.
    pub fn workflows(&self) -> &[WorkflowDecl] {
        &self.workflows
    }
}
