//! Merging the boundaries of several sources into one order of arrival.

use super::Cell;

impl Cell {
    /// Up to which arrival number boundaries can be merged, and how many of this turn may go beyond it.
    ///
    /// An event that was not handled yet may be older than what another source gave already, so the
    /// merge stops there. But a source whose column is full of boundaries that wait for partners cannot
    /// go on before those come: as long as its queue lasts, what stands behind it changes nothing.
    fn horizon(&self) -> (u64, u64, u64) {
        let (mut hard, mut soft, mut beyond) = (u64::MAX, u64::MAX, u64::MAX);
        for (source, slot) in self.slots.iter().enumerate() {
            let Some(frontier) = slot.frontier() else { continue };
            let waiting = self.policy.waiting(source);
            if waiting > 0 && self.room_in_column(source) == 0 {
                soft = soft.min(frontier);
                beyond = beyond.min(waiting);
            } else {
                hard = hard.min(frontier);
            }
        }
        (hard, soft, beyond)
    }

    /// Merge new boundaries by arrival, among what is visible.
    pub(super) fn arrive(&mut self) {
        if !self.policy.needs_order() {
            for (source, column) in self.columns.iter().enumerate() {
                let known = self.policy.n_arrived(source);
                self.policy.arrive(source, u32::try_from(column.len()).unwrap_or(u32::MAX) - known);
            }
            return;
        }
        let (hard, soft, beyond) = self.horizon();
        let mut heads = std::mem::take(&mut self.heads);
        heads.clear();
        heads.resize(self.orders.len(), 0);
        let mut merged = 0;
        while let Some((source, first, others)) = self.oldest(&heads) {
            if first >= hard || (first >= soft && merged >= beyond) {
                break;
            }
            let stop = if first < soft { hard.min(soft) } else { hard }.min(others);
            let most = if first < soft { u64::MAX } else { beyond - merged };
            let order = &self.orders[source][heads[source]..];
            let mut run = 1;
            while run < most && order.get(run as usize).is_some_and(|ticket| *ticket < stop) {
                run += 1;
            }
            heads[source] += run as usize;
            merged += run;
            self.policy.arrive(source, u32::try_from(run).unwrap_or(u32::MAX));
        }
        for (order, head) in self.orders.iter_mut().zip(&heads) {
            order.drain(..*head);
        }
        self.heads = heads;
    }

    /// The source whose next boundary arrived first, that arrival number, and the next one of any other.
    #[inline]
    fn oldest(&self, heads: &[usize]) -> Option<(usize, u64, u64)> {
        let (mut source, mut first, mut others) = (usize::MAX, u64::MAX, u64::MAX);
        for (other, (order, head)) in self.orders.iter().zip(heads).enumerate() {
            let Some(ticket) = order.get(*head).copied() else { continue };
            if ticket < first {
                others = first;
                (source, first) = (other, ticket);
            } else {
                others = others.min(ticket);
            }
        }
        (source != usize::MAX).then_some((source, first, others))
    }
}
