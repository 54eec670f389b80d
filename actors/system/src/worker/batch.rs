//! Running one batch of deliveries: chunk by chunk, each failure and each wait where it occurs.

use super::ran::{Ran, copy, entries, run_view, timed_out_letter};
use super::{FAST_CHUNK, Step, Worker, lock};
use acequia_core::cell::{Batch, FiringIds, GraphRun, HandedOver};
use acequia_core::fault::{Failure, Verdict, guarded, guarded_future};
use acequia_core::graph::View;
use acequia_core::id::FiringId;
use acequia_core::ledger::Dropped;
use std::sync::atomic::Ordering;

/// Firings between two records of how far a graph has come that runs elsewhere.
const RECORDED_CHUNK: usize = 32;

impl Worker {
    /// Run one batch, firing by firing where there is a deadline.
    pub(super) async fn run_batch(&self, mut run: GraphRun, batch: Batch) -> (GraphRun, Step) {
        // What a chunk sends on is one batch of the journal, which has its limits.
        let most = if self.is_recorded() { RECORDED_CHUNK } else { usize::MAX };
        let (mut batch, mut from, mut quota) = (batch, 0, if self.blocking { 1 } else { most });
        run.set_again(batch.is_sent);
        while from < batch.len() {
            if from > 0 && lock(&self.state).held {
                self.delivery.deliver_back(&batch, from, self.env.now());
                return (run, Step::Next);
            }
            let (to, began) = (batch.len().min(from.saturating_add(quota)), self.env.now());
            let ended = self.run_some(run, batch, from, to).await;
            (run, batch) = (ended.run, ended.batch);
            if let Some(failure) = ended.quarantined {
                self.with_context(|cx| {
                    let map: Vec<usize> = (0..batch.columns.len()).collect();
                    let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
                    run.give_up(&view, FiringIds::Listed(&batch.ids), ended.done, Dropped::Quarantined, cx);
                });
                self.conclude(&mut run, batch.len() - from, batch.ids.last().copied());
                return (run, Step::Quarantined(failure));
            }
            let ran = ended.done - from;
            self.conclude(&mut run, ran, ended.done.checked_sub(1).map(|last| batch.ids[last]));
            from = ended.done;
            if let Some(hand) = ended.hand {
                match self.finish(&mut run, hand).await {
                    Step::Next => from += 1,
                    quarantined @ Step::Quarantined(_) => {
                        self.give_up_rest(&mut run, &batch, from + 1);
                        return (run, quarantined);
                    }
                }
            }
            self.flush(&mut run).await;
            let took = self.env.now().since(began);
            if took / u32::try_from(ran.max(1)).unwrap_or(u32::MAX) < self.env.settings.slow_firing / 4 {
                self.fast.fetch_add(ran, Ordering::Relaxed);
            } else {
                self.fast.store(0, Ordering::Relaxed);
            }
            if self.blocking && self.deadline.is_none() {
                // A graph that turns out to be fast need not change threads once a firing.
                let fast = took < FAST_CHUNK;
                quota = if fast { (quota * 2).min(256).min(most) } else { 1 };
            }
        }
        self.delivery.recycle(batch);
        (run, Step::Next)
    }

    fn give_up_rest(&self, run: &mut GraphRun, batch: &Batch, from: usize) {
        self.with_context(|cx| {
            let map: Vec<usize> = (0..batch.columns.len()).collect();
            let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
            run.give_up(&view, FiringIds::Listed(&batch.ids), from, Dropped::Quarantined, cx);
        });
        self.conclude(run, batch.len().saturating_sub(from), batch.ids.last().copied());
    }

    fn conclude(&self, run: &mut GraphRun, n: usize, upto: Option<u64>) {
        let exceptions = run.take_exceptions();
        // Before its firings leave the hand: what they yielded must not be nowhere meanwhile.
        run.offer();
        *lock(&self.outputs) = entries(run);
        if self.is_recorded() {
            // What it yielded is still to be written down.
            self.delivery.keep_open();
        }
        self.delivery.conclude(n as u64, upto.map(FiringId), run.entry(), exceptions);
    }

