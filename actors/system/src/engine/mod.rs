//! The facade: what an application holds.

mod builder;
mod commands;
#[cfg(feature = "testing")]
mod crash;
mod deploy;
mod invoke;
mod ledger;
mod lookup;
mod open;
mod replay;
mod shutdown;
mod start;

pub use builder::{EngineBuilder, Placement};
pub use commands::{FireInput, FiringStream, ReactorHandle};
#[cfg(feature = "testing")]
pub use crash::Component;
pub use deploy::{AttachError, StartError};
pub use invoke::{Invocation, InvokeError, Terminals};
pub use ledger::{Ledger, Unsettled, UnsettledItem};
pub use lookup::LookupError;
pub use open::OpenError;
pub use replay::ReplayError;
pub use shutdown::ShutdownReport;

use crate::catalog::Register;
use crate::dead_letters::DeadLetters;
use crate::directory::Directory;
use crate::env::{Counters, EngineState, Env};
use crate::journal::Recovery;
use crate::package::ChildStatus;
use crate::reconciler::Desk;
use crate::root::RootMsg;
use crate::shelf::LazyShelf;
use crate::watchdog::Watchdog;
use acequia_host::Trust;
use ractor::ActorRef;
use ractor::rpc::CallResult;
use std::sync::Arc;

/// A running engine. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) env: Arc<Env>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) root: ActorRef<RootMsg>,
    pub(crate) register: Arc<Register>,
    pub(crate) shelf: Arc<LazyShelf>,
    pub(crate) trust: Trust,
    pub(crate) _watchdog: Watchdog,
}

impl Engine {
    /// Describe an engine.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::new()
    }

    /// Identifies this engine among all, in logs and traces.
    pub fn id(&self) -> uuid::Uuid {
        self.inner.env.id
    }

    /// Whether it runs, stops, or gave up.
    pub fn state(&self) -> EngineState {
        self.inner.env.state()
    }

    /// Items that were given up.
    pub fn dead_letters(&self) -> &DeadLetters {
        &self.inner.env.dead_letters
    }

    /// What it found in its journal when it started, if it has one.
    pub fn recovery(&self) -> Option<Recovery> {
        self.inner.env.journal().map(|journal| journal.recovery())
    }

    /// Counters of the whole engine.
    pub fn counters(&self) -> &Counters {
        &self.inner.env.counters
    }

    /// What a library of this engine is given as it begins: time, and threads that may block.
    pub fn services(&self) -> Arc<dyn acequia_sdk::services::HostServices> {
        Arc::new(crate::services::RuntimeServices::of(self.inner.env.work().clone()))
    }

    /// Its clock.
    pub fn clock(&self) -> crate::Clock {
        self.inner.env.clock
    }

    /// The supervision tree: each child of the root, and below each package its children in start order.
    pub async fn tree(&self) -> Vec<(String, Vec<ChildStatus>)> {
        self.ask_root(|reply| RootMsg::Tree { reply }).await.unwrap_or_default()
    }

    /// Lift the quarantine of a package's child (named as [`Engine::tree`] does) and start it again.
    pub async fn pardon(&self, package: &str, child: &str) -> bool {
        let (package, child) = (package.into(), child.to_owned());
        self.ask_root(|reply| RootMsg::Pardon { package, child, reply }).await.unwrap_or(false)
    }

    pub(crate) async fn ask_root<R: Send + 'static>(
        &self,
        message: impl FnOnce(ractor::RpcReplyPort<R>) -> RootMsg,
    ) -> Option<R> {
        // The tree below has deadlines of its own, which end earlier.
        let patience = self.inner.env.settings.call_deadline.saturating_mul(8);
        match self.inner.root.call(message, Some(patience)).await {
            Ok(CallResult::Success(answer)) => Some(answer),
            Ok(_) | Err(_) => None,
        }
    }
}
