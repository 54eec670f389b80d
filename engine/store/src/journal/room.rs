//! How many bytes may wait to be synced.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Counts bytes up to a limit. One who takes room while there is none waits, if he wants to.
#[derive(Debug)]
pub(super) struct Room {
    limit: usize,
    used: AtomicUsize,
    n_waiting: AtomicUsize,
    is_shut: AtomicBool,
    is_lifted: AtomicBool,
    door: Mutex<()>,
    freed: Condvar,
}

impl Room {
    pub(super) fn new(limit: usize) -> Self {
        let (used, n_waiting) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (is_shut, is_lifted) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { limit, used, n_waiting, is_shut, is_lifted, door: Mutex::new(()), freed: Condvar::new() }
    }

    /// Takes room if there is enough.
    pub(super) fn try_take(&self, bytes: usize) -> bool {
        let is_lifted = self.is_lifted.load(Ordering::SeqCst);
        let fits = |used: usize| {
            let sum = used.saturating_add(bytes);
            // Whoever comes first always gets in.
            (used == 0 || sum <= self.limit || is_lifted).then_some(sum)
        };
        self.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).is_ok()
            || self.is_shut.load(Ordering::SeqCst)
    }

    /// Takes room, and waits until there is enough.
    pub(super) fn take(&self, bytes: usize) {
        if self.try_take(bytes) {
            return;
        }
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        // Said before looking again: who frees room afterwards sees it, who freed it before is seen.
        self.n_waiting.fetch_add(1, Ordering::SeqCst);
        while !self.try_take(bytes) {
            door = self.freed.wait(door).unwrap_or_else(PoisonError::into_inner);
        }
        self.n_waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Gives room back.
    pub(super) fn free(&self, bytes: usize) {
        let less = |used: usize| Some(used.saturating_sub(bytes));
        let _ = self.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        self.wake();
    }

    /// While it is lifted, the limit holds nobody back; what is taken counts all the same.
    pub(super) fn lift(&self, is_lifted: bool) {
        self.is_lifted.store(is_lifted, Ordering::SeqCst);
        self.wake();
    }

    /// Nobody waits any more: what is handed in now is refused elsewhere.
    pub(super) fn shut(&self) {
        self.is_shut.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        if self.n_waiting.load(Ordering::SeqCst) > 0 {
            // Whoever looked in vain waits by now.
            drop(self.door.lock().unwrap_or_else(PoisonError::into_inner));
            self.freed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn who_comes_first_gets_in_and_nobody_beyond_the_limit() {
        let room = Room::new(10);
        assert!(room.try_take(25));
        assert!(!room.try_take(1));
        room.free(25);
        assert!(room.try_take(6) && room.try_take(4) && !room.try_take(1));
    }

    #[test]
    fn beyond_a_lifted_limit_all_is_counted() {
        let room = Room::new(10);
        room.take(10);
        room.lift(true);
        room.take(5);
        room.lift(false);
        room.free(10);
        assert!(!room.try_take(6) && room.try_take(5));
    }

    #[test]
    fn nobody_waits_once_it_is_shut() {
        let room = Arc::new(Room::new(10));
        room.take(10);
        let waiting = {
            let room = Arc::clone(&room);
            thread::spawn(move || room.take(1))
        };
        room.shut();
        waiting.join().unwrap();
    }

    #[test]
    fn everybody_who_waits_gets_in() {
        let room = Arc::new(Room::new(10));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let room = Arc::clone(&room);
                thread::spawn(move || {
                    for _ in 0..1000 {
                        room.take(7);
                        room.free(7);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(room.used.load(Ordering::SeqCst), 0);
    }
}