    /// Run firings `from..to`, on a blocking thread where the graph is slow.
    async fn run_some(&self, run: GraphRun, batch: Batch, from: usize, to: usize) -> Ran {
        let now = self.env.now();
        if !self.blocking {
            return self.reported(run_view(now, run, batch, from, to));
        }
        let id = batch.ids[from];
        let before = run.entry();
        let mut thread = self.env.spawn_blocking(move || run_view(now, run, batch, from, to));
        let in_time = match self.deadline {
            None => Some((&mut thread).await),
            Some(deadline) => tokio::time::timeout(deadline, &mut thread).await.ok(),
        };
        let late = in_time.is_none();
        let joined = match in_time {
            Some(joined) => joined,
            None => {
                // Reported now; the thread cannot be stopped, and what it yields is not wanted.
                self.delivery.time_out(FiringId(id));
                thread.await
            }
        };
        match joined {
            Ok(mut ran) if late => {
                let failure = Failure::timed_out(self.deadline.unwrap_or_default());
                let over = ran.run.overran(before, self.env.now());
                // Its rest is dropped with care: it is user code as well.
                let _ = guarded(|| Ok(drop(ran.hand.take())));
                ran.done = to;
                let letter = timed_out_letter(&self.graph, &ran.batch, from, self.env.now());
                (ran.letters, ran.failures) = (vec![letter], vec![failure.clone()]);
                ran.quarantined = over.then_some(failure);
                self.delivery.timed_out_returned();
                self.reported(ran)
            }
            Ok(ran) => self.reported(ran),
            // The runtime is going down, and this task with it.
            Err(cancelled) if cancelled.is_cancelled() => std::future::pending().await,
            Err(impossible) => unreachable!("user code is caught inside the blocking thread: {impossible}"),
        }
    }

    /// Report what a run left, once it is known to count.
    fn reported(&self, mut ran: Ran) -> Ran {
        self.report(std::mem::take(&mut ran.letters), &ran.failures);
        ran
    }

    /// Await the rest of the firing in hand; try it again as often as allowed.
    pub(super) async fn finish(&self, run: &mut GraphRun, hand: HandedOver) -> Step {
        let HandedOver { id, mut rest, inputs } = hand;
        loop {
            let awaited = guarded_future(async { Ok(rest.await) });
            let ended = match self.deadline {
                None => awaited.await,
                Some(deadline) => tokio::time::timeout(deadline, awaited)
                    .await
                    .unwrap_or_else(|_| Err(Failure::timed_out(deadline))),
            };
            let failure = match &ended {
                Ok((_, failure)) => failure.clone(),
                Err(failure) => Some(failure.clone()),
            };
            let verdict = self.with_context(|cx| run.resolve(id, ended, cx, &mut |_| copy(&inputs)));
            match (verdict, failure) {
                (Verdict::Retry, _) => match self.again(run, id, &inputs) {
                    Ok(pending) => rest = pending,
                    Err(step) => return step,
                },
                (Verdict::Quarantine, Some(failure)) => {
                    self.conclude(run, 1, Some(id.0));
                    return Step::Quarantined(failure);
                }
                _ => {
                    self.conclude(run, 1, Some(id.0));
                    return Step::Next;
                }
            }
        }
    }

    /// Run one firing from its inputs once more; its rest, if it pends again.
    fn again(
        &self,
        run: &mut GraphRun,
        id: FiringId,
        inputs: &[Box<dyn acequia_core::column::AnyColumn>],
    ) -> Result<acequia_core::graph::PendingFiring, Step> {
        let batch = Batch::single(id, inputs);
        let map: Vec<usize> = (0..batch.columns.len()).collect();
        let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
        let end = self.with_context(|cx| run.run(&view, FiringIds::Listed(&batch.ids), 0, cx));
        if let Some((_, rest)) = end.pending {
            return Ok(rest);
        }
        self.conclude(run, 1, Some(id.0));
        Err(end.quarantined.map_or(Step::Next, |(_, failure)| Step::Quarantined(failure)))
    }
}
