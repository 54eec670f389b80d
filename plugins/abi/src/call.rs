//! What is handed over with a call: borrowed, laid out alike on both sides, safe to read.

use crate::slice::{List, Slice};

/// Values of one source, in order.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ColumnInput<'a> {
    /// The encoded values.
    pub values: List<'a, Slice<'a>>,
    /// Sequence number of the first, which stays with a value for as long as it is in the column.
    pub first: u64,
    /// The same for as long as a sequence number means one value; unique to the column.
    pub epoch: u64,
}

/// The firings of one turn of a graph.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Turn<'a> {
    /// One column an input, in declared order.
    pub columns: List<'a, ColumnInput<'a>>,
    /// For each firing one index per column; `u32::MAX` where the source had no value yet.
    pub rows: List<'a, u32>,
    /// How many firings there are.
    pub firings: u64,
    /// Number of the firing at position 0.
    pub first_firing: u64,
    /// Bit `k` says that somebody takes the outputs of terminal `k`. Terminals beyond 63 are always taken.
    pub wanted: u64,
}

impl Turn<'_> {
    /// Whether somebody takes the outputs of `terminal`.
    pub fn wants(&self, terminal: usize) -> bool {
        terminal > 63 || self.wanted >> terminal & 1 == 1
    }
}

/// What an accumulator is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Operation {
    /// Handle these events, in order.
    Accept = 0,
    /// Offer what is offered at start.
    Start = 1,
    /// The due time has come.
    Tick = 2,
    /// Let go of what is held.
    Flush = 3,
    /// Give up what the last tick or flush failed on.
    EvictFailing = 4,
    /// Give up everything.
    EvictAll = 5,
    /// A panic was caught: go back to the last sound state.
    Recover = 6,
}

impl Operation {
    const ALL: [Self; 7] = [
        Self::Accept,
        Self::Start,
        Self::Tick,
        Self::Flush,
        Self::EvictFailing,
        Self::EvictAll,
        Self::Recover,
    ];
}

/// One call of an accumulator.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AccumulatorCall<'a> {
    operation: u32,
    /// The engine's clock, in nanoseconds.
    pub now: i64,
    /// Encoded events, for [`Operation::Accept`].
    pub events: List<'a, Slice<'a>>,
}

impl<'a> AccumulatorCall<'a> {
    /// A call at `now`.
    pub fn new(operation: Operation, now: i64, events: &'a [Slice<'a>]) -> Self {
        Self { operation: operation as u32, now, events: events.into() }
    }

    /// What is asked; none for a number that this side does not know.
    pub fn operation(&self) -> Option<Operation> {
        Operation::ALL.get(self.operation as usize).copied()
    }
}

/// A state that an accumulator is to go on with.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct StateCall<'a> {
    /// The engine's clock, in nanoseconds.
    pub now: i64,
    /// Hash of the state's schema.
    pub hash: [u8; 16],
    /// Name of its type, for messages.
    pub name: Slice<'a>,
    /// Its schema, for messages.
    pub schema: Slice<'a>,
    /// The encoded state.
    pub bytes: Slice<'a>,
}

/// How a source is to begin.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct SourceCall {
    resumes: u32,
    offset: u64,
}

impl SourceCall {
    /// A source that goes on behind `offset`, if an earlier run published something.
    pub fn new(resume_after: Option<u64>) -> Self {
        Self { resumes: u32::from(resume_after.is_some()), offset: resume_after.unwrap_or_default() }
    }

    /// The last offset that an earlier run published.
    pub fn resume_after(&self) -> Option<u64> {
        (self.resumes != 0).then_some(self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::{AccumulatorCall, Operation, SourceCall};

    #[test]
    fn operations_keep_their_numbers_and_unknown_ones_are_none() {
        for (number, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, number);
            assert_eq!(AccumulatorCall::new(operation, 0, &[]).operation(), Some(operation));
        }
        let mut call = AccumulatorCall::new(Operation::Accept, 0, &[]);
        call.operation = 99;
        assert_eq!(call.operation(), None);
        assert_eq!(SourceCall::new(Some(0)).resume_after(), Some(0));
        assert_eq!(SourceCall::new(None).resume_after(), None);
    }
}
