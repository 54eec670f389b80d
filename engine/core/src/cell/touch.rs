//! Reading a little of what a turn needs, ahead of it: the memory of several cells then comes side by side.

use super::Cell;
use super::run::GraphRun;
use super::seat::Seat;

impl Cell {
    /// Read a little of what a turn needs. A scheduler that is about to run several cells touches all of them
    /// first: what each needs then comes from memory side by side. What is returned means nothing.
    pub fn touch(&self) -> usize {
        let own = self.next_firing as usize ^ self.firings.accepted as usize ^ self.starved.len();
        let rows = self.rows.first().map_or(0, |row| *row as usize);
        let slots = self.slots.iter().fold(0, |sum, slot| sum ^ slot.touch());
        let columns = self.columns.iter().fold(0, |sum, column| sum ^ column.len());
        let seats = self.seats.iter().fold(0, |sum, seat| sum ^ seat.touch());
        own ^ rows ^ slots ^ columns ^ seats ^ self.policy.touch() ^ self.log.touch() as usize
    }
}

impl Seat {
    /// Read a little of what a turn needs.
    #[inline]
    fn touch(&self) -> usize {
        let run = self.run.as_ref().map_or(0, GraphRun::touch);
        let map = self.map.first().copied().unwrap_or(0);
        run ^ map ^ usize::from(self.delivery.has_waiting()) ^ self.accepted_in_place as usize
    }
}

impl GraphRun {
    /// Read a little of what a turn needs.
    #[inline]
    fn touch(&self) -> usize {
        let sinks = self.sinks.first().map_or(0, Vec::len);
        self.part.touch() ^ sinks ^ self.entry.settled_by[0] as usize ^ self.exceptions.len()
    }
}
