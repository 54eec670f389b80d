//! The engine of a test: in memory, on tokio's paused clock.

use super::probe::Probe;
use crate::clock::Clock;
use crate::engine::{Engine, EngineBuilder, StartError};
use crate::sink::Sink;
use acequia_core::cell::EdgeKind;
use acequia_core::id::{GraphName, TerminalName};
use acequia_core::payload::Payload;
use acequia_core::ring::PushError;
use acequia_sdk::Package;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How much virtual time a wait of the kit allows before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How many looks in a row must find nothing changed before a test counts as settled. A restart passes
/// through several actors without a trace in any counter.
const QUIET_LOOKS: usize = 48;

/// Real time that a writing thread is given, a millisecond a look.
const THREAD_LOOKS: usize = 100;

/// Steps in which [`TestEngine::advance`] lets time pass, so that timers go off one after another.
const STEPS: u32 = 200;

/// Describes a [`TestEngine`].
#[must_use = "nothing runs before `start`"]
pub struct TestEngineBuilder {
    engine: EngineBuilder,
}

impl TestEngineBuilder {
    /// Bring this package up at start.
    pub fn package(self, package: Package) -> Self {
        Self { engine: self.engine.package(package) }
    }

    /// Send the outputs of a terminal to `sink`.
    pub fn sink(self, graph: impl Into<GraphName>, terminal: impl Into<TerminalName>, sink: Sink) -> Self {
        Self { engine: self.engine.sink(graph, terminal, sink) }
    }

    /// Record the outputs of a terminal in `probe`, from the first event on.
    pub fn probe<T: Payload + Debug>(
        self,
        graph: impl Into<GraphName>,
        terminal: impl Into<TerminalName>,
        probe: &Probe<T>,
    ) -> Self {
        self.sink(graph, terminal, probe.sink())
    }

    /// Set what else [`EngineBuilder`] offers.
    pub fn with(self, configure: impl FnOnce(EngineBuilder) -> EngineBuilder) -> Self {
        Self { engine: configure(self.engine) }
    }

    /// Start it, with all packages up and running.
    ///
    /// # Panics
    /// If the clock is not paused (write `#[tokio::test(start_paused = true)]`), or the engine does not
    /// start.
    pub async fn start(self) -> TestEngine {
        match self.try_start().await {
            Ok(engine) => engine,
            Err(error) => panic!("the engine did not start: {error}"),
        }
    }

    /// Start it, or say what is wrong.
    ///
    /// # Errors
    /// As [`EngineBuilder::start`].
    ///
    /// # Panics
    /// If the clock is not paused.
    pub async fn try_start(self) -> Result<TestEngine, StartError> {
        // Panics where the clock runs.
        tokio::time::advance(Duration::ZERO).await;
        let engine = self.engine.clock(Clock::runtime()).start().await?;
        Ok(TestEngine { engine })
    }
}

/// An [`Engine`] on virtual time, with what a test needs besides. Dropping it stops the engine without
/// waiting.
pub struct TestEngine {
    engine: Engine,
}

impl TestEngine {
    /// Describe one.
    pub fn builder() -> TestEngineBuilder {
        TestEngineBuilder { engine: Engine::builder() }
    }

    /// Start one with these packages.
    ///
    /// # Panics
    /// As [`TestEngineBuilder::start`].
    pub async fn start(packages: impl IntoIterator<Item = Package>) -> Self {
        packages.into_iter().fold(Self::builder(), TestEngineBuilder::package).start().await
    }

    /// The engine itself, to keep or to move elsewhere.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Record the outputs of a terminal from now on.
    ///
    /// # Panics
    /// If there is no such terminal, or it yields another type.
    pub async fn probe<T: Payload + Debug>(
        &self,
        graph: impl Into<GraphName>,
        terminal: impl Into<TerminalName>,
    ) -> Probe<T> {
        let probe = Probe::new();
        if let Err(error) = self.engine.attach(graph, terminal, probe.sink()).await {
            panic!("the probe could not be attached: {error}");
        }
        probe
    }

    /// Push one event, waiting for room.
    ///
    /// # Panics
    /// If there is no such accumulator, it takes another type, it is closed, or there is no room within
    /// [`PATIENCE`] of virtual time.
    pub async fn push<T: Payload>(&self, accumulator: &str, event: T) {
        self.push_all(accumulator, [event]).await;
    }

    /// Push many events in order, waiting for room.
    ///
    /// # Panics
    /// As [`TestEngine::push`].
    pub async fn push_all<T: Payload>(&self, accumulator: &str, events: impl IntoIterator<Item = T>) {
        let handle = match self.engine.accumulator::<T>(accumulator) {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        };
        let mut push = std::pin::pin!(handle.push_batch(events));
        let (mut step, mut waited) = (Duration::from_millis(1), Duration::ZERO);
        while waited < PATIENCE {
            match tokio::time::timeout(step, &mut push).await {
                Ok(Ok(_)) => return,
                Ok(Err(PushError::Closed { .. })) => panic!("accumulator {accumulator} is closed"),
                Ok(Err(error)) => panic!("accumulator {accumulator}: {error}"),
                // Whoever makes room may be a thread, which has no virtual clock.
                Err(_) => real_milliseconds(step.as_millis().clamp(1, 20)).await,
            }
            waited += step;
            step = (step * 2).min(Duration::from_secs(1));
        }
        panic!("accumulator {accumulator} had no room within {PATIENCE:?}");
    }

