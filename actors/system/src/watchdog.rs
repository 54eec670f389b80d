//! The watchdog: a thread of its own that notices user code which does not return.
//!
//! A part that spins, or sleeps on the thread, stops its shard, and nothing inside the process can take
//! the thread away from it. What can be done is to say whose it is, at once and by name; whether to
//! restart the process is the host's decision.

use crate::clock::Clock;
use crate::directory::Directory;
use crate::env::Env;
use acequia_core::Timestamp;
use acequia_core::cell::InHand;
use acequia_core::id::{PackageName, ReactorName};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// User code that has had its thread for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stall {
    /// The reactor whose cell it runs in.
    pub reactor: ReactorName,
    /// The package whose part it is.
    pub package: PackageName,
    /// The part; nothing if it is the engine's own code.
    pub part: InHand,
    /// For how long its turn has been running, at least.
    pub lasted: Duration,
}

impl std::fmt::Display for Stall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reactor, package, lasted, .. } = self;
        match &self.part {
            InHand::Graph(graph, _) => write!(f, "graph {graph}")?,
            InHand::Accumulator(accumulator) => write!(f, "accumulator {accumulator}")?,
            InHand::Nothing => f.write_str("the turn")?,
        }
        write!(f, " of package {package} has kept reactor {reactor}, and its shard, for {lasted:?}")
    }
}

/// What is told of each stall, once. It runs on the watchdog's thread and must return.
pub(crate) type OnStall = Arc<dyn Fn(&Stall) + Send + Sync>;

/// What the watchdog does.
#[derive(Clone)]
pub(crate) struct WatchdogSettings {
    pub(crate) limit: Duration,
    pub(crate) on_stall: Option<OnStall>,
}

impl Default for WatchdogSettings {
    fn default() -> Self {
        Self { limit: Duration::from_secs(10), on_stall: None }
    }
}

/// The running watchdog. It ends when this is dropped.
pub(crate) struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Start looking. Without a thread to be had the engine does without.
    pub(crate) fn start(directory: &Arc<Directory>, env: &Arc<Env>, settings: WatchdogSettings) -> Self {
        let (stop, stopped) = channel();
        let watch = Watch {
            directory: Arc::downgrade(directory),
            env: Arc::clone(env),
            settings,
            turns: HashMap::new(),
        };
        let thread = std::thread::Builder::new().name("acequia-watchdog".to_owned());
        match thread.spawn(move || watch.run(&stopped)) {
            Ok(thread) => Self { stop: Some(stop), thread: Some(thread) },
            Err(error) => {
                tracing::warn!(%error, "no thread for the watchdog: stalls will not be reported");
                Self { stop: None, thread: None }
            }
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// A turn as it was first seen.
struct Seen {
    turn: u64,
    since: Timestamp,
    told: bool,
}

struct Watch {
    directory: Weak<Directory>,
    env: Arc<Env>,
    settings: WatchdogSettings,
    turns: HashMap<ReactorName, Seen>,
}

impl Watch {
    fn run(mut self, stopped: &Receiver<()>) {
        // A turn is told of between one and one and a quarter times the limit.
        let period = (self.settings.limit / 4).max(Duration::from_millis(1));
        // Code that spins stops every clock but the real one.
        let clock = Clock::monotonic();
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(period) {
            let Some(directory) = self.directory.upgrade() else { return };
            for stall in self.look(&directory, clock.now()) {
                tracing::error!(reactor = %stall.reactor, package = %stall.package, "{stall}");
                self.env.counters.stalls.fetch_add(1, Ordering::Relaxed);
                if let Some(on_stall) = &self.settings.on_stall {
                    on_stall(&stall);
                }
            }
        }
    }

    /// Turns that are too long and were not told of.
    fn look(&mut self, directory: &Directory, now: Timestamp) -> Vec<Stall> {
        let mut stalls = Vec::new();
        self.turns.retain(|name, _| directory.entry(name).is_some());
        for entry in directory.reactors.iter().chain(directory.shared.iter()) {
            let name = entry.key();
            if !entry.cell.is_running() {
                self.turns.remove(name);
                continue;
            }
            let (turn, part) = entry.cell.in_hand();
            let seen = self.turns.entry(name.clone()).or_insert(Seen { turn, since: now, told: false });
            if seen.turn != turn {
                *seen = Seen { turn, since: now, told: false };
            }
            let lasted = now.since(seen.since);
            if !seen.told && lasted >= self.settings.limit {
                seen.told = true;
                let package = match &part {
                    InHand::Graph(_, package) => package.clone(),
                    InHand::Accumulator(_) | InHand::Nothing => entry.package.clone(),
                };
                stalls.push(Stall { reactor: name.clone(), package, part, lasted });
            }
        }
        stalls
    }
}
