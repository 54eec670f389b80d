//! Passthrough: one event in, at most one boundary out.

use super::{Accumulator, Emitter, Fate, Incoming, PendingBoundary};
use crate::fault::Failure;
use crate::ledger::Settled;
use crate::payload::Payload;
use crate::ring::{Drawn, Ring};
use crate::unpolled::is_unpolled;
use std::collections::VecDeque;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Hands every event on as it is, without a call or a copy.
pub struct Identity<E>(PhantomData<fn(E)>);

impl<E> Default for Identity<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E: Payload> Accumulator for Identity<E> {
    type Event = E;
    type Boundary = E;
    const IS_IDENTITY: bool = true;

    fn accept(&mut self, event: Incoming<'_, E>, out: &mut Emitter<'_, E>) -> Result<Fate<E>, Failure> {
        out.emit(event.take());
        Ok(Fate::Settled(Settled::HandedOn))
    }

    fn hand_on(
        &mut self,
        ring: &Ring<E>,
        spare: &mut VecDeque<E>,
        limit: usize,
        out: &mut Emitter<'_, E>,
        order: &mut Vec<u64>,
    ) -> Option<Drawn> {
        Some(ring.draw_some(limit, out.items(), order, spare))
    }
}

/// What a user's function made of one event.
pub enum Reply<B> {
    /// It ended; `None` drops the event, counted as settled(filtered).
    Ready(Option<B>),
    /// It awaits something.
    Pending(PendingBoundary<B>),
}

/// Hands on what the user's function makes of each event.
pub struct Passthrough<E, B, F> {
    function: F,
    types: PhantomData<fn(E) -> B>,
}

impl<E, B, F> Passthrough<E, B, F>
where
    F: FnMut(&E) -> Result<Reply<B>, Failure>,
{
    /// A passthrough that calls `function` once an event.
    pub fn new(function: F) -> Self {
        Self { function, types: PhantomData }
    }
}

impl<E, B, F> Accumulator for Passthrough<E, B, F>
where
    E: Payload,
    B: Payload,
    F: FnMut(&E) -> Result<Reply<B>, Failure> + Send + 'static,
{
    type Event = E;
    type Boundary = B;

    fn accept(&mut self, event: Incoming<'_, E>, out: &mut Emitter<'_, B>) -> Result<Fate<B>, Failure> {
        Ok(match (self.function)(event.get())? {
            Reply::Ready(Some(boundary)) => {
                out.emit(boundary);
                Fate::Settled(Settled::HandedOn)
            }
            Reply::Ready(None) => Fate::Settled(Settled::Filtered),
            Reply::Pending(rest) => Fate::Pending(rest),
        })
    }
}

/// Makes an `async` function callable once an event. A future that is ready at its first poll costs no
/// allocation of its own: its box is used again for the next event.
pub fn async_function<E, B, F, Fut>(mut function: F) -> impl FnMut(&E) -> Result<Reply<B>, Failure>
where
    E: Payload,
    B: Payload,
    F: FnMut(E) -> Fut,
    Fut: Future<Output = Result<Option<B>, Failure>> + Send + 'static,
{
    let mut hand: Option<Pin<Box<Fut>>> = None;
    move |event| {
        // The function gets a copy, so that a panic cannot consume the event.
        let future = function(event.clone());
        let mut boxed = match hand.take() {
            Some(mut boxed) => {
                boxed.set(future);
                boxed
            }
            None => Box::pin(future),
        };
        let mut context = Context::from_waker(Waker::noop());
        let polled = if is_unpolled() { Poll::Pending } else { boxed.as_mut().poll(&mut context) };
        match polled {
            Poll::Ready(result) => {
                hand = Some(boxed);
                result.map(Reply::Ready)
            }
            Poll::Pending => Ok(Reply::Pending(boxed)),
        }
    }
}
