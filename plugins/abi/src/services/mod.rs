//! What an engine does for code in a library: time, threads that may block, an ear, and room for events.

mod log;

pub use log::{LogLevel, LogLine, LogSink, RemoteLog};

use crate::fault::{Fault, contained, drop_with_care};
use crate::future::{LibraryFuture, RawFuture};
use crate::slice::{List, Slice};
use std::ffi::c_void;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Code to be run once.
pub type Offloaded = Box<dyn FnOnce() + Send>;

/// What user code asks of the engine that runs it.
pub trait HostServices: Send + Sync {
    /// Ends after `duration` of the engine's time.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// Run `code` on a thread that may block.
    fn offload(&self, code: Offloaded);

    /// Whether anybody takes log lines of that level. Asked before each line is made.
    fn listens(&self, _level: LogLevel) -> bool {
        false
    }

    /// Take a log line of code in a library.
    fn log(&self, _line: &LogLine<'_>) {}
}

/// What became of pushed events.
pub enum Pushed {
    /// All are in.
    Accepted,
    /// They are in once this has ended.
    Later(Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>),
    /// The accumulator takes no more.
    Closed,
}

/// Where a source's events go, on the engine's side.
pub trait EventPush: Send + Sync {
    /// Publish encoded events, in order. Once they are in, `offset` is where the source goes on after a
    /// restart.
    fn push(&self, events: &[Slice<'_>], offset: Option<u64>) -> Pushed;
}

/// Functions that a host lends to a library.
#[repr(C)]
pub struct HostTable {
    size: u64,
    context: *mut c_void,
    free: unsafe extern "C" fn(*mut c_void),
    sleep: unsafe extern "C" fn(*const c_void, u64, &mut RawFuture),
    offload: unsafe extern "C" fn(*const c_void, RawTask),
}

// SAFETY: it stands for an `Arc<dyn HostServices>`, which is `Send` and `Sync`.
unsafe impl Send for HostTable {}
// SAFETY: as above.
unsafe impl Sync for HostTable {}

type Services = Arc<dyn HostServices>;

impl From<Services> for HostTable {
    fn from(services: Services) -> Self {
        Self {
            size: size_of::<Self>() as u64,
            context: Box::into_raw(Box::new(services)).cast(),
            free: free_services,
            sleep,
            offload,
        }
    }
}

impl Drop for HostTable {
    fn drop(&mut self) {
        // SAFETY: the host set `free` for `context`; it is given up here, once.
        unsafe { (self.free)(self.context) }
    }
}

unsafe extern "C" fn free_services(context: *mut c_void) {
    // SAFETY: `HostTable::from` made `context` from this box, and its owner gives it up.
    drop_with_care(unsafe { Box::from_raw(context.cast::<Services>()) });
}

unsafe extern "C" fn sleep(context: *const c_void, nanos: u64, future: &mut RawFuture) {
    // SAFETY: `HostTable::from` made `context` from this box, and the table is not yet freed.
    let services = unsafe { &*context.cast::<Services>() };
    let made = contained(|| Ok(services.sleep(Duration::from_nanos(nanos))));
    let slept: LibraryFuture = Box::pin(async move {
        made?.await;
        Ok(Vec::new())
    });
    *future = RawFuture::from(slept);
}

unsafe extern "C" fn offload(context: *const c_void, task: RawTask) {
    // SAFETY: as in `sleep`.
    let services = unsafe { &*context.cast::<Services>() };
    // If the host cannot take it, the task is dropped; whoever awaits it is told.
    let _ = contained(|| Ok(services.offload(Box::new(move || task.run()))));
}

impl HostServices for HostTable {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut raw = RawFuture::default();
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: the host set `sleep` for `context`, which this table still owns.
        unsafe { (self.sleep)(self.context, nanos, &mut raw) };
        let slept = raw.take();
        Box::pin(async move {
            if let Some(slept) = slept {
                // A host without a timer cannot be waited for.
                let _ = slept.await;
            }
        })
    }

    fn offload(&self, code: Offloaded) {
        // SAFETY: the host set `offload` for `context`, which this table still owns.
        unsafe { (self.offload)(self.context, RawTask::from(code)) }
    }
}

/// The services of a host, as a library has them.
pub(crate) struct RemoteServices {
    pub(crate) table: HostTable,
    /// None if the host is too old to listen.
    pub(crate) log: Option<RemoteLog>,
}

impl HostServices for RemoteServices {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.table.sleep(duration)
    }

    fn offload(&self, code: Offloaded) {
        self.table.offload(code);
    }

    fn listens(&self, level: LogLevel) -> bool {
        self.log.as_ref().is_some_and(|log| log.listens(level))
    }

