//! The root: supervisor of shards, reconciler, catalog and packages.
//!
//! Owns the top of the tree. Supervised by the engine's facade, which hears of its end. Waits for its
//! children only, with deadlines, and never for the reconciler, which waits for it. A crash stops the engine; it says so and fails closed.

use crate::answer::answer;
use crate::catalog::{CatalogActor, CatalogArgs, Register};
use crate::children::{Asked, ChildId, Children, Stopped};
use crate::directory::Directory;
use crate::env::Env;
use crate::package::{ChildStatus, PackageActor, PackageArgs, PackageMsg};
use crate::reconciler::{Desk, ReconcilerActor, ReconcilerArgs};
use crate::shard::{Shard, ShardActor, ShardArgs, ShardThread};
use acequia_core::id::PackageName;
use acequia_core::supervision::{ChildSpec, Intensity, Strategy, Supervisor};
use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(crate) struct RootActor;

pub(crate) struct RootArgs {
    pub(crate) env: Arc<Env>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) register: Arc<Register>,
    pub(crate) shards: Vec<(Arc<Shard>, ShardThread)>,
}

pub(crate) enum RootMsg {
    /// Start a package's actor, which starts what its members have started.
    Start { args: Box<PackageArgs>, reply: RpcReplyPort<Result<ActorRef<PackageMsg>, String>> },
    /// Stop what is left of a package, and forget it.
    Drop { package: PackageName, deadline: Duration, reply: RpcReplyPort<Vec<Stopped>> },
    /// The actor of a package, while it lives.
    Package { package: PackageName, reply: RpcReplyPort<Option<ActorRef<PackageMsg>>> },
    /// Start children again, after a delay.
    Restart { children: Arc<[ChildId]> },
    /// Stop packages in reverse of their start.
    StopPackages { deadline: Duration, reply: RpcReplyPort<Vec<Stopped>> },
    /// The whole tree: children of the root, and of each package.
    Tree { reply: RpcReplyPort<Vec<(String, Vec<ChildStatus>)>> },
    /// An operator lifts the quarantine of a package's child, or of the package.
    Pardon { package: PackageName, child: String, reply: RpcReplyPort<bool> },
    /// The actor of a child, for tests that end it.
    #[cfg(feature = "testing")]
    Child { child: String, reply: RpcReplyPort<Option<ractor::ActorCell>> },
    /// End as if by a fault, for tests of supervision.
    #[cfg(feature = "testing")]
    Fail { reason: String },
}

pub(crate) struct RootState {
    args: RootArgs,
    children: Children,
    packages: Vec<PackageName>,
    quarantined: HashMap<ChildId, String>,
    stopping: bool,
}

// However it ends, nobody is left to run anything: fail closed, and let those go who wait for room.
impl Drop for RootState {
    fn drop(&mut self) {
        self.args.env.fail("the root of its supervision tree ended");
        self.args.register.close("the engine has stopped");
        self.args.desk.close("the engine has stopped");
        for cell in self.args.directory.cells() {
            for ring in cell.rings() {
                ring.close();
            }
        }
        for (shard, _) in &self.args.shards {
            shard.close();
        }
    }
}

/// Restarts of packages and shards together, before the engine gives up.
const INTENSITY: Intensity = Intensity { restarts: 20, period: Duration::from_secs(300) };
/// How long a child may take to stop as the root ends.
const STOP_DEADLINE: Duration = Duration::from_secs(1);
/// Restarts of one package.
const PACKAGE_INTENSITY: Intensity = Intensity { restarts: 3, period: Duration::from_secs(60) };

