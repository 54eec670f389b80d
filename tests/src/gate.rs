//! A gate that blocks a thread until a test lets it pass, as slow user code would.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Blocks threads. Dropping a test's last permit is no use: open it before the runtime ends.
#[derive(Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    entered: usize,
    permits: usize,
    open: bool,
}

impl Gate {
    /// Block until a permit is there, and take it.
    pub fn pass(&self) {
        let mut state = self.lock();
        state.entered += 1;
        let mut state = self
            .changed
            .wait_while(state, |state| !state.open && state.permits == 0)
            .unwrap_or_else(PoisonError::into_inner);
        state.permits = state.permits.saturating_sub(1);
    }

    /// Block for as long as this, as a slow call would.
    pub fn linger(&self, duration: Duration) {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, duration, |_| true);
        drop(waited);
    }

    /// Let one more thread pass.
    pub fn permit(&self) {
        self.lock().permits += 1;
        self.changed.notify_all();
    }

    /// Let everybody pass from now on.
    pub fn open(&self) {
        self.lock().open = true;
        self.changed.notify_all();
    }

    /// How many threads have come so far.
    pub fn entered(&self) -> usize {
        self.lock().entered
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
