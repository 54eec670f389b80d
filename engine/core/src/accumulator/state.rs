//! State: a window of the newest values, emitted whole at every write and at start.

use super::{Accumulator, Emitter, Exported, Fate, ImportError, Incoming, Tuning};
use crate::fault::Failure;
use crate::ledger::Settled;
use crate::payload::Payload;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::marker::PhantomData;

/// Keeps values and emits the window. `capacity > 0` evicts the oldest, `-1` keeps all, `0` only
/// absorbs and never emits.
pub struct StateWindow<E, T, F> {
    function: F,
    capacity: i64,
    window: VecDeque<T>,
    types: PhantomData<fn(E)>,
}

impl<E, T, F> StateWindow<E, T, F>
where
    T: Payload,
    F: FnMut(&E) -> Result<Option<T>, Failure>,
{
    /// A window of `capacity` values, starting with `initial`.
    pub fn new(capacity: i64, initial: Vec<T>, function: F) -> Self {
        let mut window = VecDeque::from(initial);
        evict_oldest(&mut window, capacity);
        Self { function, capacity, window, types: PhantomData }
    }

    fn emit(&self, out: &mut Emitter<'_, Vec<T>>) {
        out.emit(self.window.iter().cloned().collect());
    }
}

/// Drop from the front what exceeds `capacity`; negative means unbounded.
fn evict_oldest<T>(window: &mut VecDeque<T>, capacity: i64) {
    if let Ok(capacity) = usize::try_from(capacity) {
        while window.len() > capacity {
            window.pop_front();
        }
    }
}

impl<E, T, F> Accumulator for StateWindow<E, T, F>
where
    E: Payload,
    T: Payload,
    Vec<T>: Payload,
    F: FnMut(&E) -> Result<Option<T>, Failure> + Send + 'static,
{
    type Event = E;
    type Boundary = Vec<T>;

    fn accept(
        &mut self,
        event: Incoming<'_, E>,
        out: &mut Emitter<'_, Vec<T>>,
    ) -> Result<Fate<Vec<T>>, Failure> {
        let Some(value) = (self.function)(event.get())? else {
            return Ok(Fate::Settled(Settled::Filtered));
        };
        if self.capacity == 0 {
            return Ok(Fate::Settled(Settled::Absorbed));
        }
        self.window.push_back(value);
        evict_oldest(&mut self.window, self.capacity);
        self.emit(out);
        Ok(Fate::Settled(Settled::HandedOn))
    }

    fn export(&self, _now: Timestamp) -> Result<Option<Exported>, Failure> {
        Ok(Some(Exported::of(self.window.iter().cloned().collect::<Vec<T>>())))
    }

    fn import(&mut self, state: Exported, _now: Timestamp) -> Result<(), ImportError> {
        self.window = VecDeque::from(state.take::<Vec<T>>()?);
        evict_oldest(&mut self.window, self.capacity);
        Ok(())
    }

    fn tune(&mut self, tuning: &Tuning) {
        self.capacity = tuning.window_capacity.unwrap_or(self.capacity);
        evict_oldest(&mut self.window, self.capacity);
    }

    fn start(&mut self, out: &mut Emitter<'_, Vec<T>>) {
        if self.capacity != 0 && !self.window.is_empty() {
            self.emit(out);
        }
    }
}