impl Actor for RootActor {
    type Msg = RootMsg;
    type State = RootState;
    type Arguments = RootArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<RootMsg>,
        args: RootArgs,
    ) -> Result<RootState, ActorProcessingErr> {
        let supervisor = Supervisor::new(Strategy::OneForOne, INTENSITY);
        let mut children = Children::new(supervisor, args.env.settings.seed);
        for (number, (shard, thread)) in args.shards.iter().enumerate() {
            let (shard, env, thread) = (Arc::clone(shard), Arc::clone(&args.env), *thread);
            let spawn = Box::new(move |parent: ractor::ActorCell| {
                let args = ShardArgs { shard: Arc::clone(&shard), env: Arc::clone(&env), thread };
                Box::pin(async move {
                    let (actor, _) = Actor::spawn_linked(None, ShardActor, args, parent).await?;
                    Ok(actor.get_cell())
                }) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
            });
            children.start(ChildSpec::permanent(format!("shard {number}")), spawn, myself.get_cell()).await?;
        }
        let (env, directory, desk) =
            (Arc::clone(&args.env), Arc::clone(&args.directory), Arc::clone(&args.desk));
        let shards: Vec<_> = args.shards.iter().map(|(shard, _)| Arc::clone(shard)).collect();
        let spawn = Box::new(move |parent: ractor::ActorCell| {
            let args = ReconcilerArgs {
                env: Arc::clone(&env),
                directory: Arc::clone(&directory),
                desk: Arc::clone(&desk),
                root: ActorRef::from(parent.clone()),
                shards: shards.clone(),
            };
            Box::pin(async move {
                let (actor, _) = Actor::spawn_linked(None, ReconcilerActor, args, parent).await?;
                Ok(actor.get_cell())
            }) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
        });
        children.start(ChildSpec::permanent("reconciler"), spawn, myself.get_cell()).await?;
        let register = Arc::clone(&args.register);
        let spawn = Box::new(move |parent: ractor::ActorCell| {
            let args = CatalogArgs { register: Arc::clone(&register) };
            Box::pin(async move {
                let (actor, _) = Actor::spawn_linked(None, CatalogActor, args, parent).await?;
                Ok(actor.get_cell())
            }) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
        });
        children.start(ChildSpec::permanent("catalog"), spawn, myself.get_cell()).await?;
        Ok(RootState { args, children, packages: Vec::new(), quarantined: HashMap::new(), stopping: false })
    }

    async fn post_stop(
        &self,
        myself: ActorRef<RootMsg>,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        // In order, while they live: what ends with its parent ends in no order, and without a word.
        state.children.stop_all(&myself.get_cell(), STOP_DEADLINE).await;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<RootMsg>,
        message: RootMsg,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RootMsg::Start { args, reply } => answer(reply, state.on_start(&myself, *args).await),
            RootMsg::Drop { package, deadline, reply } => {
                answer(reply, state.on_drop(&myself, &package, deadline).await);
            }
            RootMsg::Package { package, reply } => answer(reply, state.package(&package)),
            RootMsg::Restart { children } => return state.on_restart(&myself, &children).await,
            RootMsg::StopPackages { deadline, reply } => {
                answer(reply, state.on_stop_packages(&myself, deadline).await)
            }
            RootMsg::Tree { reply } => answer(reply, state.tree().await),
            RootMsg::Pardon { package, child, reply } => {
                answer(reply, state.on_pardon(&myself, &package, child).await)
            }
            #[cfg(feature = "testing")]
            RootMsg::Child { child, reply } => answer(reply, state.children.actor(&child).cloned()),
            #[cfg(feature = "testing")]
            RootMsg::Fail { reason } => return Err(reason.into()),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RootMsg>,
        event: SupervisionEvent,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        match state.children.ended(event, state.args.env.now()) {
            Some((child, asked)) => state.react(&myself, &child, asked),
            None => Ok(()),
        }
    }
}

