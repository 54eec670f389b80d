//! One source: a future of the author's, under an actor, so that its end is a link's event.
//!
//! Owns the task that drives the future. Supervised by its accumulator, transient. Waits for nobody. A
//! crash loses nothing that was accepted; the next run starts behind the last offset.

use crate::accumulator::AccumulatorMsg;
use crate::env::Env;
use acequia_core::accumulator::PollSchedule;
use acequia_core::fault::{Failure, guarded, guarded_future};
use acequia_core::id::AccumulatorName;
use acequia_core::source::{SourceDecl, SourceDrive, SourceFuture, SourceOffset};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

pub mod make;

pub(crate) struct SourceActor;

#[derive(Clone)]
pub(crate) struct SourceArgs {
    pub(crate) name: AccumulatorName,
    pub(crate) decl: SourceDecl,
    pub(crate) ring: Arc<dyn Any + Send + Sync>,
    pub(crate) offset: Arc<SourceOffset>,
    pub(crate) lease: Arc<tokio::sync::Mutex<()>>,
    pub(crate) env: Arc<Env>,
    pub(crate) accumulator: ActorRef<AccumulatorMsg>,
}

pub(crate) enum SourceMsg {
    /// The future ended.
    Ended { result: Result<(), Failure> },
}

pub(crate) struct SourceState {
    task: AbortHandle,
}

// Not `post_stop`: after a kill, too, the future must not go on without its actor.
impl Drop for SourceState {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Tells the actor that the run ended, however it did.
struct LastWord {
    actor: ActorRef<SourceMsg>,
    result: Option<Result<(), Failure>>,
}

impl Drop for LastWord {
    fn drop(&mut self) {
        let silent = || Err(Failure::error("the source's task ended without a result"));
        let _ = self.actor.cast(SourceMsg::Ended { result: self.result.take().unwrap_or_else(silent) });
    }
}

impl Actor for SourceActor {
    type Msg = SourceMsg;
    type State = SourceState;
    type Arguments = SourceArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SourceMsg>,
        args: SourceArgs,
    ) -> Result<SourceState, ActorProcessingErr> {
        let env = Arc::clone(&args.env);
        let task = env.spawn(async move {
            let mut word = LastWord { actor: myself, result: None };
            // The run before this one may still be on its way out.
            let _lease = Arc::clone(&args.lease).lock_owned().await;
            let _ = args.accumulator.cast(AccumulatorMsg::SourceLive { run: word.actor.get_id() });
            word.result = Some(run(&args).await);
        });
        Ok(SourceState { task: task.abort_handle() })
    }

    async fn handle(
        &self,
        myself: ActorRef<SourceMsg>,
        message: SourceMsg,
        _: &mut SourceState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SourceMsg::Ended { result: Ok(()) } => myself.stop(None),
            // The supervisor hears the reason, and starts it again.
            SourceMsg::Ended { result: Err(failure) } => return Err(failure.to_string().into()),
        }
        Ok(())
    }
}

/// Make the source's future and drive it to its end.
async fn run(args: &SourceArgs) -> Result<(), Failure> {
    let drive = guarded(|| {
        let drive = args.decl.drive(&args.ring, &args.offset);
        let other = || format!("the source of {} yields another type than its events", args.name);
        drive.ok_or_else(|| Failure::error(other()))
    })?;
    match drive {
        SourceDrive::Run(future) => guarded_future(future).await,
        SourceDrive::Poll { interval, poll } => poll_forever(&args.env, interval, poll).await,
    }
}

/// Poll at start and then each interval, never two at once.
async fn poll_forever(
    env: &Env,
    interval: Duration,
    mut poll: Box<dyn FnMut() -> SourceFuture<bool> + Send>,
) -> Result<(), Failure> {
    let mut schedule = PollSchedule::new(env.now(), interval);
    loop {
        let wait = schedule.due().since(env.now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let asked = guarded(|| Ok(poll()))?;
        guarded_future(asked).await?;
        schedule.polled(env.now());
    }
}
