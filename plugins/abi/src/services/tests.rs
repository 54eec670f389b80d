use super::{
    EventPush, HostServices, HostTable, LogLevel, LogLine, LogSink, Offloaded, Pushed, RemoteLog, RemotePush,
};
use crate::slice::Slice;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Keeps what it is asked.
#[derive(Default)]
struct Kept {
    slept: Mutex<Vec<Duration>>,
    tasks: Mutex<Vec<Offloaded>>,
    events: Mutex<Vec<(Vec<u8>, Option<u64>)>>,
}

impl HostServices for Kept {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        assert!(duration < Duration::from_secs(3600), "no timer is that long");
        self.slept.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }

    fn offload(&self, code: Offloaded) {
        self.tasks.lock().unwrap().push(code);
    }
}

impl EventPush for Kept {
    fn push(&self, events: &[Slice<'_>], offset: Option<u64>) -> Pushed {
        let mut kept = self.events.lock().unwrap();
        kept.extend(events.iter().map(|event| (event.get().to_vec(), offset)));
        match kept.len() {
            1 => Pushed::Accepted,
            2 => Pushed::Later(Box::pin(std::future::ready(Ok(())))),
            _ => Pushed::Closed,
        }
    }
}

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn services_reach_the_host_and_are_freed() {
    let kept = Arc::new(Kept::default());
    let remote = HostTable::from(Arc::clone(&kept) as Arc<dyn HostServices>);
    assert!(poll(&mut remote.sleep(Duration::from_nanos(1_500))).is_ready());
    assert_eq!(*kept.slept.lock().unwrap(), [Duration::from_nanos(1_500)]);

    let ran = Arc::new(Mutex::new(0));
    for _ in 0..2 {
        let ran = Arc::clone(&ran);
        remote.offload(Box::new(move || *ran.lock().unwrap() += 1));
    }
    let mut tasks = std::mem::take(&mut *kept.tasks.lock().unwrap());
    tasks.pop().unwrap()();
    drop(tasks);
    assert_eq!((*ran.lock().unwrap(), Arc::strong_count(&ran)), (1, 1), "one ran, one was dropped");

    drop(remote);
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[test]
fn host_that_panics_is_contained_on_its_side() {
    let remote = HostTable::from(Arc::new(Kept::default()) as Arc<dyn HostServices>);
    // It never had the time; what is awaited ends all the same.
    assert!(poll(&mut remote.sleep(Duration::from_secs(7200))).is_ready());
}

#[test]
fn pushed_events_arrive_with_their_offset_and_say_what_became_of_them() {
    let kept = Arc::new(Kept::default());
    let push = RemotePush::from(Arc::clone(&kept) as Arc<dyn EventPush>);
    let event = |bytes: &'static [u8]| [Slice::from(bytes)];
    assert!(matches!(push.push(&event(b"a"), Some(7)), Pushed::Accepted));
    let Pushed::Later(mut later) = push.push(&event(b"b"), None) else { panic!("it waits") };
    assert!(matches!(poll(&mut later), Poll::Ready(Ok(()))));
    assert!(matches!(push.push(&event(b"c"), None), Pushed::Closed));
    let events = std::mem::take(&mut *kept.events.lock().unwrap());
    assert_eq!(events, [(b"a".to_vec(), Some(7)), (b"b".to_vec(), None), (b"c".to_vec(), None)]);
    drop(push);
    assert_eq!(Arc::strong_count(&kept), 1);
}

/// Listens to what is graver than a hint, and dies of what is grave.
#[derive(Default)]
struct Ear(Mutex<Vec<String>>);

impl LogSink for Ear {
    fn listens(&self, level: LogLevel) -> bool {
        level < LogLevel::Debug
    }

    fn log(&self, line: &LogLine<'_>) {
        let LogLine { level, target, message, fields, .. } = line;
        self.0.lock().unwrap().push(format!("{level:?} {target}: {message} {fields}"));
        assert_ne!(*level, LogLevel::Error, "that was too much");
    }
}

#[test]
fn log_lines_reach_whoever_listens_and_his_panic_stays_with_him() {
    let ear = Arc::new(Ear::default());
    let remote = RemoteLog::from(Arc::clone(&ear) as Arc<dyn LogSink>);
    assert!(remote.listens(LogLevel::Warn) && !remote.listens(LogLevel::Trace));
    let line =
        |level, message| LogLine { package: "", version: "", level, target: "me", message, fields: "n=1" };
    remote.log(&line(LogLevel::Error, "grave"));
    drop(remote);
    let kept = ear.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert_eq!(*kept, ["Error me: grave n=1"]);
    assert_eq!(Arc::strong_count(&ear), 1, "it was freed");
}