impl RootState {
    async fn on_start(
        &mut self,
        myself: &ActorRef<RootMsg>,
        args: PackageArgs,
    ) -> Result<ActorRef<PackageMsg>, String> {
        let name = args.members.name().clone();
        if let Some(actor) = self.package(&name) {
            return Ok(actor);
        }
        let spawn = Box::new(move |parent: ractor::ActorCell| {
            let args = args.clone();
            Box::pin(async move {
                let (actor, _) = Actor::spawn_linked(None, PackageActor, args, parent).await?;
                Ok(actor.get_cell())
            }) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
        });
        let spec = ChildSpec::permanent(format!("package {name}")).intensity(PACKAGE_INTENSITY);
        match self.children.start(spec, spawn, myself.get_cell()).await {
            Ok(actor) => {
                self.packages.push(name);
                Ok(ActorRef::from(actor))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Its children are stopped first, in order, while they live.
    async fn on_drop(
        &mut self,
        myself: &ActorRef<RootMsg>,
        package: &PackageName,
        deadline: Duration,
    ) -> Vec<Stopped> {
        let mut stopped = self.stop_children(package, deadline).await;
        let name = format!("package {package}");
        if let Some(child) = self.children.find(&name) {
            self.quarantined.remove(&child);
        }
        stopped.extend(self.children.remove(&name, &myself.get_cell(), deadline).await);
        self.packages.retain(|known| known != package);
        stopped
    }

    async fn stop_children(&self, package: &PackageName, deadline: Duration) -> Vec<Stopped> {
        let Some(actor) = self.package(package) else { return Vec::new() };
        let patience = deadline.saturating_mul(4);
        match actor.call(|reply| PackageMsg::StopChildren { deadline, reply }, Some(patience)).await {
            Ok(CallResult::Success(children)) => children,
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    fn package(&self, name: &PackageName) -> Option<ActorRef<PackageMsg>> {
        self.children.actor(&format!("package {name}")).map(|actor| ActorRef::from(actor.clone()))
    }

    fn react(
        &mut self,
        myself: &ActorRef<RootMsg>,
        name: &str,
        asked: Asked,
    ) -> Result<(), ActorProcessingErr> {
        match asked {
            Asked::Nothing => {}
            Asked::Restart { children, delay } => {
                self.args.env.counters.restarts.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(child = %name, ?delay, "child ended, restarting");
                myself.send_after(delay, move || RootMsg::Restart { children });
            }
            Asked::Quarantine { child, reason } => {
                self.args.env.counters.quarantines.fetch_add(1, Ordering::Relaxed);
                tracing::error!(child = %name, %reason, "child quarantined");
                return self.quarantine(child, name, reason);
            }
            Asked::Escalate { reason } => {
                tracing::error!(%reason, "the engine gives up");
                self.args.env.fail(&reason);
                return Err(reason.into());
            }
        }
        Ok(())
    }

    fn quarantine(&mut self, child: ChildId, name: &str, reason: String) -> Result<(), ActorProcessingErr> {
        if let Some(package) = name.strip_prefix("package ").map(PackageName::from) {
            crate::quarantine::take_out_package(&self.args.directory, &package, &reason);
            self.args.desk.quarantine(&package, &reason);
        } else if name == "reconciler" {
            // What is loaded works on; only nothing is loaded or unloaded any more.
            self.args.desk.close(&format!("the reconciler failed too often: {reason}"));
        } else if name == "catalog" {
            // What is loaded works on, and is listed.
            self.args.register.close(&format!("the catalog failed too often: {reason}"));
        } else {
            // Without its shard a cell answers nobody: rather fail closed than have all wait.
            let reason = format!("{name} failed too often: {reason}");
            self.args.env.fail(&reason);
            return Err(reason.into());
        }
        self.quarantined.insert(child, reason);
        Ok(())
    }

    async fn on_restart(
        &mut self,
        myself: &ActorRef<RootMsg>,
        children: &[ChildId],
    ) -> Result<(), ActorProcessingErr> {
        if self.stopping {
            return Ok(());
        }
        let (now, deadline) = (self.args.env.now(), self.args.env.settings.call_deadline);
        let restarted = self.children.restart(children, &myself.get_cell(), deadline, now).await;
        match restarted {
            Ok(names) => {
                for package in names.iter().filter_map(|name| name.strip_prefix("package ")) {
                    self.reactivate(&PackageName::from(package)).await;
                }
                Ok(())
            }
            Err((child, asked)) => self.react(myself, &child, asked),
        }
    }

    /// What worked before its package's actor ended works again; what was dormant stays so.
    async fn reactivate(&self, package: &PackageName) {
        let active = self.args.desk.members(package).is_some_and(|members| members.is_active());
        if let (true, Some(actor)) = (active, self.package(package)) {
            let deadline = self.args.env.settings.call_deadline;
            let _ = actor.call(|reply| PackageMsg::Activate { reply }, Some(deadline)).await;
        }
    }

    async fn on_stop_packages(&mut self, myself: &ActorRef<RootMsg>, deadline: Duration) -> Vec<Stopped> {
        self.stopping = true;
        let mut stopped = Vec::new();
        for package in self.packages.clone().iter().rev() {
            stopped.extend(self.on_drop(myself, package, deadline).await);
        }
        stopped
    }

    async fn on_pardon(&mut self, myself: &ActorRef<RootMsg>, package: &PackageName, child: String) -> bool {
        let own = self.children.find(&child).filter(|_| child == format!("package {package}"));
        if let Some(id) = own {
            let lifted = self.quarantined.remove(&id).is_some();
            if lifted {
                self.args.desk.clear_quarantine(package);
                crate::quarantine::lift_package(&self.args.directory, package);
                self.children.pardon(id);
                let _ = myself.cast(RootMsg::Restart { children: Arc::from([id]) });
            }
            return lifted;
        }
        let Some(actor) = self.package(package) else { return false };
        let deadline = self.args.env.settings.call_deadline;
        let called = actor.call(|reply| PackageMsg::Pardon { child, reply }, Some(deadline)).await;
        matches!(called, Ok(CallResult::Success(true)))
    }

    async fn tree(&self) -> Vec<(String, Vec<ChildStatus>)> {
        let mut tree = Vec::new();
        for (child, name, actor, status) in self.children.list() {
            let below =
                match name.strip_prefix("package ").and_then(|name| self.package(&PackageName::from(name))) {
                    None => Vec::new(),
                    Some(package) => {
                        let deadline = self.args.env.settings.call_deadline;
                        match package.call(|reply| PackageMsg::Children { reply }, Some(deadline)).await {
                            Ok(CallResult::Success(children)) => children,
                            Ok(_) | Err(_) => Vec::new(),
                        }
                    }
                };
            let id = actor.map_or_else(|| "-".to_owned(), |id| id.to_string());
            let status = match (self.quarantined.get(&child), status) {
                (Some(reason), _) => format!("quarantined: {reason}"),
                (None, Some(status)) => format!("{status:?}").to_lowercase(),
                (None, None) => "restarting".to_owned(),
            };
            tree.push((format!("{name} [{id}] {status}"), below));
        }
        tree
    }
}
