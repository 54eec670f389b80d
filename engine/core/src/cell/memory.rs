//! Memory that a burst left behind, given back after a quiet while.

use super::Cell;
use super::turn::{CellTurn, TURN_LIMIT};

/// Turns in a row that used little, before memory of a burst is given back.
const QUIET_TURNS: u32 = 64;

impl Cell {
    pub(super) fn give_memory_back(&mut self, turn: &CellTurn) {
        self.quiet_turns = if turn.events > TURN_LIMIT / 16 { 0 } else { self.quiet_turns.saturating_add(1) };
        if self.quiet_turns == QUIET_TURNS {
            self.shrink();
        }
    }

    #[cold]
    fn shrink(&mut self) {
        for (slot, column) in self.slots.iter_mut().zip(&mut self.columns) {
            slot.shrink();
            column.shrink();
        }
        self.rows.shrink_to_fit();
    }
}