    /// Let everything run that can run now. Time stands still, but for a few milliseconds where a firing
    /// is in hand elsewhere; what waits for a later time stays open.
    pub async fn settle(&self) {
        let mut looks = 0;
        loop {
            self.quieten().await;
            let kinds: Vec<bool> = self.engine.open_edges().await;
            let in_hand = kinds.contains(&true);
            if (kinds.is_empty() && !in_hand) || looks >= THREAD_LOOKS {
                return;
            }
            let before = self.figures().await;
            if in_hand {
                // The clock moves by itself only where no blocking thread is at work.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            real_millisecond().await;
            looks += 1;
            if in_hand && looks > 2 && self.figures().await == before {
                return;
            }
        }
    }

    /// Let `duration` of virtual time pass, then settle. Timers on the way go off in their order.
    pub async fn advance(&self, duration: Duration) {
        self.settle().await;
        let step = (duration / STEPS).max(Duration::from_millis(1));
        let mut left = duration;
        while !left.is_zero() {
            let now = left.min(step);
            tokio::time::advance(now).await;
            left -= now;
            for _ in 0..QUIET_LOOKS / 4 {
                tokio::task::yield_now().await;
            }
        }
        self.settle().await;
    }

    /// Settle, and check that every edge balances: accepted = settled + dropped + unsettled.
    ///
    /// # Panics
    /// If one does not, with the whole ledger.
    pub async fn assert_ledger(&self) {
        self.settle().await;
        let ledger = self.engine.ledger().await;
        if let Err((edge, imbalance)) = ledger.check() {
            panic!("edge {edge} does not balance: {imbalance}\n{ledger}");
        }
    }

    /// Settle, and check that nothing is open.
    ///
    /// # Panics
    /// If something is, with the places.
    pub async fn assert_settled(&self) {
        self.settle().await;
        let unsettled = self.engine.unsettled().await;
        if !unsettled.is_empty() {
            panic!("{unsettled}: {unsettled:#?}\n{}", self.engine.ledger().await);
        }
    }

    /// Take one waiting event of an accumulator out of every place that is counted, as a bug would do, to
    /// see that a check of the ledger can fail; false if none waits. Call it right after a push.
    ///
    /// # Panics
    /// If there is no such accumulator.
    pub async fn hide_one(&self, accumulator: &str) -> bool {
        match self.engine.hide_one(accumulator).await {
            Ok(hidden) => hidden,
            Err(error) => panic!("{error}"),
        }
    }

    /// Look until nothing changes any more, without letting time pass.
    async fn quieten(&self) {
        let (mut last, mut quiet, mut waits) = (self.figures().await, 0, 0);
        while quiet < QUIET_LOOKS {
            tokio::task::yield_now().await;
            // Nothing moves until a hook returns, on its own thread and in real time.
            if self.engine.inner.env.hooks.count() > 0 && waits < THREAD_LOOKS {
                (waits, quiet) = (waits + 1, 0);
                real_millisecond().await;
                continue;
            }
            let figures = self.figures().await;
            quiet = if figures == last { quiet + 1 } else { 0 };
            last = figures;
        }
    }

    /// Everything that moves when the engine does.
    async fn figures(&self) -> Vec<u64> {
        let counters = self.engine.counters();
        let counted = [&counters.firings, &counters.failures, &counters.restarts, &counters.quarantines];
        let mut figures: Vec<u64> = counted.iter().map(|counter| counter.load(Ordering::Relaxed)).collect();
        figures.push(self.engine.dead_letters().len() as u64);
        for (_, entry) in &self.engine.ledger().await.edges {
            figures.extend([entry.accepted, entry.settled(), entry.dropped(), entry.unsettled]);
        }
        figures
    }
}

impl Deref for TestEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Drop for TestEngine {
    fn drop(&mut self) {
        self.engine.inner.root.stop(None);
    }
}

impl Engine {
    /// For each place that a thread or a task of its own may still empty: whether that is a graph (else
    /// it is a sink).
    async fn open_edges(&self) -> Vec<bool> {
        let open = self.open_items().await.into_iter();
        open.filter_map(|open| match open.edge.kind {
            EdgeKind::Deliveries(_) if open.claimed => Some(true),
            EdgeKind::Outputs(_) => Some(false),
            _ => None,
        })
        .collect()
    }

    async fn hide_one(&self, accumulator: &str) -> Result<bool, crate::engine::LookupError> {
        let entry = self.accumulator_entry(accumulator)?;
        let source = entry.source;
        let hidden =
            entry.cell.ask(move |cell, _| (cell.slots_mut()[source].hide_one(), Default::default())).await;
        Ok(hidden.unwrap_or(false))
    }
}

/// Let so much real time pass.
async fn real_milliseconds(n: u128) {
    for _ in 0..n {
        real_millisecond().await;
    }
}

/// Let a millisecond of real time pass: a thread that writes a file has no virtual clock.
async fn real_millisecond() {
    let pause = || std::thread::park_timeout(Duration::from_millis(1));
    // A thread that could not be had is no reason to fail: there are more looks.
    let _ = tokio::task::spawn_blocking(pause).await;
}
