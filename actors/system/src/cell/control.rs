//! What is left with a cell for whoever owns it next.

use super::{SharedCell, lock};
use acequia_core::cell::{Cell, CellTurn, RunContext, TurnContext};
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

impl SharedCell {
    /// Do something with the cell at its next turn.
    pub(crate) fn post(
        &self,
        control: impl FnOnce(&mut Cell, &TurnContext<'_>) -> CellTurn + Send + 'static,
    ) {
        lock(&self.control).push_back(Box::new(control));
        self.has_control.store(true, Ordering::Release);
        self.schedule();
    }

    /// Ask the cell something at its next turn.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Cell, &TurnContext<'_>) -> (R, CellTurn) + Send + 'static,
    ) -> Option<R> {
        let (answer, answered) = oneshot::channel();
        self.post(move |cell, cx| {
            let (result, turn) = question(cell, cx);
            // Nobody may be waiting any more; what was done stays done.
            let _ = answer.send(result);
            turn
        });
        answered.await.ok()
    }

    /// The same for what only reports letters and failures.
    pub(crate) async fn ask_run<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Cell, &mut RunContext<'_>) -> R + Send + 'static,
    ) -> Option<R> {
        self.ask(move |cell, cx| {
            let mut turn = CellTurn::default();
            let mut run_cx = turn.run_context(cx.now, cx.waker);
            let result = question(cell, &mut run_cx);
            (result, turn)
        })
        .await
    }
}
