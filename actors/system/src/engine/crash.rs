//! Crashes on demand, for tests of supervision.

use super::Engine;
use crate::accumulator::AccumulatorMsg;
use crate::catalog::CatalogMsg;
use crate::graph::GraphMsg;
use crate::package::PackageMsg;
use crate::reactor::ReactorMsg;
use crate::reconciler::{FailAction, ReconcilerMsg};
use crate::root::RootMsg;
use crate::shard::ShardMsg;
use acequia_core::id::{AccumulatorName, GraphName, PackageName, ReactorName};
use ractor::rpc::CallResult;
use ractor::{ActorCell, ActorRef};

/// An actor of the supervision tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component<'a> {
    /// The root: nothing is above it.
    Root,
    /// A shard, by number.
    Shard(usize),
    /// The reconciler.
    Reconciler,
    /// The catalog.
    Catalog,
    /// A package, by name.
    Package(&'a str),
    /// A reactor, by name.
    Reactor(&'a str),
    /// An accumulator, by name.
    Accumulator(&'a str),
    /// The source of an accumulator, by the accumulator's name.
    Source(&'a str),
    /// A graph, by name.
    Graph(&'a str),
}

const REASON: &str = "crashed on demand";

impl Engine {
    /// Have the actor of `component` end as if by a fault, and wait until it has; false if it is not
    /// there. A source is not waited for.
    pub async fn crash(&self, component: Component<'_>) -> bool {
        let Some(actor) = self.actor(component).await else { return false };
        let reason = REASON.to_owned();
        let sent = match component {
            Component::Root => self.inner.root.cast(RootMsg::Fail { reason }).is_ok(),
            Component::Shard(_) => ActorRef::from(actor.clone()).cast(ShardMsg::Fail { reason }).is_ok(),
            Component::Reconciler => {
                ActorRef::from(actor.clone()).cast(ReconcilerMsg::Fail { reason }).is_ok()
            }
            Component::Catalog => ActorRef::from(actor.clone()).cast(CatalogMsg::Fail { reason }).is_ok(),
            Component::Package(_) => {
                // Its own escalation ends it this way.
                ActorRef::from(actor.clone()).cast(PackageMsg::Fail { reason }).is_ok()
            }
            Component::Reactor(_) => ActorRef::from(actor.clone()).cast(ReactorMsg::Fail { reason }).is_ok(),
            Component::Accumulator(_) => {
                ActorRef::from(actor.clone()).cast(AccumulatorMsg::Fail { reason }).is_ok()
            }
            Component::Source(_) => {
                return ActorRef::from(actor).cast(AccumulatorMsg::FailSource { reason }).is_ok();
            }
            Component::Graph(_) => ActorRef::from(actor.clone()).cast(GraphMsg::Fail { reason }).is_ok(),
        };
        let patience = self.inner.env.settings.call_deadline;
        sent && actor.wait(Some(patience)).await.is_ok()
    }

    /// Kills the reconciler's actor, wherever it waits, when it is called; none if it is not there.
    pub async fn reconciler_killer(&self) -> Option<impl FnOnce() + use<>> {
        let actor = self.actor(Component::Reconciler).await?;
        Some(move || actor.kill())
    }

    /// Do `action` when the reconciler passes its `at`th place between two steps from now on; with none,
    /// only remember the places.
    pub fn arm_failpoint(&self, at: Option<(usize, FailAction)>) {
        self.inner.desk.failpoints.arm(at);
    }

    /// The places that the reconciler has passed since then.
    pub fn passed_failpoints(&self) -> Vec<String> {
        self.inner.desk.failpoints.passed()
    }

    async fn actor(&self, component: Component<'_>) -> Option<ActorCell> {
        let directory = &self.inner.directory;
        let package_of = |cell: &ReactorName| directory.entry(cell).map(|entry| entry.package);
        match component {
            Component::Root => Some(self.inner.root.get_cell()),
            Component::Shard(number) => self.root_child(format!("shard {number}")).await,
            Component::Reconciler => self.root_child("reconciler".to_owned()).await,
            Component::Catalog => self.root_child("catalog".to_owned()).await,
            Component::Package(package) => self.root_child(format!("package {package}")).await,
            Component::Reactor(name) => {
                let package = package_of(&ReactorName::from(name))?;
                self.child(package, format!("reactor {name}")).await
            }
            Component::Accumulator(name) | Component::Source(name) => {
                let known = AccumulatorName::from(name);
                let reactor = directory.accumulators.get(&known).map(|entry| entry.cell.name().clone())?;
                self.child(package_of(&reactor)?, format!("accumulator {name}")).await
            }
            Component::Graph(name) => {
                let package = directory.graphs.get(&GraphName::from(name)).map(|e| e.package.clone())?;
                self.child(package, format!("graph {name}")).await
            }
        }
    }

    async fn root_child(&self, child: String) -> Option<ActorCell> {
        self.ask_root(|reply| RootMsg::Child { child, reply }).await.flatten()
    }

    async fn child(&self, package: PackageName, child: String) -> Option<ActorCell> {
        let package = self.root_child(format!("package {package}")).await?;
        let package = ActorRef::<PackageMsg>::from(package);
        let deadline = self.inner.env.settings.call_deadline;
        match package.call(|reply| PackageMsg::Child { child, reply }, Some(deadline)).await {
            Ok(CallResult::Success(actor)) => actor,
            Ok(_) | Err(_) => None,
        }
    }
}
