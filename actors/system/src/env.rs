//! What every part of one engine shares.

use crate::clock::Clock;
use crate::dead_letters::DeadLetters;
use crate::journal::EngineJournal;
use acequia_core::Timestamp;
use acequia_core::fault::Failure;
use acequia_core::letter::DeadLetter;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Limits and choices of one engine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A firing that takes longer moves its graph out of the cell.
    pub slow_firing: Duration,
    /// How many dead letters are kept; the oldest go first.
    pub dead_letters: usize,
    /// How long a call to an actor may take.
    pub call_deadline: Duration,
    /// Seed of the jitter in restart delays.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slow_firing: Duration::from_millis(10),
            dead_letters: 10_000,
            call_deadline: Duration::from_secs(10),
            seed: 0x0A_CE_01_A0,
        }
    }
}

/// Counters of one engine, cheap to write and read at any time.
#[derive(Debug, Default)]
pub struct Counters {
    /// Turns of all cells.
    pub turns: AtomicU64,
    /// Firings of all reactors.
    pub firings: AtomicU64,
    /// Failures of user code, each attempt counted.
    pub failures: AtomicU64,
    /// Restarts of actors.
    pub restarts: AtomicU64,
    /// Parts and actors taken out of service.
    pub quarantines: AtomicU64,
    /// Turns in which user code kept its thread for too long.
    pub stalls: AtomicU64,
}

/// Whether an engine takes work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineState {
    /// It does.
    Running,
    /// It was asked to shut down, or has.
    Stopping,
    /// It gave up: a budget of restarts was spent where nothing above could help. Nothing is accepted any
    /// more; start a new engine.
    Failed {
        /// What gave way.
        reason: String,
    },
}

/// How many of something are in hand.
#[derive(Default)]
pub(crate) struct InHand(AtomicUsize);

/// One of them, until it is dropped.
pub(crate) struct Held<'h>(&'h InHand);

impl InHand {
    pub(crate) fn begin(&self) -> Held<'_> {
        self.0.fetch_add(1, Ordering::AcqRel);
        Held(self)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Shared by all actors and cells of an engine.
pub(crate) struct Env {
    /// Identifies the engine in logs.
    pub(crate) id: uuid::Uuid,
    /// The clock.
    pub(crate) clock: Clock,
    /// Limits and choices.
    pub(crate) settings: Settings,
    /// Items that were given up.
    pub(crate) dead_letters: DeadLetters,
    /// Counters.
    pub(crate) counters: Counters,
    /// Hooks of packages that run at this moment, on threads of their own.
    pub(crate) hooks: InHand,
    journal: Option<Arc<EngineJournal>>,
    work: Handle,
    stopping: AtomicBool,
    failed: OnceLock<String>,
    marker: OnceLock<String>,
}

impl Env {
    /// The environment of an engine on the current runtime.
    pub(crate) fn new(clock: Clock, settings: Settings, journal: Option<Arc<EngineJournal>>) -> Arc<Self> {
        let env = Arc::new(Self {
            journal,
            id: uuid::Uuid::now_v7(),
            clock,
            dead_letters: DeadLetters::new(settings.dead_letters),
            counters: Counters::default(),
            hooks: InHand::default(),
            work: Handle::current(),
            stopping: AtomicBool::new(false),
            failed: OnceLock::new(),
            marker: OnceLock::new(),
            settings,
        });
        let me = Arc::downgrade(&env);
        env.dead_letters.set_on_settled(move |record| {
            let Some(env) = me.upgrade() else { return };
            if let Some(journal) = env.journal() {
                drop(journal.settle_letter(&env, record));
            }
        });
        env
    }

    /// The journal, if the engine has one.
    pub(crate) fn journal(&self) -> Option<&Arc<EngineJournal>> {
        self.journal.as_ref()
    }

    /// Now, by the engine's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Run a future on the work runtime. The caller owns its end: it is awaited, aborted, or reports
    /// back by itself.
    pub(crate) fn spawn<R: Send + 'static>(
        &self,
        future: impl Future<Output = R> + Send + 'static,
    ) -> JoinHandle<R> {
        self.work.spawn(future)
    }

    /// Run code that may block on a thread made for it.
    pub(crate) fn spawn_blocking<R: Send + 'static>(
        &self,
        code: impl FnOnce() -> R + Send + 'static,
    ) -> JoinHandle<R> {
        self.work.spawn_blocking(code)
    }

    /// The work runtime, for user code that expects to find one.
    pub(crate) fn work(&self) -> &Handle {
        &self.work
    }

    /// Tells this build of the program from others: the length and the time of its executable.
    pub(crate) fn marker(&self) -> &str {
        self.marker.get_or_init(|| {
            let file = std::env::current_exe().and_then(std::fs::metadata);
            file.map(|file| format!("{}-{:?}", file.len(), file.modified().ok())).unwrap_or_default()
        })
    }

    /// Whether shutdown has begun.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Shutdown begins; false if it had begun already.
    pub(crate) fn begin_stopping(&self) -> bool {
        !self.stopping.swap(true, Ordering::AcqRel)
    }

    /// The engine ends by itself, and says why, unless it was asked to stop before.
    pub(crate) fn fail(&self, reason: &str) {
        if self.begin_stopping() {
            let _ = self.failed.set(reason.to_owned());
        }
    }

    /// Whether the engine runs, stops, or gave up.
    pub(crate) fn state(&self) -> EngineState {
        match self.failed.get() {
            Some(reason) => EngineState::Failed { reason: reason.clone() },
            None if self.is_stopping() => EngineState::Stopping,
            None => EngineState::Running,
        }
    }

    /// Keep what was given up, and count what failed.
    pub(crate) fn report(&self, letters: Vec<DeadLetter>, failures: &[Failure]) {
        self.count(&letters, failures);
        letters.into_iter().for_each(|letter| self.dead_letters.push(letter));
    }

    /// Say what was given up, and count what failed.
    pub(crate) fn count(&self, letters: &[DeadLetter], failures: &[Failure]) {
        if !failures.is_empty() {
            self.counters.failures.fetch_add(failures.len() as u64, Ordering::Relaxed);
            for failure in failures {
                tracing::debug!(%failure, "user code failed");
            }
        }
        for letter in letters {
            tracing::warn!(place = %letter.place, item = %letter.item, why = ?letter.why, "item given up");
        }
    }
}
