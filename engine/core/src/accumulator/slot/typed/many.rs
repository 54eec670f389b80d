//! Events that the part handles many at a time: the account that it gives becomes the slot's.

use super::{Phase, Slot};
use crate::accumulator::{Accumulator, Became, Emitter, FailedStep, Many, PendingBoundary};
use crate::fault::Failure;
use crate::time::Timestamp;

type Ended<B> = Result<Option<PendingBoundary<B>>, Failure>;

impl<A: Accumulator> Slot<A> {
    /// Handle events until the limit, a failure, or one that pends; `None` if the part handles one at a
    /// time.
    pub(super) fn run_many(
        &mut self,
        now: Timestamp,
        left: &mut usize,
        items: &mut Vec<A::Boundary>,
        order: &mut Vec<u64>,
    ) -> Option<Ended<A::Boundary>> {
        while *left > 0 && !self.input.is_empty() {
            self.phase = Phase::Accept;
            self.taken = false;
            let (n, before) = (self.input.len().min(*left), items.len());
            let many = self.part.accept_many(&self.input, n, now, &mut Emitter::new(items))?;
            let n_handled = many.fates.len();
            match self.account(many, before, left, items, order) {
                // A part that neither handles anything nor says why would be asked for ever.
                Ok(None) if n_handled == 0 => {
                    return Some(Err(Failure::error("the part handled no event and gave no reason")));
                }
                Ok(None) => {}
                ended => return Some(ended),
            }
        }
        Some(Ok(None))
    }

    fn account(
        &mut self,
        many: Many<A::Boundary>,
        before: usize,
        left: &mut usize,
        items: &mut Vec<A::Boundary>,
        order: &mut Vec<u64>,
    ) -> Ended<A::Boundary> {
        let mut end = before;
        for fate in many.fates.iter().take(*left) {
            match fate.became {
                Became::Settled(how) => self.entry.settle(how, 1),
                Became::Dropped(why) => self.entry.drop(why, 1),
                Became::Held => {}
            }
            self.release(fate.released);
            self.leave_front();
            // What the part says is not believed beyond what it did.
            let to = (end + fate.emitted).min(items.len());
            if !self.events_only {
                order.extend((end..to).map(|_| self.ticket));
            }
            end = to;
        }
        *left -= many.fates.len().min(*left);
        self.mark = end;
        items.truncate(end);
        if let Some(failed) = many.failure {
            self.phase = match failed.step {
                FailedStep::Accept => Phase::Accept,
                FailedStep::AcceptTaken => {
                    self.taken = self.input.pop_front().is_some();
                    Phase::Accept
                }
                FailedStep::Tick => Phase::Tick,
            };
            return Err(failed.failure);
        }
        Ok(many.pending)
    }
}
