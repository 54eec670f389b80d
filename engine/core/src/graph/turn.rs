//! Running the firings of one turn through a typed function, in place.

use super::origins::Origins;
use super::outcome::{Commit, Outcomes, TerminalSet, TurnEnd};
use crate::fault::Failure;
use crate::unpolled::is_unpolled;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What one firing yielded.
pub struct Fired<R> {
    /// Terminal outputs.
    pub outputs: R,
    /// The first failure; the branches that it did not touch still have their outputs.
    pub failure: Option<Failure>,
}

/// Run firings `from..n` through `fire`, which ends at once.
#[inline]
pub fn turn_sync<R: TerminalSet>(
    n: usize,
    from: usize,
    out: &mut Outcomes,
    mut fire: impl FnMut(usize) -> Fired<R>,
) -> TurnEnd {
    let (cursor, outputs, mut origins) = out.open();
    let mut open = R::open(outputs);
    for firing in from..n {
        cursor.begin(firing);
        let fired = fire(firing);
        if let Some(failure) = fired.failure {
            return TurnEnd::Failed { failure, rest: Some(commit_later(fired.outputs)) };
        }
        put(fired.outputs, firing, &mut open, origins.as_deref_mut());
    }
    TurnEnd::Done
}

/// Run firings `from..n` through `fire`, whose futures are polled once in place. The first that pends
/// is handed out whole, to go on elsewhere from where it stopped. One allocation a turn, not a firing.
pub fn turn_async<R, F>(
    n: usize,
    from: usize,
    out: &mut Outcomes,
    mut fire: impl FnMut(usize) -> F,
) -> TurnEnd
where
    R: TerminalSet,
    F: Future<Output = Fired<R>> + Send + 'static,
{
    let (cursor, outputs, mut origins) = out.open();
    let mut open = R::open(outputs);
    let mut context = Context::from_waker(Waker::noop());
    let mut hand: Option<Pin<Box<F>>> = None;
    for firing in from..n {
        cursor.begin(firing);
        let future = fire(firing);
        let mut boxed = match hand.take() {
            Some(mut boxed) => {
                boxed.set(future);
                boxed
            }
            None => Box::pin(future),
        };
        let polled = if is_unpolled() { Poll::Pending } else { boxed.as_mut().poll(&mut context) };
        match polled {
            Poll::Ready(Fired { outputs, failure: None }) => {
                put(outputs, firing, &mut open, origins.as_deref_mut());
            }
            Poll::Ready(Fired { outputs, failure: Some(failure) }) => {
                return TurnEnd::Failed { failure, rest: Some(commit_later(outputs)) };
            }
            Poll::Pending => {
                return TurnEnd::Pending(Box::pin(async move {
                    let fired = boxed.await;
                    (commit_later(fired.outputs), fired.failure)
                }));
            }
        }
        hand = Some(boxed);
    }
    TurnEnd::Done
}

/// Put the outputs of the firing at `firing` where they belong.
#[inline]
fn put<R: TerminalSet>(outputs: R, firing: usize, open: &mut R::Open<'_>, origins: Option<&mut Origins>) {
    if let Some(origins) = origins {
        outputs.note(open, firing, origins);
    }
    outputs.commit(open);
}

fn commit_later<R: TerminalSet>(outputs: R) -> Commit {
    Box::new(move |out| outputs.commit(&mut R::open(out.outputs())))
}
