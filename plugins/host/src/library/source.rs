//! A source in a library, as a source of the engine.

use super::failure::from_fault;
use super::parts::Parts;
use acequia_abi::{EventPush, Fault, Pushed, Slice, SourceHandle};
use acequia_core::payload::{Encoded, WireType};
use acequia_core::ring::{PushError, Ring};
use acequia_core::source::{SourceDecl, SourceDrive, SourceFuture, SourceOffset};
use std::collections::VecDeque;
use std::sync::Arc;

/// The source of the accumulator at `index`.
pub(super) fn decl(parts: &Parts, index: usize, event: &'static WireType) -> SourceDecl {
    let parts = parts.clone();
    SourceDecl::driven(move |ring, offset| {
        let ring = Arc::clone(ring).downcast::<Ring<Encoded>>().ok()?;
        let resume_after = offset.get();
        let push = Arc::new(IntoRing { ring, offset: Arc::clone(offset), event });
        let begun = parts.instance();
        let made = begun.and_then(|of| of.handle.source(index, push, resume_after).map_err(from_fault));
        Some(match made {
            Ok(SourceHandle::Run(run)) => {
                SourceDrive::Run(Box::pin(async move { run.await.map(|_| ()).map_err(from_fault) }))
            }
            Ok(SourceHandle::Poll { interval, mut asks }) => {
                let poll = Box::new(move || -> SourceFuture<bool> {
                    let asked = asks.ask();
                    Box::pin(async move {
                        let reply = asked.map_err(from_fault)?.await.map_err(from_fault)?;
                        Ok(reply.bytes() == [1])
                    })
                });
                SourceDrive::Poll { interval, poll }
            }
            Err(failure) => SourceDrive::Run(Box::pin(std::future::ready(Err(failure)))),
        })
    })
}

/// Publishes what the library sends into the accumulator's ring.
struct IntoRing {
    ring: Arc<Ring<Encoded>>,
    offset: Arc<SourceOffset>,
    event: &'static WireType,
}

impl IntoRing {
    fn encoded(&self, event: &Slice<'_>) -> Encoded {
        Encoded::new(event.get().to_vec(), self.event)
    }

    fn note(offset: &SourceOffset, at: Option<u64>) {
        if let Some(at) = at {
            offset.set(at);
        }
    }

    /// Publish when there is room.
    fn later(&self, mut events: VecDeque<Encoded>, at: Option<u64>) -> Pushed {
        let (ring, offset) = (Arc::clone(&self.ring), Arc::clone(&self.offset));
        Pushed::Later(Box::pin(async move {
            let last = events.len().saturating_sub(1);
            let pushed = ring.push_many_at(&mut events, at.map(|at| (last, at))).await;
            pushed.map_err(Fault::error)?;
            Self::note(&offset, at);
            Ok(())
        }))
    }
}

impl EventPush for IntoRing {
    fn push(&self, events: &[Slice<'_>], offset: Option<u64>) -> Pushed {
        let [event] = events else {
            return self.later(events.iter().map(|event| self.encoded(event)).collect(), offset);
        };
        match self.ring.try_push(self.encoded(event)) {
            Ok(_) => {
                Self::note(&self.offset, offset);
                Pushed::Accepted
            }
            Err(PushError::Full { item, .. } | PushError::MustWait { item }) => {
                self.later(VecDeque::from([item]), offset)
            }
            Err(_) => Pushed::Closed,
        }
    }
}
