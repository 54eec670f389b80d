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
use std::sync::Arc;
use std::time::Duration;

/// Starts a child under a supervisor.
pub(crate) type Spawn = Box<
    dyn FnMut(ActorCell) -> Pin<Box<dyn Future<Output = Result<ActorCell, SpawnErr>> + Send>> + Send + Sync,
>;

/// Names a child for as long as its supervisor lives. Positions move when a child is taken out; a
/// restart that was put off must not hit another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChildId(u64);

struct Child {
    id: ChildId,
    spawn: Spawn,
    actor: Option<ActorCell>,
}

/// The children of one supervisor.
pub(crate) struct Children {
    supervisor: Supervisor,
    /// In start order, which is the order of their ids.
    children: Vec<Child>,
    /// A package may have tens of thousands of children.
    names: HashMap<String, ChildId>,
    next: u64,
    seed: u64,
}

/// What the end of a child asks for.
pub(crate) enum Asked {
    /// Nothing.
    Nothing,
    /// Start these again after a delay.
    Restart { children: Arc<[ChildId]>, delay: Duration },
    /// Take it out of service.
    Quarantine { child: ChildId, reason: String },
    /// End, so that one's own supervisor decides.
    Escalate { reason: String },
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
        Self { supervisor, children: Vec::new(), names: HashMap::new(), next: 0, seed }
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
        let id = ChildId(self.next);
        self.next += 1;
        self.names.insert(spec.name.clone(), id);
        self.supervisor.add(spec, self.seed);
        self.children.push(Child { id, spawn, actor: Some(actor.clone()) });
        Ok(actor)
    }

    /// What an event of a child asks for, with the child's name; `None` if it is no end of a child of ours.
    pub(crate) fn ended(&mut self, event: SupervisionEvent, now: Timestamp) -> Option<(String, Asked)> {
        let (actor, exit) = match event {
            SupervisionEvent::ActorTerminated(actor, _, _) => (actor, Exit::Normal),
            SupervisionEvent::ActorFailed(actor, error) => (actor, Exit::Failed(error.to_string())),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return None,
        };
        let child = self.position(actor.get_id())?;
        self.children[child].actor = None;
        Some(self.exited(child, exit, now))
    }

    fn exited(&mut self, child: usize, exit: Exit, now: Timestamp) -> (String, Asked) {
        let name = self.name_at(child).to_owned();
        let asked = match self.supervisor.exited(child, exit, now) {
            Reaction::Ignore => Asked::Nothing,
            Reaction::Restart { children, delay } => Asked::Restart { children: self.ids(children), delay },
            Reaction::Quarantine { child, reason } => {
                Asked::Quarantine { child: self.children[child].id, reason }
            }
            Reaction::Escalate { reason } => Asked::Escalate { reason },
        };
        (name, asked)
    }

    fn ids(&self, positions: Range<usize>) -> Arc<[ChildId]> {
        self.children[positions].iter().map(|child| child.id).collect()
    }

    /// Stop those of `ids` that live, in reverse, then start all of them in order; those that were taken
    /// out meanwhile stay out. Returns the names of those that were started.
    ///
    /// # Errors
    /// What a child that could not be started asks for: that counts as its failure.
    pub(crate) async fn restart(
        &mut self,
        ids: &[ChildId],
        parent: &ActorCell,
        deadline: Duration,
        now: Timestamp,
    ) -> Result<Vec<String>, (String, Asked)> {
        let children: Vec<usize> = ids.iter().filter_map(|id| self.at(*id)).collect();
        for child in children.iter().rev() {
            self.stop(*child, parent, deadline).await;
        }
        let mut started = Vec::new();
        for child in children {
            match (self.children[child].spawn)(parent.clone()).await {
                Ok(actor) => self.children[child].actor = Some(actor),
                Err(error) => return Err(self.exited(child, Exit::Failed(error.to_string()), now)),
            }
            started.push(self.name_at(child).to_owned());
        }
        Ok(started)
    }

    /// Stop all children in reverse, each within `deadline`.
    pub(crate) async fn stop_all(&mut self, parent: &ActorCell, deadline: Duration) -> Vec<Stopped> {
        let mut stopped = Vec::new();
        for child in (0..self.children.len()).rev() {
            stopped.extend(self.stop(child, parent, deadline).await);
        }
        stopped
    }

    /// Let another actor be this child from now on: the new one starts, then the old one stops.
    ///
    /// # Errors
    /// If the new one does not start; the child's next restart tries again.
    pub(crate) async fn replace(
        &mut self,
        name: &str,
        spawn: Spawn,
        parent: &ActorCell,
        deadline: Duration,
    ) -> Result<(), SpawnErr> {
        let Some(child) = self.find(name).and_then(|id| self.at(id)) else { return Ok(()) };
        self.children[child].spawn = spawn;
        let started = (self.children[child].spawn)(parent.clone()).await?;
        if let Some(old) = self.children[child].actor.replace(started) {
            old.unlink(parent.clone());
            old.stop(None);
            if old.wait(Some(deadline)).await.is_err() {
                old.kill();
            }
        }
        Ok(())
    }

    /// Stop one child by name, if it lives, and forget it.
    pub(crate) async fn remove(
        &mut self,
        name: &str,
        parent: &ActorCell,
        deadline: Duration,
    ) -> Option<Stopped> {
        let id = self.names.remove(name)?;
        let child = self.at(id)?;
        let stopped = self.stop(child, parent, deadline).await;
        self.supervisor.remove(child);
        self.children.remove(child);
        stopped
    }

    async fn stop(&mut self, child: usize, parent: &ActorCell, deadline: Duration) -> Option<Stopped> {
        let actor = self.children[child].actor.take()?;
        actor.unlink(parent.clone());
        let name = self.name_at(child).to_owned();
        actor.stop(None);
        let killed = actor.wait(Some(deadline)).await.is_err();
        if killed {
            // It may be in user code that does not yield; then the kill waits for it, and we do not.
            actor.kill();
        }
        Some(Stopped { name, killed })
    }

    fn name_at(&self, child: usize) -> &str {
        self.supervisor.child(child).map_or("", |spec| spec.name.as_str())
    }

    fn at(&self, id: ChildId) -> Option<usize> {
        self.children.binary_search_by_key(&id, |child| child.id).ok()
    }

    /// The child's actor, while it lives.
    pub(crate) fn actor(&self, name: &str) -> Option<&ActorCell> {
        let at = self.at(self.find(name)?)?;
        self.children[at].actor.as_ref()
    }

    /// A child by name.
    pub(crate) fn find(&self, name: &str) -> Option<ChildId> {
        self.names.get(name).copied()
    }

    /// Forget the past of a child that was quarantined.
    pub(crate) fn pardon(&mut self, child: ChildId) {
        if let Some(child) = self.at(child) {
            self.supervisor.pardon(child);
        }
    }

    /// Each child with its actor's id and status, in start order.
    pub(crate) fn list(&self) -> Vec<(ChildId, String, Option<ActorId>, Option<ActorStatus>)> {
        self.supervisor
            .children()
            .zip(&self.children)
            .map(|(spec, child)| {
                let actor = child.actor.as_ref();
                (child.id, spec.name.clone(), actor.map(ActorCell::get_id), actor.map(ActorCell::get_status))
            })
            .collect()
    }

    fn position(&self, id: ActorId) -> Option<usize> {
        self.children.iter().position(|child| child.actor.as_ref().is_some_and(|actor| actor.get_id() == id))
    }
}
