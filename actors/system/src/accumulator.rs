//! One accumulator: lifecycle, health and source; its part sits in the reactor's cell.
//!
//! Owns its source as a child. Supervised by its package, permanent. Waits for nobody. A crash loses
//! nothing: ring, part and state are the cell's, the source starts again behind its last offset.

use crate::cell::SharedCell;
use crate::children::{Asked, ChildId, Children};
use crate::env::Env;
use crate::source::{SourceActor, SourceArgs};
use acequia_core::health::SourceHealth;
use acequia_core::id::AccumulatorName;
use acequia_core::source::{SourceDecl, SourceOffset};
use acequia_core::supervision::{ChildSpec, Intensity, Strategy, Supervisor};
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct AccumulatorActor;

#[derive(Clone)]
pub(crate) struct AccumulatorArgs {
    pub(crate) name: AccumulatorName,
    pub(crate) cell: Arc<SharedCell>,
    /// Position among the reactor's sources.
    pub(crate) source: usize,
    pub(crate) decl: Option<SourceDecl>,
    pub(crate) offset: Arc<SourceOffset>,
    pub(crate) env: Arc<Env>,
}

pub(crate) enum AccumulatorMsg {
    /// Everything around it is up: start the source.
    Activate,
    /// Start the source again, after a delay.
    RestartSource { children: Arc<[ChildId]> },
    /// This run of the source has begun.
    SourceLive { run: ActorId },
    /// Stop the source for good; events still come by pushes.
    StopSource { reply: ractor::RpcReplyPort<()> },
    /// An operator lifts the quarantine of the source.
    PardonSource,
    /// End as if by a fault, for tests of supervision.
    #[cfg(feature = "testing")]
    Fail { reason: String },
    /// Have the source's actor end as if by a fault.
    #[cfg(feature = "testing")]
    FailSource { reason: String },
}

pub(crate) struct AccumulatorState {
    args: AccumulatorArgs,
    children: Children,
    active: bool,
    stopped: bool,
}

/// Restarts that a source has before its accumulator goes on without it.
const SOURCE_INTENSITY: Intensity = Intensity { restarts: 10, period: Duration::from_secs(60) };

impl Actor for AccumulatorActor {
    type Msg = AccumulatorMsg;
    type State = AccumulatorState;
    type Arguments = AccumulatorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<AccumulatorMsg>,
        args: AccumulatorArgs,
    ) -> Result<AccumulatorState, ActorProcessingErr> {
        let supervisor =
            Supervisor::new(Strategy::OneForOne, Intensity { restarts: u32::MAX, ..SOURCE_INTENSITY });
        let children = Children::new(supervisor, args.env.settings.seed ^ args.source as u64);
        if args.decl.is_some() && !args.cell.is_armed() {
            args.cell.set_source_health(args.source, SourceHealth::Connecting);
        }
        if args.cell.is_armed() {
            // A restart: nobody will say it again.
            let _ = myself.cast(AccumulatorMsg::Activate);
        }
        Ok(AccumulatorState { args, children, active: false, stopped: false })
    }

    async fn post_stop(
        &self,
        myself: ActorRef<AccumulatorMsg>,
        state: &mut AccumulatorState,
    ) -> Result<(), ActorProcessingErr> {
        let deadline = state.args.env.settings.call_deadline;
        Box::pin(state.children.stop_all(&myself.get_cell(), deadline)).await;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<AccumulatorMsg>,
        message: AccumulatorMsg,
        state: &mut AccumulatorState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            // Boxed: what is seldom done must not make the loop of every accumulator large.
            AccumulatorMsg::Activate => Box::pin(state.on_activate(&myself)).await,
            AccumulatorMsg::RestartSource { children } => {
                Box::pin(state.on_restart_source(&myself, &children)).await;
            }
            AccumulatorMsg::SourceLive { run } => state.on_source_live(run),
            AccumulatorMsg::StopSource { reply } => {
                Box::pin(state.on_stop_source(&myself)).await;
                crate::answer::answer(reply, ());
            }
            AccumulatorMsg::PardonSource => state.on_pardon_source(&myself),
            #[cfg(feature = "testing")]
            AccumulatorMsg::Fail { reason } => return Err(reason.into()),
            #[cfg(feature = "testing")]
            AccumulatorMsg::FailSource { reason } => {
                if let Some(source) = state.children.actor("source") {
                    let failure = acequia_core::fault::Failure::error(reason);
                    let _ = source.send_message(crate::source::SourceMsg::Ended { result: Err(failure) });
                }
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<AccumulatorMsg>,
        event: SupervisionEvent,
        state: &mut AccumulatorState,
    ) -> Result<(), ActorProcessingErr> {
        let reason = match &event {
            SupervisionEvent::ActorFailed(_, error) => error.to_string(),
            _ => String::new(),
        };
        if let Some((_, asked)) = state.children.ended(event, state.args.env.now()) {
            state.on_source_ended(&myself, asked, reason);
        }
        Ok(())
    }
}

