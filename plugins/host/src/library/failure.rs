//! Faults of a library as failures of core.

use acequia_abi::{Fault, FaultKind, FrameError};
use acequia_core::fault::{Failure, FailureKind};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The same failure as in process.
pub(super) fn from_fault(fault: Fault) -> Failure {
    let kind = match fault.kind {
        FaultKind::Error => FailureKind::Error,
        FaultKind::Panic => FailureKind::Panic,
        FaultKind::TimedOut => FailureKind::TimedOut,
        FaultKind::Undecodable => FailureKind::Undecodable,
    };
    Failure { kind, node: fault.node.as_deref().map(interned), message: fault.message }
}

/// A reply that does not read.
pub(super) fn malformed(error: FrameError) -> Failure {
    Failure::error(error)
}

/// A node's name for as long as the process runs; there are as many as nodes were ever named.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name);
    name
}
