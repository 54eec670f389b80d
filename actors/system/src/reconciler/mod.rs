//! The reconciler: carries plans out, one transaction at a time.
//!
//! Owns nothing that may not be lost: requests, the open transaction and what is loaded lie on the
//! [`Desk`], prepared parts with their package. Supervised by the root, permanent. Waits for the root,
//! for packages and for reactors, each with a deadline; none of them ever waits for it. A crash before the
//! commit leaves everything as it was before, one after the commit as it was meant: its next incarnation
//! ends what it finds begun.

mod attach;
mod desk;
pub(crate) mod event;
mod failpoint;
mod graph;
mod load;
mod meanwhile;
mod reactor;
pub(crate) mod request;
mod shared;
mod shutdown;
pub(crate) mod status;
mod transaction;
mod trigger;
mod unload;
mod upgrade;
mod workflow;

pub(crate) use desk::{Desk, Kept, interrupted_load, interrupted_unload};
pub use event::{StepCounters, StepEvent, StepEvents, StepPhase};
#[cfg(feature = "testing")]
pub use failpoint::FailAction;
pub use request::{Load, LoadError, LoadOutcome, LoadReport, Supplied, Unload, UnloadError, UnloadReport};
pub use status::{PackageState, PackageStatus};

use crate::children::Stopped;
use crate::directory::Directory;
use crate::env::Env;
use crate::members::Member;
use crate::package::{PackageArgs, PackageMsg};
use crate::root::RootMsg;
use crate::shard::Shard;
use acequia_core::id::PackageName;
use acequia_core::package::Share;
use acequia_core::reconcile::{Record, Step};
use failpoint::Halt;
use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use request::Request;
use std::sync::Arc;
use std::time::Duration;
use transaction::Transaction;

pub(crate) struct ReconcilerActor;

#[derive(Clone)]
pub(crate) struct ReconcilerArgs {
    pub(crate) env: Arc<Env>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) root: ActorRef<RootMsg>,
    pub(crate) shards: Vec<Arc<Shard>>,
}

pub(crate) enum ReconcilerMsg {
    /// There is something on the desk.
    Wake,
    /// A load that failed is to be tried again.
    RetryDue { package: PackageName },
    /// End as if by a fault, for tests of supervision.
    #[cfg(feature = "testing")]
    Fail { reason: String },
}

/// What carries a plan out.
pub(crate) struct Reconciler {
    args: ReconcilerArgs,
    myself: ActorRef<ReconcilerMsg>,
}

impl Actor for ReconcilerActor {
    type Msg = ReconcilerMsg;
    type State = Reconciler;
    type Arguments = ReconcilerArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<ReconcilerMsg>,
        args: ReconcilerArgs,
    ) -> Result<Reconciler, ActorProcessingErr> {
        args.desk.attend(myself.clone());
        // The timers of an earlier incarnation ended with it.
        args.desk.retry_now(None);
        let _ = myself.cast(ReconcilerMsg::Wake);
        Ok(Reconciler { args, myself })
    }

    async fn handle(
        &self,
        _: ActorRef<ReconcilerMsg>,
        message: ReconcilerMsg,
        state: &mut Reconciler,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ReconcilerMsg::Wake => {}
            ReconcilerMsg::RetryDue { package } => state.args.desk.retry_now(Some(&package)),
            #[cfg(feature = "testing")]
            ReconcilerMsg::Fail { reason } => return Err(reason.into()),
        }
        match state.work().await {
            Ok(()) => Ok(()),
            Err(Halt::Killed(reason) | Halt::Failed(reason)) => Err(reason.into()),
        }
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<ReconcilerMsg>,
        _: SupervisionEvent,
        _: &mut Reconciler,
    ) -> Result<(), ActorProcessingErr> {
        // It has no children.
        Ok(())
    }
}

/// How long what is taken down may take to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(1);

impl Reconciler {
    /// Work off the desk: first what was begun, then what was asked.
    async fn work(&self) -> Result<(), Halt> {
        while let Some(transaction) = self.args.desk.begun() {
            tracing::warn!(transaction = transaction.id, "a transaction was begun and not ended; ending it");
            self.recover(&transaction).await?;
        }
        while let Some(request) = self.args.desk.next_request() {
            match request {
                Request::Load(load) => Box::pin(self.load(load)).await?,
                Request::Unload { packages, how, supplied, commit, reply } => {
                    Box::pin(self.unload(packages, how, supplied, commit, reply)).await?;
                }
                Request::Attach { graph, terminal, sink, reply } => {
                    let _ = reply.send(self.attach(graph, terminal, sink).await);
                }
                Request::Shutdown { deadline, reply } => {
                    let _ = reply.send(self.shutdown(deadline).await);
                }
            }
        }
        Ok(())
    }