impl AccumulatorState {
    fn set_health(&self, health: SourceHealth) {
        self.args.cell.set_source_health(self.args.source, health);
    }

    async fn on_activate(&mut self, myself: &ActorRef<AccumulatorMsg>) {
        let Some(decl) = self.args.decl.clone() else { return };
        let health = self.args.cell.source_health(self.args.source);
        if matches!(health, SourceHealth::Finished | SourceHealth::Quarantined { .. })
            || self.args.env.is_stopping()
        {
            // A restart of this actor neither plays a finished source again nor lifts a quarantine.
            return;
        }
        if std::mem::replace(&mut self.active, true) {
            return;
        }
        let args = SourceArgs {
            name: self.args.name.clone(),
            decl,
            ring: self.args.cell.ring(self.args.source).clone().as_any(),
            offset: Arc::clone(&self.args.offset),
            lease: self.args.cell.lease(self.args.source),
            env: Arc::clone(&self.args.env),
            accumulator: myself.clone(),
        };
        let spawn = Box::new(move |parent: ractor::ActorCell| {
            let args = args.clone();
            Box::pin(async move {
                let (actor, _) = Actor::spawn_linked(None, SourceActor, args, parent).await?;
                Ok(actor.get_cell())
            }) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
        });
        let spec = ChildSpec::transient("source").intensity(SOURCE_INTENSITY);
        if let Err(error) = self.children.start(spec, spawn, myself.get_cell()).await {
            self.set_health(SourceHealth::Disconnected { reason: error.to_string() });
        }
    }

    fn on_source_live(&mut self, run: ActorId) {
        // Its end may have been heard first.
        let runs = self.children.actor("source").is_some_and(|source| source.get_id() == run);
        if runs && !self.stopped {
            self.set_health(SourceHealth::Live);
            self.args.cell.schedule();
        }
    }

    /// Its end is seen at once, by the link.
    fn on_source_ended(&mut self, myself: &ActorRef<AccumulatorMsg>, asked: Asked, reason: String) {
        match asked {
            Asked::Nothing => self.set_health(SourceHealth::Finished),
            Asked::Restart { children, delay } => {
                tracing::warn!(accumulator = %self.args.name, %reason, ?delay, "source died, restarting");
                self.set_health(SourceHealth::Disconnected { reason });
                self.args.env.counters.restarts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                myself.send_after(delay, move || AccumulatorMsg::RestartSource { children });
            }
            Asked::Quarantine { reason, .. } | Asked::Escalate { reason } => {
                tracing::error!(accumulator = %self.args.name, %reason, "source quarantined");
                self.set_health(SourceHealth::Quarantined { reason });
            }
        }
    }

    async fn on_restart_source(&mut self, myself: &ActorRef<AccumulatorMsg>, children: &[ChildId]) {
        if self.stopped {
            return;
        }
        let (now, deadline) = (self.args.env.now(), self.args.env.settings.call_deadline);
        if let Err((_, asked)) = self.children.restart(children, &myself.get_cell(), deadline, now).await {
            self.on_source_ended(myself, asked, "the source could not be started".to_owned());
        }
    }

    fn on_pardon_source(&mut self, myself: &ActorRef<AccumulatorMsg>) {
        if !matches!(self.args.cell.source_health(self.args.source), SourceHealth::Quarantined { .. }) {
            return;
        }
        self.set_health(SourceHealth::Connecting);
        let message = match self.children.find("source") {
            None => AccumulatorMsg::Activate,
            Some(source) => {
                self.children.pardon(source);
                AccumulatorMsg::RestartSource { children: Arc::from([source]) }
            }
        };
        let _ = myself.cast(message);
    }

    async fn on_stop_source(&mut self, myself: &ActorRef<AccumulatorMsg>) {
        self.stopped = true;
        let deadline = self.args.env.settings.call_deadline;
        self.children.stop_all(&myself.get_cell(), deadline).await;
        // Its actor has ended; its future has, too, once the lease is free.
        let lease = self.args.cell.lease(self.args.source);
        let _ = tokio::time::timeout(deadline, lease.lock()).await;
    }
}
