//! `fn`: plain function calls, no engine. Also the reference for every answer.
//!
//! 256 events are made, run through the nodes by reference and dropped, over and over: the same number
//! is alive as in front of any engine.

use crate::error::BenchError;
use crate::event::{ALIVE, Event, Source};
use crate::harness::{Mode, Running, Start, Variant};
use crate::nodes;
use crate::tally::{Outcome, Tally};

/// The variant named `fn`.
pub(crate) const fn variant(start: Start) -> Variant {
    Variant { name: "fn", mode: Mode::Sequential, start }
}

pub(crate) fn lin() -> Result<Box<dyn Running>, BenchError> {
    started(|events, tally| {
        for event in events {
            tally.record(nodes::line(event));
        }
    })
}

pub(crate) fn join() -> Result<Box<dyn Running>, BenchError> {
    started(|events, tally| {
        for pair in events.as_chunks::<2>().0 {
            tally.record(nodes::pair_line(&pair[0], &pair[1]));
        }
    })
}

pub(crate) fn fan8() -> Result<Box<dyn Running>, BenchError> {
    started(|events, tally| {
        for event in events {
            for _ in 0..8 {
                tally.record(nodes::line(event));
            }
        }
    })
}

pub(crate) fn chain4() -> Result<Box<dyn Running>, BenchError> {
    started(|events, tally| {
        for event in events {
            let end = nodes::link(&nodes::link(&nodes::link(&nodes::link(event))));
            tally.record(nodes::chain_end(&end));
        }
    })
}

struct Plain<F> {
    batch: F,
}

fn started<F: Fn(&[Event], &Tally) + 'static>(batch: F) -> Result<Box<dyn Running>, BenchError> {
    Ok(Box::new(Plain { batch }))
}

impl<F: Fn(&[Event], &Tally)> Running for Plain<F> {
    fn run(&mut self, n_events: u64) -> Result<Outcome, BenchError> {
        let mut source = Source::new();
        let tally = Tally::default();
        let mut alive = Vec::with_capacity(ALIVE);
        let mut left = n_events as usize;
        while left > 0 {
            let n = left.min(ALIVE);
            alive.extend(source.by_ref().take(n));
            (self.batch)(&alive, &tally);
            alive.clear();
            left -= n;
        }
        Ok(tally.outcome())
    }
}
