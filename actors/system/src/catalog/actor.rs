//! The catalog: which versions are loaded, where new work goes, what holds a version.
//!
//! Owns nothing that may not be lost: requests, versions and what is in hand lie in the [`Register`]. Supervised
//! by the root, permanent. Waits for nobody: a request is carried out beside it, one at a time, and reports
//! back. A crash loses nothing; its next incarnation finds the queue as it was, and what was in hand goes on.

use super::register::Register;
use super::request::Request;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct CatalogActor;

pub(crate) struct CatalogArgs {
    pub(crate) register: Arc<Register>,
}

pub(crate) enum CatalogMsg {
    /// There is something in the queue, or a drain may be over.
    Wake,
    /// What was left to be looked at again is looked at.
    LookAgain,
    /// End as if by a fault, for tests of supervision.
    #[cfg(feature = "testing")]
    Fail { reason: String },
}

pub(crate) struct State {
    register: Arc<Register>,
    /// A timer runs.
    is_looking_again: bool,
}

/// How long what could not be released or unloaded is left alone.
const PAUSE: Duration = Duration::from_secs(1);

impl Actor for CatalogActor {
    type Msg = CatalogMsg;
    type State = State;
    type Arguments = CatalogArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<CatalogMsg>,
        args: CatalogArgs,
    ) -> Result<State, ActorProcessingErr> {
        args.register.attend(myself.clone());
        let _ = myself.cast(CatalogMsg::Wake);
        Ok(State { register: args.register, is_looking_again: false })
    }

    async fn handle(
        &self,
        myself: ActorRef<CatalogMsg>,
        message: CatalogMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            CatalogMsg::Wake => state.on_wake(&myself),
            CatalogMsg::LookAgain => state.on_look_again(&myself),
            #[cfg(feature = "testing")]
            CatalogMsg::Fail { reason } => return Err(reason.into()),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<CatalogMsg>,
        _: SupervisionEvent,
        _: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        // It has no children.
        Ok(())
    }
}

impl State {
    fn on_wake(&mut self, myself: &ActorRef<CatalogMsg>) {
        self.register.work();
        if !self.is_looking_again && self.register.has_left() {
            self.is_looking_again = true;
            myself.send_after(PAUSE, || CatalogMsg::LookAgain);
        }
    }

    fn on_look_again(&mut self, myself: &ActorRef<CatalogMsg>) {
        self.is_looking_again = false;
        self.register.look_again();
        self.on_wake(myself);
    }
}

impl Register {
    /// Begin with the next request, unless one is in hand.
    fn work(self: &Arc<Self>) {
        let Some((request, busy)) = self.begin() else { return };
        let own = Arc::clone(self);
        // It reports back by itself: `busy` wakes the actor when it is dropped.
        drop(self.env.spawn(async move {
            Box::pin(own.carry(request)).await;
            drop(busy);
        }));
    }

    async fn carry(self: &Arc<Self>, request: Request) {
        match request {
            Request::Load { taken: Ok(taken), origin, by, reply } => {
                self.load(*taken, origin, by, reply).await
            }
            Request::Load { taken: Err(unreadable), by, reply, .. } => {
                self.refuse_unreadable(unreadable, by, reply).await;
            }
            Request::Route { package, version, expected, by, reply } => {
                self.route(package, version, expected, by, reply).await;
            }
            Request::Unload { package, version, drain, by, reply } => {
                self.unload(package, version, drain, by, reply).await;
            }
            Request::Note { command, reply } => self.note(&command, reply).await,
            Request::FinishDrain { package } => self.finish_drain(package).await,
            Request::Reap => self.reap().await,
        }
    }

    /// Whether something was left that is to be looked at again.
    fn has_left(&self) -> bool {
        let is_left = self.snapshot().packages().any(|(_, versions)| versions.orphans().next().is_some());
        is_left || !self.lock().postponed.is_empty()
    }

    fn look_again(&self) {
        if self.snapshot().packages().any(|(_, versions)| versions.orphans().next().is_some()) {
            self.ask(Request::Reap);
        }
        self.lock().postponed.clear();
    }
}
