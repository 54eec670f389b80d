//! Children of a supervisor, started in order and stopped in reverse.
//!
//! The decisions are `acequia_core::supervision`'s; this carries them out with `ractor`. What `ractor`
//! makes necessary: a failed start is seen by the spawner only, so it is counted here; children are
//! unlinked before they are stopped on purpose, so that their end is not counted; a second stop does not
//! wait, so each is stopped once and waited for.

use acequia_core::Timestamp;
use acequia_core::supervision::{ChildSpec, Exit, Reaction, Supervisor};
use ractor::{ActorCell, ActorId, ActorStatus, SpawnErr, SupervisionEvent};
use std::collections::HashMap;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

/// Starts a child under a supervisor.
pub(crate) type Spawn = Box<
    dyn FnMut(ActorCell) -> Pin<Box<dyn Future<Output = Result<ActorCell, SpawnErr>> + Send>> + Send + Sync,
>;

struct Child {
    spawn: Spawn,
    actor: Option<ActorCell>,
}

/// The children of one supervisor.
pub(crate) struct Children {
    supervisor: Supervisor,
    children: Vec<Child>,
    /// A package may have tens of thousands of children.
    names: HashMap<String, usize>,
    seed: u64,
}

/// One child that was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Its name in the tree.
    pub name: String,
    /// Whether it had to be killed because it did not end in time.
    pub killed: bool,
}

impl Children {
    pub(crate) fn new(supervisor: Supervisor, seed: u64) -> Self {
        Self { supervisor, children: Vec::new(), names: HashMap::new(), seed }
    }

    /// Start one more child, behind the others.
    pub(crate) async fn start(
        &mut self,
        spec: ChildSpec,
        mut spawn: Spawn,
        parent: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        let actor = spawn(parent).await?;
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.names.insert(spec.name.clone(), self.children.len());
        self.supervisor.add(spec, self.seed);
        self.children.push(Child { spawn, actor: Some(actor.clone()) });
        Ok(actor)
    }

    /// What an event of a child asks for; `None` if it is no end of a child of ours.
    pub(crate) fn ended(&mut self, event: SupervisionEvent, now: Timestamp) -> Option<(usize, Reaction)> {
        let (actor, exit) = match event {
            SupervisionEvent::ActorTerminated(actor, _, _) => (actor, Exit::Normal),
            SupervisionEvent::ActorFailed(actor, error) => (actor, Exit::Failed(error.to_string())),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return None,
        };
        let child = self.position(actor.get_id())?;
        self.children[child].actor = None;
        Some((child, self.supervisor.exited(child, exit, now)))
    }

    /// Stop those of `range` that live, in reverse, then start all of it in order.
    ///
    /// # Errors
    /// The reaction to a child that could not be started, which counts as its failure.
    pub(crate) async fn restart(
        &mut self,
        range: Range<usize>,
        parent: &ActorCell,
        deadline: Duration,
        now: Timestamp,
    ) -> Result<(), (usize, Reaction)> {
        for child in range.clone().rev() {
            self.stop(child, parent, deadline).await;
        }
        for child in range {
            match (self.children[child].spawn)(parent.clone()).await {
                Ok(actor) => self.children[child].actor = Some(actor),
                Err(error) => {
                    let reaction = self.supervisor.exited(child, Exit::Failed(error.to_string()), now);
                    return Err((child, reaction));
                }
            }
        }
        Ok(())
    }

    /// Stop all children in reverse, each within `deadline`.
    pub(crate) async fn stop_all(&mut self, parent: &ActorCell, deadline: Duration) -> Vec<Stopped> {
        let mut stopped = Vec::new();
        for child in (0..self.children.len()).rev() {
            stopped.extend(self.stop(child, parent, deadline).await);
        }
        stopped
    }

    /// Stop one child by name.
    pub(crate) async fn stop_one(
        &mut self,
        name: &str,
        parent: &ActorCell,
        deadline: Duration,
    ) -> Option<Stopped> {
        let child = self.find(name)?;
        self.stop(child, parent, deadline).await
    }

    async fn stop(&mut self, child: usize, parent: &ActorCell, deadline: Duration) -> Option<Stopped> {
        let actor = self.children[child].actor.take()?;
        actor.unlink(parent.clone());
        let name = self.name(child).to_owned();
        actor.stop(None);
        let killed = actor.wait(Some(deadline)).await.is_err();
        if killed {
            // It may be in user code that does not yield; then the kill waits for it, and we do not.
            actor.kill();
        }
        Some(Stopped { name, killed })
    }

    /// Name of a child.
    pub(crate) fn name(&self, child: usize) -> &str {
        self.supervisor.child(child).map_or("", |spec| spec.name.as_str())
    }

    /// The child's actor, while it lives.
    pub(crate) fn actor(&self, name: &str) -> Option<&ActorCell> {
        let at = self.find(name)?;
        self.children[at].actor.as_ref()
    }

    /// Position of a child by name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// Forget the past of a child that was quarantined.
    pub(crate) fn pardon(&mut self, child: usize) {
        self.supervisor.pardon(child);
    }

    /// Each child with its actor's id and status, in start order.
    pub(crate) fn list(&self) -> Vec<(String, Option<ActorId>, Option<ActorStatus>)> {
        self.supervisor
            .children()
            .zip(&self.children)
            .map(|(spec, child)| {
                let actor = child.actor.as_ref();
                (spec.name.clone(), actor.map(ActorCell::get_id), actor.map(ActorCell::get_status))
            })
            .collect()
    }

    fn position(&self, id: ActorId) -> Option<usize> {
        self.children.iter().position(|child| child.actor.as_ref().is_some_and(|actor| actor.get_id() == id))
    }
}
