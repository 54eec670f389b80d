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

/// How long what could not be released or unloaded is left alone.
const PAUSE: Duration = Duration::from_secs(1);

impl Actor for CatalogActor {
    type Msg = CatalogMsg;
    type State = Arc<Register>;
    type Arguments = CatalogArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<CatalogMsg>,
        args: CatalogArgs,
    ) -> Result<Arc<Register>, ActorProcessingErr> {
        args.register.attend(myself.clone());
        let _ = myself.cast(CatalogMsg::Wake);
        // The timer of an earlier incarnation may have ended with it.
        myself.send_after(PAUSE, || CatalogMsg::LookAgain);
        Ok(args.register)
    }

    async fn handle(
        &self,
        myself: ActorRef<CatalogMsg>,
        message: CatalogMsg,
        register: &mut Arc<Register>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            CatalogMsg::Wake => register.work(),
            CatalogMsg::LookAgain => register.look_again(&myself),
            #[cfg(feature = "testing")]
            CatalogMsg::Fail { reason } => return Err(reason.into()),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<CatalogMsg>,
        _: SupervisionEvent,
        _: &mut Arc<Register>,
    ) -> Result<(), ActorProcessingErr> {
        // It has no children.
        Ok(())
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

    fn look_again(&self, myself: &ActorRef<CatalogMsg>) {
        let is_left = self.snapshot().packages().any(|(_, versions)| versions.orphans().next().is_some());
        if is_left {
            self.ask(Request::Reap);
        }
        let postponed = std::mem::take(&mut self.lock().postponed);
        if !postponed.is_empty() {
            self.wake();
        }
        myself.send_after(PAUSE, || CatalogMsg::LookAgain);
    }
}