    /// Before the commit the way is back, after it forward.
    async fn recover(&self, transaction: &Arc<Transaction>) -> Result<(), Halt> {
        if transaction.phase() == transaction::Phase::Preparing
            && let Some(members) = transaction.members.first()
        {
            let written = match transaction.commit().filter(|commit| commit.is_begun()) {
                // It may be on disk already, or is about to be.
                Some(commit) => commit.write().await,
                None => Err("the reconciler ended while this was prepared".to_owned()),
            };
            match written {
                Ok(()) => self.args.desk.commit(transaction),
                Err(reason) => transaction.fail(members.name(), reason),
            }
        }
        if transaction.next.is_some() {
            return Box::pin(self.carry_upgrade(transaction)).await;
        }
        match transaction.plan.direction {
            acequia_core::reconcile::Direction::Up => Box::pin(self.carry(transaction)).await,
            acequia_core::reconcile::Direction::Down => Box::pin(self.take_down(transaction)).await,
        }
    }

    /// The commit point: the record is synced, then the plan counts.
    async fn commit(&self, transaction: &Transaction) -> Result<(), Halt> {
        self.pass(|| "commit".to_owned())?;
        if let Some(commit) = transaction.commit() {
            commit.write().await.map_err(Halt::Failed)?;
        }
        self.args.desk.commit(transaction);
        Ok(())
    }

    fn pass(&self, point: impl FnOnce() -> String) -> Result<(), Halt> {
        self.args.desk.failpoints.pass(point)
    }

    async fn prepare_step(&self, transaction: &Transaction, step: &Step) -> Result<(), Halt> {
        match &step.record {
            Record::Cron(name) | Record::Poll(name) => trigger::prepare(name),
            Record::Reactor(name, _) => self.prepare_reactor(transaction, step, name).await,
            Record::Shared(name, record) => self.prepare_shared(transaction, step, name, record).await,
            Record::InvokedGraph(name, _) | Record::BoundGraph(name, _) => {
                self.prepare_graph(transaction, step, name).await
            }
            Record::Workflow(name, _) => workflow::prepare(name),
        }
    }

    async fn activate_step(&self, transaction: &Transaction, step: &Step) {
        match &step.record {
            Record::Cron(name) | Record::Poll(name) => trigger::activate(name),
            Record::Reactor(name, _) => self.activate_cell(transaction, step, name).await,
            Record::Shared(name, _) => self.activate_cell(transaction, step, &Share::cell_name(name)).await,
            Record::InvokedGraph(name, _) | Record::BoundGraph(name, _) => {
                self.activate_graph(transaction, step, name).await;
            }
            Record::Workflow(name, _) => workflow::activate(name),
        }
    }

    async fn drop_step(&self, transaction: &Transaction, step: &Step) {
        match &step.record {
            Record::Cron(name) | Record::Poll(name) => trigger::drop(name),
            Record::Reactor(name, _) => {
                self.drop_cell(transaction, step, Member::Reactor(name.clone())).await;
            }
            Record::Shared(name, _) => {
                self.drop_cell(transaction, step, Member::Shared(Share::cell_name(name))).await;
            }
            Record::InvokedGraph(name, _) | Record::BoundGraph(name, _) => {
                self.drop_graph(transaction, step, name).await;
            }
            Record::Workflow(name, _) => workflow::drop(name),
        }
    }

    fn package_args(&self, transaction: &Transaction, package: &PackageName) -> Option<PackageArgs> {
        let members = Arc::clone(transaction.members_of(package)?);
        let (directory, env) = (Arc::clone(&self.args.directory), Arc::clone(&self.args.env));
        Some(PackageArgs { members, directory, env })
    }

    async fn package(&self, package: &PackageName) -> Option<ActorRef<PackageMsg>> {
        let package = package.clone();
        self.ask_root(|reply| RootMsg::Package { package, reply }).await.flatten()
    }

    async fn ask_root<R: Send + 'static>(
        &self,
        message: impl FnOnce(RpcReplyPort<R>) -> RootMsg,
    ) -> Option<R> {
        let patience = self.args.env.settings.call_deadline.saturating_mul(4);
        match self.args.root.call(message, Some(patience)).await {
            Ok(CallResult::Success(answer)) => Some(answer),
            Ok(_) | Err(_) => None,
        }
    }

    async fn ask_package<R: Send + 'static>(
        &self,
        package: &PackageName,
        message: impl FnOnce(RpcReplyPort<R>) -> PackageMsg,
    ) -> Option<R> {
        let actor = self.package(package).await?;
        let patience = self.args.env.settings.call_deadline.saturating_mul(2);
        match actor.call(message, Some(patience)).await {
            Ok(CallResult::Success(answer)) => Some(answer),
            Ok(_) | Err(_) => None,
        }
    }
}

/// Those that had to be killed.
fn killed(stopped: &[Stopped]) -> impl Iterator<Item = String> + '_ {
    stopped.iter().filter(|child| child.killed).map(|child| child.name.clone())
}
