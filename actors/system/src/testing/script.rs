//! A scripted source: a test says, step by step, what it does.

use acequia_core::fault::Failure;
use acequia_core::payload::Payload;
use acequia_core::source::{SourceDecl, SourceOut};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A script without steps. See [`Script`].
pub fn script<T: Payload>() -> Script<T> {
    Script { shared: Arc::new(Shared { state: Mutex::new(State::default()), bell: Notify::new() }) }
}

/// The handle of a scripted source. Steps may be added before the engine starts and at any time after; a
/// source that has done all its steps waits for more. A step is done once: after a death, the next run
/// goes on behind the step that killed it.
///
/// ```
/// use acequia::AccumulatorDecl;
/// use acequia::testing::script;
/// use std::time::Duration;
///
/// let prices = script::<f64>();
/// prices.emit(10.0).wait(Duration::from_secs(1)).emit(11.0).fail("connection reset").emit(12.0).end();
/// let accumulator = AccumulatorDecl::passthrough::<f64>("prices").source(prices.source());
/// assert!(accumulator.source.is_some());
/// assert_eq!(prices.starts(), 0);
/// ```
pub struct Script<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    bell: Notify,
}

struct State<T> {
    steps: VecDeque<Step<T>>,
    emitted: u64,
    resumed: Vec<Option<u64>>,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self { steps: VecDeque::new(), emitted: 0, resumed: Vec::new() }
    }
}

enum Step<T> {
    Emit(T),
    Wait(Duration),
    Fail(String),
    Panic(String),
    End,
}

impl<T> Clone for Script<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Payload> Script<T> {
    /// Emit an event. The first has offset 0, the next 1, and so on.
    pub fn emit(&self, event: T) -> &Self {
        self.step(Step::Emit(event))
    }

    /// Let virtual time pass.
    pub fn wait(&self, duration: Duration) -> &Self {
        self.step(Step::Wait(duration))
    }

    /// Die of an error.
    pub fn fail(&self, reason: impl Into<String>) -> &Self {
        self.step(Step::Fail(reason.into()))
    }

    /// Die of a panic.
    pub fn panic(&self, text: impl Into<String>) -> &Self {
        self.step(Step::Panic(text.into()))
    }

    /// End in good order.
    pub fn end(&self) -> &Self {
        self.step(Step::End)
    }

    /// How often the engine has started it.
    pub fn starts(&self) -> usize {
        self.shared.lock().resumed.len()
    }

    /// The offset that each start was told to resume after, in order.
    pub fn resumed_after(&self) -> Vec<Option<u64>> {
        self.shared.lock().resumed.clone()
    }

    /// The source, to be declared with an accumulator of events `T`.
    pub fn source(&self) -> SourceDecl {
        let shared = Arc::clone(&self.shared);
        SourceDecl::run(move |out: SourceOut<T>| {
            shared.lock().resumed.push(out.resume_after());
            perform(Arc::clone(&shared), out)
        })
    }

    fn step(&self, step: Step<T>) -> &Self {
        self.shared.lock().steps.push_back(step);
        self.shared.bell.notify_one();
        self
    }
}

async fn perform<T: Payload>(shared: Arc<Shared<T>>, out: SourceOut<T>) -> Result<(), Failure> {
    loop {
        let step = shared.lock().steps.pop_front();
        match step {
            None => shared.bell.notified().await,
            Some(Step::Emit(event)) => {
                let offset = {
                    let mut state = shared.lock();
                    state.emitted += 1;
                    state.emitted - 1
                };
                out.push_at(offset, event).await?;
            }
            Some(Step::Wait(duration)) => tokio::time::sleep(duration).await,
            Some(Step::Fail(reason)) => return Err(Failure::error(reason)),
            Some(Step::Panic(text)) => panic!("{text}"),
            Some(Step::End) => return Ok(()),
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