    fn log(&self, line: &LogLine<'_>) {
        if let Some(log) = &self.log {
            log.log(line);
        }
    }
}

/// Code of the other side, to be run at most once.
#[repr(C)]
struct RawTask {
    state: *mut c_void,
    run: unsafe extern "C" fn(*mut c_void),
    free: unsafe extern "C" fn(*mut c_void),
}

// SAFETY: it stands for an `Offloaded`, which is `Send`.
unsafe impl Send for RawTask {}

impl From<Offloaded> for RawTask {
    fn from(code: Offloaded) -> Self {
        Self { state: Box::into_raw(Box::new(code)).cast(), run: run_task, free: free_task }
    }
}

impl RawTask {
    fn run(self) {
        let task = std::mem::ManuallyDrop::new(self);
        // SAFETY: its maker set `run` for `state`; `run` gives it up, so `free` must not.
        unsafe { (task.run)(task.state) }
    }
}

impl Drop for RawTask {
    fn drop(&mut self) {
        // SAFETY: its maker set `free` for `state`; it has not run, and is given up here.
        unsafe { (self.free)(self.state) }
    }
}

unsafe extern "C" fn run_task(state: *mut c_void) {
    // SAFETY: `RawTask::from` made `state` from this box, and its owner gives it up.
    let code = unsafe { Box::from_raw(state.cast::<Offloaded>()) };
    let _ = contained(|| Ok(code()));
}

unsafe extern "C" fn free_task(state: *mut c_void) {
    // SAFETY: as in `run_task`.
    drop_with_care(unsafe { Box::from_raw(state.cast::<Offloaded>()) });
}

mod pushed {
    pub(super) const ACCEPTED: u32 = 0;
    pub(super) const LATER: u32 = 1;
    pub(super) const CLOSED: u32 = 2;
}

/// Where a source's events go, on the library's side.
#[repr(C)]
pub struct RemotePush {
    context: *mut c_void,
    push: unsafe extern "C" fn(
        *const c_void,
        List<'_, Slice<'_>>,
        crate::call::SourceCall,
        &mut RawFuture,
    ) -> u32,
    free: unsafe extern "C" fn(*mut c_void),
}

// SAFETY: it stands for an `Arc<dyn EventPush>`, which is `Send` and `Sync`.
unsafe impl Send for RemotePush {}
// SAFETY: as above.
unsafe impl Sync for RemotePush {}

impl From<Arc<dyn EventPush>> for RemotePush {
    fn from(push: Arc<dyn EventPush>) -> Self {
        Self { context: Box::into_raw(Box::new(push)).cast(), push: push_events, free: free_push }
    }
}

impl Drop for RemotePush {
    fn drop(&mut self) {
        // SAFETY: the host set `free` for `context`; it is given up here, once.
        unsafe { (self.free)(self.context) }
    }
}

impl EventPush for RemotePush {
    fn push(&self, events: &[Slice<'_>], offset: Option<u64>) -> Pushed {
        let (mut raw, offset) = (RawFuture::default(), crate::call::SourceCall::new(offset));
        // SAFETY: the host set `push` for `context`, which this still owns.
        let said = unsafe { (self.push)(self.context, events.into(), offset, &mut raw) };
        match (said, raw.take()) {
            (pushed::ACCEPTED, _) => Pushed::Accepted,
            (pushed::LATER, Some(later)) => Pushed::Later(Box::pin(async move { later.await.map(|_| ()) })),
            _ => Pushed::Closed,
        }
    }
}

unsafe extern "C" fn push_events(
    context: *const c_void,
    events: List<'_, Slice<'_>>,
    offset: crate::call::SourceCall,
    future: &mut RawFuture,
) -> u32 {
    // SAFETY: `RemotePush::from` made `context` from this box, and it is not yet freed.
    let push = unsafe { &*context.cast::<Arc<dyn EventPush>>() };
    match contained(|| Ok(push.push(events.get(), offset.resume_after()))) {
        Ok(Pushed::Accepted) => pushed::ACCEPTED,
        Ok(Pushed::Later(later)) => {
            let later: LibraryFuture = Box::pin(async move { later.await.map(|()| Vec::new()) });
            *future = RawFuture::from(later);
            pushed::LATER
        }
        Ok(Pushed::Closed) | Err(_) => pushed::CLOSED,
    }
}

unsafe extern "C" fn free_push(context: *mut c_void) {
    // SAFETY: `RemotePush::from` made `context` from this box, and its owner gives it up.
    drop_with_care(unsafe { Box::from_raw(context.cast::<Arc<dyn EventPush>>()) });
}

#[cfg(test)]
mod tests;
