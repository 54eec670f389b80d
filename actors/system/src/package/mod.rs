//! One package: supervisor of its reactors, accumulators and graphs.
//!
//! Owns its children, started in precedence order and stopped in reverse, each when the reconciler says
//! so. Supervised by the root, permanent. Waits for its children only, with a deadline. A crash loses
//! nothing that was accepted: cells and runs are with its members, and the next incarnation starts
//! what was started before.

use crate::accumulator::{AccumulatorArgs, AccumulatorMsg};
use crate::answer::answer;
use crate::children::{Asked, ChildId, Children, Stopped};
use crate::directory::Directory;
use crate::env::Env;
use crate::members::{Member, Members, ReactorEntry};
use acequia_core::id::ReactorName;
use acequia_core::supervision::{ChildSpec, Intensity, Strategy, Supervisor};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

mod health;
mod renew;
mod spawn;

pub(crate) use health::health;
pub(crate) use spawn::bind;
use spawn::{spawn_accumulator, spawn_graph, spawn_reactor};

pub(crate) struct PackageActor;

#[derive(Clone)]
pub(crate) struct PackageArgs {
    pub(crate) members: Arc<Members>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) env: Arc<Env>,
}

pub(crate) enum PackageMsg {
    /// Start a part, dormant; what it needs is among the members.
    Start { member: Member, reply: RpcReplyPort<Result<(), String>> },
    /// Stop a part and forget it; a part that was never started is stopped already.
    Drop { member: Member, deadline: Duration, reply: RpcReplyPort<Vec<Stopped>> },
    /// The members are of another version: their actors are, too, from now on.
    Renew { reply: RpcReplyPort<()> },
    /// Everything is in its place: let it run.
    Activate { reply: RpcReplyPort<()> },
    /// Let one cell run, with its accumulators.
    ActivateCell { cell: ReactorName, reply: RpcReplyPort<()> },
    /// Start children again, after a delay.
    Restart { children: Arc<[ChildId]> },
    /// Stop all sources; pushes still come.
    StopSources { reply: RpcReplyPort<()> },
    /// Stop all children, in reverse of their start.
    StopChildren { deadline: Duration, reply: RpcReplyPort<Vec<Stopped>> },
    /// The children with their actors.
    Children { reply: RpcReplyPort<Vec<ChildStatus>> },
    /// An operator lifts a child's quarantine.
    Pardon { child: String, reply: RpcReplyPort<bool> },
    /// The actor of a child, for tests that end it.
    #[cfg(feature = "testing")]
    Child { child: String, reply: RpcReplyPort<Option<ActorCell>> },
    /// End as if by a fault, for tests of supervision.
    #[cfg(feature = "testing")]
    Fail { reason: String },
}

/// One child, for listings.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ChildStatus {
    /// Its name in the tree.
    pub name: String,
    /// Id of its actor, while it lives.
    pub actor: Option<String>,
    /// What the actor does.
    pub status: String,
}

pub(crate) struct PackageState {
    args: PackageArgs,
    children: Children,
    quarantined: HashMap<ChildId, String>,
    stopping: bool,
}

/// Restarts of all children together, before the package gives up itself.
const INTENSITY: Intensity = Intensity { restarts: 20, period: Duration::from_secs(60) };

impl Actor for PackageActor {
    type Msg = PackageMsg;
    type State = PackageState;
    type Arguments = PackageArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<PackageMsg>,
        args: PackageArgs,
    ) -> Result<PackageState, ActorProcessingErr> {
        let supervisor = Supervisor::new(Strategy::OneForOne, INTENSITY);
        let children = Children::new(supervisor, args.env.settings.seed);
        let mut state = PackageState { args, children, quarantined: HashMap::new(), stopping: false };
        if let Err(error) = state.start_all(&myself.get_cell()).await {
            // All or nothing: what came up goes down, in reverse.
            let deadline = state.args.env.settings.call_deadline;
            state.children.stop_all(&myself.get_cell(), deadline).await;
            return Err(error.into());
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<PackageMsg>,
        message: PackageMsg,
        state: &mut PackageState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            PackageMsg::Start { member, reply } => answer(reply, state.on_start(&myself, member).await),
            PackageMsg::Drop { member, deadline, reply } => {
                answer(reply, state.on_drop(&myself, &member, deadline).await);
            }
            PackageMsg::Renew { reply } => answer(reply, state.on_renew(&myself).await),
            PackageMsg::Activate { reply } => answer(reply, state.on_activate()),
            PackageMsg::ActivateCell { cell, reply } => answer(reply, state.on_activate_cell(&cell)),
            PackageMsg::Restart { children } => return state.on_restart(&myself, &children).await,
            PackageMsg::StopSources { reply } => answer(reply, state.on_stop_sources().await),
            PackageMsg::StopChildren { deadline, reply } => {
                // A restart that was put off must not bring a child back behind this.
                state.stopping = true;
                answer(reply, state.children.stop_all(&myself.get_cell(), deadline).await);
            }
            PackageMsg::Children { reply } => answer(reply, state.list().await),
            PackageMsg::Pardon { child, reply } => answer(reply, state.on_pardon(&myself, &child).await),
            #[cfg(feature = "testing")]
            PackageMsg::Child { child, reply } => answer(reply, state.children.actor(&child).cloned()),
            #[cfg(feature = "testing")]
            PackageMsg::Fail { reason } => return Err(reason.into()),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<PackageMsg>,
        event: SupervisionEvent,
        state: &mut PackageState,
    ) -> Result<(), ActorProcessingErr> {
        match state.children.ended(event, state.args.env.now()) {
            Some((child, asked)) => state.react(&myself, &child, asked),
            None => Ok(()),
        }
    }
}

