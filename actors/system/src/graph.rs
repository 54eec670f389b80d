//! One computation graph: lifecycle and link; its part runs in the reactor's cell, or with a worker.
//!
//! Owns nothing but its declaration. Supervised by its package, permanent. Waits for the reactor's
//! answer to its bind, with a deadline. A crash loses nothing: firings queue until it is bound again.

use crate::members::GraphEntry;
use crate::reactor::{Bind, BindPhase, ReactorMsg};
use acequia_core::fault::guarded;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::time::Duration;

pub(crate) struct GraphActor;

pub(crate) struct GraphArgs {
    pub(crate) entry: GraphEntry,
}

pub(crate) enum GraphMsg {
    /// Bind to this reactor.
    BindTo {
        reactor: ActorRef<ReactorMsg>,
        phase: BindPhase,
        deadline: Duration,
        reply: ractor::RpcReplyPort<Result<(), String>>,
    },
    /// End as if by a fault, for tests of supervision.
    #[cfg(feature = "testing")]
    Fail { reason: String },
}

pub(crate) struct GraphState {
    args: GraphArgs,
}

impl Actor for GraphActor {
    type Msg = GraphMsg;
    type State = GraphState;
    type Arguments = GraphArgs;

    async fn pre_start(
        &self,
        _: ActorRef<GraphMsg>,
        args: GraphArgs,
    ) -> Result<GraphState, ActorProcessingErr> {
        // The author's code makes the part; if it cannot, the child has failed to start.
        guarded(|| Ok(drop(args.entry.decl.part())))?;
        Ok(GraphState { args })
    }

    async fn handle(
        &self,
        myself: ActorRef<GraphMsg>,
        message: GraphMsg,
        state: &mut GraphState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            GraphMsg::BindTo { reactor, phase, deadline, reply } => {
                // Boxed: what is done once must not make the loop of every graph large.
                Box::pin(state.on_bind_to(&myself, &reactor, phase, deadline, reply)).await;
                Ok(())
            }
            #[cfg(feature = "testing")]
            GraphMsg::Fail { reason } => Err(reason.into()),
        }
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<GraphMsg>,
        _: SupervisionEvent,
        _: &mut GraphState,
    ) -> Result<(), ActorProcessingErr> {
        // It has no children.
        Ok(())
    }
}

impl GraphState {
    /// Reactor and graph are siblings; the reactor calls nobody, so this cannot come back around.
    async fn on_bind_to(
        &mut self,
        myself: &ActorRef<GraphMsg>,
        reactor: &ActorRef<ReactorMsg>,
        phase: BindPhase,
        deadline: Duration,
        reply: ractor::RpcReplyPort<Result<(), String>>,
    ) {
        let (graph, owner) = (Box::new(self.args.entry.clone()), myself.get_cell());
        let called =
            reactor.call(|reply| ReactorMsg::Bind(Bind { graph, phase, owner, reply }), Some(deadline)).await;
        let result = match called {
            Ok(ractor::rpc::CallResult::Success(result)) => result,
            Ok(_) | Err(_) => Err("the reactor did not answer".to_owned()),
        };
        crate::answer::answer(reply, result);
    }
}
