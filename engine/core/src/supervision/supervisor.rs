//! What a supervisor does when a child ends.

use super::backoff::Backoff;
use super::child::{ChildSpec, Exit, Intensity, Restart, Strategy};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// Decides for an ordered list of children.
#[derive(Debug)]
pub struct Supervisor {
    strategy: Strategy,
    intensity: Intensity,
    children: Vec<Child>,
    restarts: VecDeque<Timestamp>,
}

#[derive(Debug)]
struct Child {
    spec: ChildSpec,
    backoff: Backoff,
    restarts: VecDeque<Timestamp>,
}

/// The answer to a child's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// Let it be.
    Ignore,
    /// Stop `children` in reverse order, all but the one that ended; after `delay` start them in order.
    Restart {
        /// The children concerned, by position.
        children: Range<usize>,
        /// How long to wait.
        delay: Duration,
    },
    /// This child has used up its own budget: take it out of service.
    Quarantine {
        /// The child, by position.
        child: usize,
        /// Why it ended the last time.
        reason: String,
    },
    /// The supervisor's budget is spent: end with this reason, so that one's own supervisor decides.
    Escalate {
        /// Why.
        reason: String,
    },
}

impl Supervisor {
    /// A supervisor without children. `intensity` bounds the restarts of all children together.
    pub fn new(strategy: Strategy, intensity: Intensity) -> Self {
        Self { strategy, intensity, children: Vec::new(), restarts: VecDeque::new() }
    }

    /// Add a child behind the others; returns its position.
    pub fn add(&mut self, spec: ChildSpec, seed: u64) -> usize {
        self.children.push(Child { spec, backoff: Backoff::new(seed), restarts: VecDeque::new() });
        self.children.len() - 1
    }

    /// Forget a child; those behind it move up.
    pub fn remove(&mut self, child: usize) {
        self.children.remove(child);
    }

    /// Children in start order; teardown is the reverse.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = &ChildSpec> {
        self.children.iter().map(|child| &child.spec)
    }

    /// One child by position.
    pub fn child(&self, child: usize) -> Option<&ChildSpec> {
        self.children.get(child).map(|child| &child.spec)
    }

    /// `child` ended at `now`.
    pub fn exited(&mut self, child: usize, exit: Exit, now: Timestamp) -> Reaction {
        let restart = self.children[child].spec.restart;
        let reason = match (exit, restart) {
            (_, Restart::Temporary) | (Exit::Normal, Restart::Transient) => return Reaction::Ignore,
            (Exit::Normal, _) => "it ended although it is permanent".to_owned(),
            (Exit::Failed(reason), _) => reason,
        };
        let own = &mut self.children[child];
        if own.restarts.back().is_some_and(|last| now.since(*last) > own.spec.intensity.period) {
            own.backoff.reset();
        }
        if spent(&mut own.restarts, own.spec.intensity, now) {
            return Reaction::Quarantine { child, reason };
        }
        if spent(&mut self.restarts, self.intensity, now) {
            let name = &self.children[child].spec.name;
            return Reaction::Escalate {
                reason: format!("too many restarts; the last was of {name}: {reason}"),
            };
        }
        let children = match self.strategy {
            Strategy::OneForOne => child..child + 1,
            Strategy::RestForOne => child..self.children.len(),
            Strategy::OneForAll => 0..self.children.len(),
        };
        Reaction::Restart { children, delay: self.children[child].backoff.next_delay() }
    }

    /// An operator lifted a quarantine: begin anew with this child.
    pub fn pardon(&mut self, child: usize) {
        let child = &mut self.children[child];
        child.restarts.clear();
        child.backoff.reset();
    }
}

/// Note a restart; true if there have been too many in the period.
fn spent(restarts: &mut VecDeque<Timestamp>, intensity: Intensity, now: Timestamp) -> bool {
    while restarts.front().is_some_and(|first| now.since(*first) > intensity.period) {
        restarts.pop_front();
    }
    if restarts.len() >= intensity.restarts as usize {
        return true;
    }
    restarts.push_back(now);
    false
}
