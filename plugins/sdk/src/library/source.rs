//! A source inside a library: its events leave as bytes, and wait for room in the engine's ring.

use super::fault;
use crate::SourceDecl;
use acequia_abi::{EventPush, Fault, LibraryFuture, LibrarySource, Pushed, RemotePush, Slice};
use acequia_core::fault::Failure;
use acequia_core::source::{SourceDrive, SourceFuture, SourceOffset, WireOut, WireRing};
use std::any::Any;
use std::sync::Arc;

/// Set the source in motion.
pub(super) fn start(
    decl: &SourceDecl,
    push: RemotePush,
    resume_after: Option<u64>,
) -> Result<LibrarySource, Fault> {
    let ring: Arc<dyn Any + Send + Sync> = Arc::new(WireRing(Arc::new(Remote(push))));
    let offset = Arc::new(SourceOffset::default());
    if let Some(resume_after) = resume_after {
        offset.set(resume_after);
    }
    match decl.drive(&ring, &offset) {
        Some(SourceDrive::Run(run)) => Ok(LibrarySource::Run(Box::pin(async move {
            run.await.map(|()| Vec::new()).map_err(|failure| fault(&failure))
        }))),
        Some(SourceDrive::Poll { interval, mut poll }) => {
            let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
            let ask = Box::new(move || -> LibraryFuture {
                let asked = poll();
                Box::pin(async move {
                    asked.await.map(|news| vec![u8::from(news)]).map_err(|failure| fault(&failure))
                })
            });
            Ok(LibrarySource::Poll { interval, ask })
        }
        None => Err(Fault::error("the source yields another type than the accumulator's events")),
    }
}

struct Remote(RemotePush);

impl WireOut for Remote {
    fn push(&self, events: &[Vec<u8>], offset: Option<u64>) -> Result<Option<SourceFuture<()>>, Failure> {
        let slices: Vec<Slice<'_>> = events.iter().map(|event| Slice::from(&event[..])).collect();
        match self.0.push(&slices, offset) {
            Pushed::Accepted => Ok(None),
            Pushed::Later(later) => Ok(Some(Box::pin(async move { later.await.map_err(Failure::error) }))),
            Pushed::Closed => Err(Failure::error("the accumulator is closed")),
        }
    }
}
