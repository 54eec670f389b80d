//! Letting a library begin: with services, an ear, and a place for its futures, as far as it knows of them.

use super::{InstanceHandle, Object, PackageHandle, checked};
use crate::buffer::Buffer;
use crate::fault::Fault;
use crate::library::Runtime;
use crate::services::{HostServices, HostTable, LogSink};
use std::ffi::c_void;
use std::sync::Arc;

impl PackageHandle {
    /// Let it begin to be used.
    ///
    /// # Errors
    /// What the author's hook said.
    pub fn init(&self, services: Arc<dyn HostServices>) -> Result<InstanceHandle, Fault> {
        let (mut reply, mut state) = (Buffer::default(), std::ptr::null_mut());
        // SAFETY: as in `declare`.
        let status = unsafe { (self.table.init)(HostTable::from(services), &mut state, &mut reply) };
        self.instance(status, state, &reply)
    }

    /// The same, and what its code logs goes to `log`. A library that was built before keeps it to itself.
    ///
    /// # Errors
    /// As [`PackageHandle::init`].
    pub fn init_logged(
        &self,
        services: Arc<dyn HostServices>,
        log: Arc<dyn LogSink>,
    ) -> Result<InstanceHandle, Fault> {
        let Some(logging) = self.table.logging else { return self.init(services) };
        let (mut reply, mut state) = (Buffer::default(), std::ptr::null_mut());
        let (services, log) = (HostTable::from(services), log.into());
        // SAFETY: as in `declare`.
        let status = unsafe { (logging.init_logged)(services, log, &mut state, &mut reply) };
        self.instance(status, state, &reply)
    }

    /// The same, with futures on `runtime`.
    ///
    /// # Errors
    /// As [`PackageHandle::init`], and that the library cannot be told so.
    pub fn init_on(
        &self,
        services: Arc<dyn HostServices>,
        log: Arc<dyn LogSink>,
        runtime: Runtime,
    ) -> Result<InstanceHandle, Fault> {
        let Some(running) = self.table.running.filter(|_| runtime != Runtime::Engine) else {
            return match runtime {
                Runtime::Engine => self.init_logged(services, log),
                Runtime::Own => Err(Fault::error("the library's sdk knows no runtime but its engine's")),
            };
        };
        let (mut reply, mut state) = (Buffer::default(), std::ptr::null_mut());
        let (services, log) = (HostTable::from(services), log.into());
        // SAFETY: as in `declare`.
        let status = unsafe { (running.init_running)(services, log, runtime as u32, &mut state, &mut reply) };
        self.instance(status, state, &reply)
    }

    fn instance(&self, status: u32, state: *mut c_void, reply: &Buffer) -> Result<InstanceHandle, Fault> {
        checked(status, reply)?;
        let (table, keep) = (self.table, Arc::clone(&self.keep));
        Ok(InstanceHandle(Arc::new(Object { state, free: table.free, table, keep })))
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::Fault;
    use crate::handle::PackageHandle;
    use crate::library::{Library, LibraryAccumulator, LibraryGraph, LibrarySource, Runtime, ValueForm};
    use crate::services::{HostServices, LogLevel, LogLine, LogSink, Offloaded, RemotePush};
    use crate::table::{PackageTable, table};
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::time::Duration;

    /// Says by its fault where it was to run its futures.
    struct Told;

    impl Library for Told {
        fn declare() -> Result<Vec<u8>, Fault> {
            Ok(Vec::new())
        }

        fn init(_: Arc<dyn HostServices>) -> Result<Self, Fault> {
            Err(Fault::error("by init"))
        }

        fn init_on(_: Arc<dyn HostServices>, runtime: Runtime) -> Result<Self, Fault> {
            Err(Fault::error(format!("on {runtime:?}")))
        }

        fn graph(&self, _: usize) -> Result<Box<dyn LibraryGraph>, Fault> {
            Err(Fault::error("no graph"))
        }

        fn accumulator(&self, _: usize, _: Option<&[u8]>) -> Result<Box<dyn LibraryAccumulator>, Fault> {
            Err(Fault::error("no accumulator"))
        }

        fn source(&self, _: usize, _: RemotePush, _: Option<u64>) -> Result<LibrarySource, Fault> {
            Err(Fault::error("no source"))
        }

        fn value(_: usize, _: ValueForm, _: &[u8], _: &mut Vec<u8>) -> Result<(), Fault> {
            Ok(())
        }
    }

    static NEW: PackageTable = table::<Told>();
    /// As an older sdk made it.
    static OLD: PackageTable = table::<Told>().as_at_first();

    struct Nothing;

    impl HostServices for Nothing {
        fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(std::future::ready(()))
        }

        fn offload(&self, _: Offloaded) {}
    }

    impl LogSink for Nothing {
        fn listens(&self, _: LogLevel) -> bool {
            false
        }

        fn log(&self, _: &LogLine<'_>) {}
    }

    fn said(table: &'static PackageTable, runtime: Runtime) -> String {
        // SAFETY: a whole table of this build, in a static.
        let handle = unsafe { PackageHandle::new(std::ptr::from_ref(table).cast(), Arc::new(())) };
        let begun = handle.unwrap().init_on(Arc::new(Nothing), Arc::new(Nothing), runtime);
        begun.err().unwrap().message
    }

    #[test]
    fn library_is_told_where_its_futures_run_if_it_can_be() {
        assert_eq!(said(&NEW, Runtime::Engine), "by init");
        assert_eq!(said(&NEW, Runtime::Own), "on Own");
        assert_eq!(said(&OLD, Runtime::Engine), "by init");
        assert_eq!(said(&OLD, Runtime::Own), "the library's sdk knows no runtime but its engine's");
    }
}
