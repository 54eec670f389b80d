//! The end of a worker: its task is dropped, and what its graph has not passed on is accounted for.

use super::{Worker, lock};
use crate::worker::ran::entries;
use acequia_core::fault::guarded;
use acequia_core::ledger::{Dropped, Entry};
use std::sync::Arc;
use std::time::Duration;

impl Worker {
    /// Whether it neither runs nor has anything in hand.
    pub(crate) fn is_idle(&self) -> bool {
        let state = lock(&self.state);
        !state.active && state.hand.is_none() && state.controls.is_empty()
    }

    /// Run nothing any more. A future in hand is dropped; code on a thread of its own runs to its end, and
    /// what it yields is not wanted. Outputs that were not passed on are dropped(unbound).
    pub(crate) async fn retire(self: &Arc<Self>, patience: Duration) {
        let task = {
            let mut state = lock(&self.state);
            state.held = true;
            state.retired = true;
            state.task.take()
        };
        if let Some(task) = task {
            task.abort();
            // It ends at its next wait; user code that spins is left behind.
            let _ = tokio::time::timeout(patience, task).await;
        }
        let (run, hand) = {
            let mut state = lock(&self.state);
            state.controls.clear();
            (state.run.take(), state.hand.take())
        };
        let _ = guarded(|| Ok(drop(hand)));
        match run {
            Some(mut run) => {
                self.with_context(|cx| run.give_up_outputs(Dropped::Unbound, cx));
                *lock(&self.outputs) = entries(&run);
                let _ = guarded(|| Ok(drop(run)));
            }
            // The run went with the task: what its sinks still held went with it.
            None => {
                for (_, entry) in lock(&self.outputs).iter_mut() {
                    let left = std::mem::take(&mut entry.unsettled);
                    Entry::drop(entry, Dropped::Unbound, left);
                }
            }
        }
    }
}