impl PackageState {
    /// Start again what an earlier incarnation had started, in that order.
    async fn start_all(&mut self, parent: &ActorCell) -> Result<(), SpawnErr> {
        for member in self.args.members.started() {
            self.start(&member, parent).await?;
        }
        Ok(())
    }

    async fn start(&mut self, member: &Member, parent: &ActorCell) -> Result<(), SpawnErr> {
        let absent = || SpawnErr::StartupFailed(format!("{member:?} is not among the members").into());
        match member {
            Member::Reactor(name) => {
                let entry = self.args.members.reactor(name).ok_or_else(absent)?;
                self.start_reactor(&entry, parent).await
            }
            Member::Shared(name) => {
                let entry = self.args.members.cell(name).ok_or_else(absent)?;
                self.start_accumulators(&entry, parent).await
            }
            Member::Graph(name) => {
                let entry = self.args.members.graph(name).ok_or_else(absent)?;
                let spec = ChildSpec::permanent(format!("graph {name}"));
                let spawn = spawn_graph(&self.args, entry);
                self.children.start(spec, spawn, parent.clone()).await.map(drop)
            }
        }
    }

    /// A reactor, then its accumulators.
    async fn start_reactor(&mut self, entry: &ReactorEntry, parent: &ActorCell) -> Result<(), SpawnErr> {
        let spec = ChildSpec::permanent(format!("reactor {}", entry.decl.name));
        self.children.start(spec, spawn_reactor(entry.clone()), parent.clone()).await?;
        self.start_accumulators(entry, parent).await
    }

    /// The accumulators of a cell; those that it only has a share in have an actor elsewhere.
    async fn start_accumulators(&mut self, entry: &ReactorEntry, parent: &ActorCell) -> Result<(), SpawnErr> {
        let own = entry.decl.accumulators.iter().enumerate().filter(|(_, decl)| !decl.is_share());
        for (source, accumulator) in own {
            let args = self.accumulator_args(entry, source);
            let spec = ChildSpec::permanent(format!("accumulator {}", accumulator.name));
            self.children.start(spec, spawn_accumulator(args), parent.clone()).await?;
        }
        Ok(())
    }

    async fn on_start(&mut self, myself: &ActorRef<PackageMsg>, member: Member) -> Result<(), String> {
        if self.args.members.is_started(&member) {
            return Ok(());
        }
        match self.start(&member, &myself.get_cell()).await {
            Ok(()) => {
                self.args.members.note_started(member);
                Ok(())
            }
            Err(error) => {
                // Some of its accumulators may be up.
                let deadline = self.args.env.settings.call_deadline;
                self.on_drop(myself, &member, deadline).await;
                Err(error.to_string())
            }
        }
    }

    fn accumulator_args(&self, entry: &ReactorEntry, source: usize) -> AccumulatorArgs {
        let accumulator = &entry.decl.accumulators[source];
        AccumulatorArgs {
            name: accumulator.name.clone(),
            cell: Arc::clone(&entry.cell),
            source,
            decl: accumulator.source.clone(),
            offset: self.args.members.offset(&accumulator.name),
            env: Arc::clone(&self.args.env),
        }
    }

    async fn on_drop(
        &mut self,
        myself: &ActorRef<PackageMsg>,
        member: &Member,
        deadline: Duration,
    ) -> Vec<Stopped> {
        self.args.members.note_dropped(member);
        let names = match member {
            Member::Graph(name) => vec![format!("graph {name}")],
            Member::Reactor(name) | Member::Shared(name) => {
                let own = self.args.members.cell(name).map(|entry| entry.decl.own_sources());
                let own = own.unwrap_or_default();
                let accumulators = own.iter().rev().map(|name| format!("accumulator {name}"));
                let reactor = matches!(member, Member::Reactor(_)).then(|| format!("reactor {name}"));
                accumulators.chain(reactor).collect()
            }
        };
        let mut stopped = Vec::new();
        for name in names {
            if let Some(child) = self.children.find(&name) {
                self.quarantined.remove(&child);
            }
            stopped.extend(self.children.remove(&name, &myself.get_cell(), deadline).await);
        }
        stopped
    }

