//! A slot takes the place of another one: the part is new, everything else goes on.

use super::{Awaited, Phase, Slot};
use crate::accumulator::Accumulator;
use crate::accumulator::slot::AnySlot;
use crate::ledger::Entry;
use crate::ring::Ring;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a slot is besides its part.
struct Body<E, B> {
    ring: Arc<Ring<E>>,
    input: VecDeque<E>,
    tickets: VecDeque<u64>,
    ticket: u64,
    entry: Entry,
    taken: bool,
    phase: Phase,
    awaited: Option<Awaited<B>>,
    events_only: bool,
}

impl<A: Accumulator> Slot<A> {
    pub(super) fn body(&mut self) -> Box<dyn Any + Send> {
        Box::new(Body::<A::Event, A::Boundary> {
            ring: Arc::clone(&self.ring),
            input: std::mem::take(&mut self.input),
            tickets: std::mem::take(&mut self.tickets),
            ticket: self.ticket,
            entry: std::mem::take(&mut self.entry),
            taken: self.taken,
            phase: self.phase,
            awaited: self.awaited.take(),
            events_only: self.events_only,
        })
    }

    pub(super) fn take_over(&mut self, old: &mut dyn AnySlot) -> bool {
        let same = old.ring().as_any().downcast::<Ring<A::Event>>().is_ok()
            && old.column().payload_type() == self.column().payload_type();
        if !same {
            return false;
        }
        let Ok(body) = old.hand_over().downcast::<Body<A::Event, A::Boundary>>() else { return false };
        let Body { ring, input, tickets, ticket, entry, taken, phase, awaited, events_only } = *body;
        (self.ring, self.input, self.tickets, self.ticket) = (ring, input, tickets, ticket);
        (self.entry, self.taken, self.phase) = (entry, taken, phase);
        (self.awaited, self.events_only) = (awaited, events_only);
        true
    }
}
