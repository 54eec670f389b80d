//! Faults of parts: how often an item is tried, and when a part has failed too much.
//!
//! A part's fault is an item's fault: the item is tried again for this subscriber only, then becomes
//! a dead letter. The budget counts what happened in a sliding window and says when to quarantine.

use crate::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Limits of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultBudget {
    /// How often one item is tried before it becomes a dead letter; at least 1.
    pub attempts: u32,
    /// Dead letters within `window` that quarantine the part.
    pub dead_letters: u32,
    /// Panics and errors within `window` that quarantine the part.
    pub faults: u32,
    /// Length of the sliding window.
    pub window: Duration,
}

impl Default for FaultBudget {
    /// Three attempts an item; three dead letters or ten faults a minute.
    fn default() -> Self {
        Self { attempts: 3, dead_letters: 3, faults: 10, window: Duration::from_secs(60) }
    }
}

impl FaultBudget {
    /// Never quarantines; each item is tried `attempts` times.
    pub fn unlimited(attempts: u32) -> Self {
        Self {
            attempts: attempts.max(1),
            dead_letters: u32::MAX,
            faults: u32::MAX,
            window: Duration::from_secs(60),
        }
    }
}

/// What to do with the item in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try it again.
    Retry,
    /// It becomes a dead letter; the part goes on.
    DeadLetter,
    /// It becomes a dead letter, and the part is quarantined.
    Quarantine,
}

/// Counts the faults of one part against its budget.
#[derive(Debug, Clone)]
pub struct FaultMeter {
    budget: FaultBudget,
    faults: VecDeque<Timestamp>,
    dead: VecDeque<Timestamp>,
    attempts: u32,
    total: u64,
}

impl FaultMeter {
    /// A meter that has seen nothing.
    pub fn new(budget: FaultBudget) -> Self {
        Self { budget, faults: VecDeque::new(), dead: VecDeque::new(), attempts: 0, total: 0 }
    }

    /// The item in hand failed at `now`: what becomes of it.
    pub fn fault(&mut self, now: Timestamp) -> Verdict {
        self.attempts += 1;
        self.total += 1;
        let over = note(&mut self.faults, now, self.budget.window, self.budget.faults);
        if !over && self.attempts < self.budget.attempts {
            return Verdict::Retry;
        }
        self.attempts = 0;
        let dead = note(&mut self.dead, now, self.budget.window, self.budget.dead_letters);
        if over || dead { Verdict::Quarantine } else { Verdict::DeadLetter }
    }

    /// The item in hand passed.
    pub fn passed(&mut self) {
        self.attempts = 0;
    }

    /// Attempts that the item in hand has used.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Faults since the start.
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// Note one more at `now`; true once `limit` lie within `window`.
fn note(seen: &mut VecDeque<Timestamp>, now: Timestamp, window: Duration, limit: u32) -> bool {
    if limit == u32::MAX {
        return false;
    }
    seen.push_back(now);
    while seen.front().is_some_and(|first| now.since(*first) > window) {
        seen.pop_front();
    }
    seen.len() >= limit as usize
}

/// How user code failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// It returned an error.
    Error,
    /// It panicked.
    Panic,
    /// It did not end before its deadline.
    TimedOut,
    /// It was not called: the bytes of its input are no value of the type that it takes.
    Undecodable,
}

/// A failure of user code, as text: whatever it was, it stays on its side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.prefix())]
pub struct Failure {
    /// How it failed.
    pub kind: FailureKind,
    /// The node it failed in, where known.
    pub node: Option<&'static str>,
    /// What it said.
    pub message: String,
}

impl Failure {
    /// An error that user code returned.
    pub fn error(message: impl std::fmt::Display) -> Self {
        Self { kind: FailureKind::Error, node: None, message: message.to_string() }
    }

    /// An error with the errors behind it, since only the text goes on.
    pub fn chain(error: impl std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self { kind: FailureKind::Error, node: None, message }
    }

    /// Bytes that are no value of the type; trying again would not help.
    pub fn undecodable(error: impl std::fmt::Display) -> Self {
        Self { kind: FailureKind::Undecodable, node: None, message: error.to_string() }
    }

    /// A deadline that passed.
    pub fn timed_out(deadline: Duration) -> Self {
        Self { kind: FailureKind::TimedOut, node: None, message: format!("no outcome after {deadline:?}") }
    }

    /// A caught panic. The payload is read as text where it is text, and dropped with care: its own
    /// `Drop` may panic.
    pub fn panic(payload: Box<dyn std::any::Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "a panic without text".to_owned()
        };
        // A payload whose `Drop` panics must not take the turn down with it.
        if let Err(second) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        Self { kind: FailureKind::Panic, node: None, message }
    }

    /// The same failure, placed in `node`.
    #[must_use]
    pub fn in_node(mut self, node: &'static str) -> Self {
        self.node.get_or_insert(node);
        self
    }

    fn prefix(&self) -> String {
        let what = match self.kind {
            FailureKind::Error => "",
            FailureKind::Undecodable => "undecodable: ",
            FailureKind::Panic => "panicked: ",
            FailureKind::TimedOut => "timed out: ",
        };
        match self.node {
            Some(node) => format!("{node}: {what}"),
            None => what.to_owned(),
        }
    }
}

/// Run user code; a panic becomes a [`Failure`].
///
/// # Errors
/// What the code returned, or the caught panic.
pub fn guarded<R>(code: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
    // The callers keep inputs borrowed and commit state only after success, so nothing half-done is
    // seen afterwards.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(code)) {
        Ok(result) => result,
        Err(payload) => Err(Failure::panic(payload)),
    }
}

/// The same for a future: a panic in any poll becomes a [`Failure`].
///
/// # Errors
/// What the future returned, or the caught panic.
pub async fn guarded_future<R>(future: impl Future<Output = Result<R, Failure>>) -> Result<R, Failure> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| match guarded(|| Ok(future.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(failure) => std::task::Poll::Ready(Err(failure)),
    })
    .await
}