    fn react(
        &mut self,
        myself: &ActorRef<PackageMsg>,
        name: &str,
        asked: Asked,
    ) -> Result<(), ActorProcessingErr> {
        let package = self.args.members.name();
        match asked {
            Asked::Nothing => {}
            Asked::Restart { children, delay } => {
                self.args.env.counters.restarts.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%package, child = %name, ?delay, "child ended, restarting");
                myself.send_after(delay, move || PackageMsg::Restart { children });
            }
            Asked::Quarantine { child, reason } => {
                // What it left waiting is dropped with that reason.
                tracing::error!(%package, child = %name, %reason, "child quarantined");
                self.args.env.counters.quarantines.fetch_add(1, Ordering::Relaxed);
                self.quarantined.insert(child, reason.clone());
                crate::quarantine::take_out(&self.args.directory, name, reason);
            }
            Asked::Escalate { reason } => {
                tracing::error!(%package, %reason, "package gives up");
                return Err(reason.into());
            }
        }
        Ok(())
    }

    fn accumulators(&self) -> Vec<ActorRef<AccumulatorMsg>> {
        let cells = self.args.members.cells();
        let names = cells.iter().flat_map(|entry| entry.decl.own_sources());
        let actors = names.filter_map(|name| self.children.actor(&format!("accumulator {name}")));
        actors.map(|actor| ActorRef::from(actor.clone())).collect()
    }

    fn on_activate(&mut self) {
        for entry in self.args.members.cells() {
            if entry.cell.quarantined().is_none() {
                entry.cell.arm();
            }
        }
        for accumulator in self.accumulators() {
            let _ = accumulator.cast(AccumulatorMsg::Activate);
        }
    }

    fn on_activate_cell(&mut self, cell: &ReactorName) {
        let Some(entry) = self.args.members.cell(cell) else { return };
        if entry.cell.quarantined().is_none() {
            entry.cell.arm();
        }
        for name in entry.decl.own_sources() {
            if let Some(actor) = self.children.actor(&format!("accumulator {name}")) {
                let _ = ActorRef::<AccumulatorMsg>::from(actor.clone()).cast(AccumulatorMsg::Activate);
            }
        }
    }

    async fn on_restart(
        &mut self,
        myself: &ActorRef<PackageMsg>,
        children: &[ChildId],
    ) -> Result<(), ActorProcessingErr> {
        if self.stopping {
            return Ok(());
        }
        let (now, deadline) = (self.args.env.now(), self.args.env.settings.call_deadline);
        let restarted = self.children.restart(children, &myself.get_cell(), deadline, now).await;
        let restarted = match restarted {
            Ok(restarted) => restarted,
            Err((child, asked)) => return self.react(myself, &child, asked),
        };
        for name in restarted {
            if let Some(reactor) = name.strip_prefix("reactor ") {
                self.relink(&ReactorName::from(reactor)).await;
            }
        }
        Ok(())
    }

    /// A restarted reactor knows none of its subscribers: each binds again, to the seat it has.
    async fn relink(&self, reactor: &ReactorName) {
        for (entry, actor) in self.args.directory.bound_to(reactor) {
            if let Err(reason) = bind(&self.args, &entry, &actor).await {
                tracing::error!(graph = %entry.decl.name, %reason, "subscriber could not be linked again");
            }
        }
    }

    async fn on_stop_sources(&mut self) {
        let deadline = self.args.env.settings.call_deadline;
        for accumulator in self.accumulators() {
            let _ = accumulator.call(|reply| AccumulatorMsg::StopSource { reply }, Some(deadline)).await;
        }
    }

    /// Its actor may be out of service, or its part, or both.
    async fn on_pardon(&mut self, myself: &ActorRef<PackageMsg>, child: &str) -> bool {
        let Some(id) = self.children.find(child) else { return false };
        let restart = self.quarantined.remove(&id).is_some();
        let lifted = crate::quarantine::lift(&self.args, child, restart).await;
        if restart {
            self.children.pardon(id);
            let _ = myself.cast(PackageMsg::Restart { children: Arc::from([id]) });
        } else if let (true, Some(actor)) = (child.starts_with("accumulator "), self.children.actor(child)) {
            let _ = actor.send_message(AccumulatorMsg::PardonSource);
        }
        restart || lifted
    }

    async fn list(&self) -> Vec<ChildStatus> {
        let parts = crate::quarantine::parts(&self.args).await;
        let out = |id: ChildId, name: &str| self.quarantined.get(&id).or_else(|| parts.get(name));
        let children = self.children.list().into_iter();
        children
            .map(|(id, name, actor, status)| ChildStatus {
                actor: actor.map(|id| id.to_string()),
                status: match (out(id, &name), status) {
                    (Some(reason), _) => format!("quarantined: {reason}"),
                    (None, Some(status)) => format!("{status:?}").to_lowercase(),
                    (None, None) => "restarting".to_owned(),
                },
                name,
            })
            .collect()
    }
}
