//! Several cells that are about to run: what their turns need comes from memory side by side.
//!
//! A reactor that seldom fires finds its cell in no cache. Run one after another, each waits for some
//! dozens of lines of memory, mostly one at a time. Touched together before the first of them runs, they
//! wait for the slowest line of all. Each is claimed while it is touched, and no longer.

use super::{READY, SharedCell, lock};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How many cells are touched together.
pub(crate) const GROUP: usize = 8;

/// Touch the first [`GROUP`] of `cells`, which are taken from the ready list and will have a turn.
pub(crate) fn touch_group(cells: &[Arc<SharedCell>]) {
    let cells = &cells[..cells.len().min(GROUP)];
    // No step of this waits for another cell's memory: loads first, then exchanges on lines that have come,
    // since an exchange lets nothing pass.
    black_box(cells.iter().fold(0, |sum, cell| sum ^ cell.claim.load(Ordering::Relaxed)));
    let touches: [Option<Touch<'_>>; GROUP] =
        std::array::from_fn(|at| cells.get(at).filter(|cell| cell.try_claim()).map(|cell| Touch(cell)));
    let owned: [_; GROUP] = std::array::from_fn(|at| touches[at].as_ref().map(|touch| lock(&touch.0.cell)));
    black_box(owned.iter().flatten().fold(0, |sum, cell| sum ^ cell.touch()));
}

/// The claim of a cell that is touched. It is given back with the mark that says "on the ready list".
struct Touch<'a>(&'a SharedCell);

impl Drop for Touch<'_> {
    fn drop(&mut self) {
        // Whoever left a mark meanwhile relied on an owner who runs it: its turn is still to come.
        self.0.claim.store(READY, Ordering::Release);
    }
}
