//! A library in this process, called through its table only.

mod origins;

use super::{PackageHandle, SourceHandle, TableError};
use crate::call::{AccumulatorCall, ColumnInput, Operation, StateCall, Turn};
use crate::fault::{Fault, FaultKind};
use crate::frames::{Reader, Writer};
use crate::future::LibraryFuture;
use crate::library::{Library, LibraryAccumulator, LibraryGraph, LibrarySource, ValueForm};
use crate::report::write_origins;
use crate::services::{EventPush, HostServices, Offloaded, Pushed, RemotePush};
use crate::slice::Slice;
use crate::table::{Header, PackageTable, table};
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Sums its first column; pends, fails and panics on demand.
struct Sums;

impl LibraryGraph for Sums {
    fn turn(&mut self, turn: &Turn<'_>, reply: &mut Vec<u8>) -> Result<Option<LibraryFuture>, Fault> {
        let column = turn.columns.get()[0];
        let sum: u64 = turn
            .rows
            .get()
            .iter()
            .map(|row| {
                column.values.get()[*row as usize].get().iter().map(|byte| u64::from(*byte)).sum::<u64>()
            })
            .sum();
        match sum {
            13 => panic!("unlucky"),
            14 => return Err(Fault::error("refused")),
            15 => return Ok(Some(Box::pin(async { Ok(b"late".to_vec()) }))),
            _ => Writer::new(reply).u64(sum),
        }
        Ok(None)
    }

    fn turn_with_origins(
        &mut self,
        turn: &Turn<'_>,
        reply: &mut Vec<u8>,
    ) -> Result<Option<LibraryFuture>, Fault> {
        let rest = self.turn(turn, reply)?;
        write_origins(&[0, 2], &mut Writer::new(reply));
        Ok(rest)
    }
}

/// Counts events, and says when it was asked. Its settings are where it begins.
#[derive(Default)]
struct Counts(u64);

impl LibraryAccumulator for Counts {
    fn call(
        &mut self,
        call: &AccumulatorCall<'_>,
        reply: &mut Vec<u8>,
    ) -> Result<Option<LibraryFuture>, Fault> {
        assert_ne!(call.operation(), Some(Operation::Flush), "flushes are not for it");
        self.0 += call.events.get().len() as u64;
        let mut writer = Writer::new(reply);
        writer.u64(self.0);
        writer.u64(call.now as u64);
        Ok(None)
    }

    fn export(&self, now: i64, reply: &mut Vec<u8>) -> Result<(), Fault> {
        if now < 0 {
            panic!("before the beginning");
        }
        reply.extend_from_slice(&self.0.to_le_bytes());
        Ok(())
    }

    fn import(&mut self, call: &StateCall<'_>, reply: &mut Vec<u8>) -> Result<(), Fault> {
        assert_eq!(
            (call.now, call.hash, call.name.get(), call.schema.get()),
            (3, [9; 16], &b"n"[..], &b"s"[..])
        );
        let bytes = call.bytes.get().try_into().map_err(|_| Fault::error("no count"))?;
        self.0 = u64::from_le_bytes(bytes);
        reply.push(1);
        Ok(())
    }
}

thread_local! {
    // Each test runs on a thread of its own, and a toy lives and dies on its test's.
    static ALIVE: Cell<usize> = const { Cell::new(0) };
}

struct Toy {
    services: Arc<dyn HostServices>,
}

impl Drop for Toy {
    fn drop(&mut self) {
        ALIVE.with(|alive| alive.set(alive.get() - 1));
    }
}

impl Library for Toy {
    fn declare() -> Result<Vec<u8>, Fault> {
        Ok(b"{}".to_vec())
    }

    fn init(services: Arc<dyn HostServices>) -> Result<Self, Fault> {
        services.offload(Box::new(|| ()));
        ALIVE.with(|alive| alive.set(alive.get() + 1));
        Ok(Self { services })
    }

    fn graph(&self, index: usize) -> Result<Box<dyn LibraryGraph>, Fault> {
        if index == 0 { Ok(Box::new(Sums)) } else { Err(Fault::error("no such graph")) }
    }

    fn accumulator(
        &self,
        _index: usize,
        tuning: Option<&[u8]>,
    ) -> Result<Box<dyn LibraryAccumulator>, Fault> {
        match tuning {
            Some([first]) => Ok(Box::new(Counts(u64::from(*first)))),
            Some(_) => Err(Fault::error("no such settings")),
            None => Ok(Box::<Counts>::default()),
        }
    }

    fn source(&self, index: usize, push: RemotePush, resume: Option<u64>) -> Result<LibrarySource, Fault> {
        if index == 1 {
            let ask = Box::new(|| -> LibraryFuture { Box::pin(async { Ok(vec![1]) }) });
            return Ok(LibrarySource::Poll { interval: 5, ask });
        }
        let slept = self.services.sleep(Duration::from_secs(1));
        Ok(LibrarySource::Run(Box::pin(async move {
            slept.await;
            let offset = resume.map_or(0, |offset| offset + 1);
            match push.push(&[Slice::from(&b"event"[..])], Some(offset)) {
                Pushed::Accepted => Ok(Vec::new()),
                Pushed::Later(later) => later.await.map(|()| Vec::new()),
                Pushed::Closed => Err(Fault::error("closed")),
            }
        })))
    }

    fn value(_index: usize, form: ValueForm, bytes: &[u8], reply: &mut Vec<u8>) -> Result<(), Fault> {
        if form == ValueForm::FromJson {
            return Err(Fault::error("no JSON"));
        }
        reply.extend_from_slice(bytes);
        Ok(())
    }

    fn stop(&self) {
        panic!("even a stop that panics is contained");
    }
}

/// Refuses to start.
struct Sick;

impl Library for Sick {
    fn declare() -> Result<Vec<u8>, Fault> {
        panic!("at declare")
    }

    fn init(_services: Arc<dyn HostServices>) -> Result<Self, Fault> {
        panic!("at init")
    }

    fn graph(&self, _index: usize) -> Result<Box<dyn LibraryGraph>, Fault> {
        unreachable!("it never starts")
    }

    fn accumulator(
        &self,
        _index: usize,
        _tuning: Option<&[u8]>,
    ) -> Result<Box<dyn LibraryAccumulator>, Fault> {
        unreachable!("it never starts")
    }

    fn source(&self, _index: usize, _push: RemotePush, _resume: Option<u64>) -> Result<LibrarySource, Fault> {
        unreachable!("it never starts")
    }

    fn value(_index: usize, _form: ValueForm, _bytes: &[u8], _reply: &mut Vec<u8>) -> Result<(), Fault> {
        unreachable!("it never starts")
    }
}

static TOY: PackageTable = table::<Toy>();
static SICK: PackageTable = table::<Sick>();
/// As an older sdk made it.
static SHORT: PackageTable = table::<Toy>().as_at_first();

fn handle(table: &'static PackageTable) -> Result<PackageHandle, TableError> {
    // SAFETY: a whole table of this build, in a static.
    unsafe { PackageHandle::new(std::ptr::from_ref(table).cast(), Arc::new(())) }
}

/// Time is always over at once; tasks run in place.
#[derive(Default)]
struct Instant(Mutex<Vec<(Vec<u8>, Option<u64>)>>);

impl HostServices for Instant {
    fn sleep(&self, _duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }

    fn offload(&self, code: Offloaded) {
        code();
    }
}

impl EventPush for Instant {
    fn push(&self, events: &[Slice<'_>], offset: Option<u64>) -> Pushed {
        self.0.lock().unwrap().extend(events.iter().map(|event| (event.get().to_vec(), offset)));
        Pushed::Accepted
    }
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it pends"),
    }
}

/// A turn over a firing for each of `values`, run by `run`.
fn over<R>(values: &[u8], run: impl FnOnce(&Turn<'_>) -> R) -> R {
    let slices: Vec<Slice<'_>> = values.chunks(1).map(Slice::from).collect();
    let columns = [ColumnInput { values: (&slices[..]).into(), first: 0, epoch: 0 }];
    let rows: Vec<u32> = (0..values.len() as u32).collect();
    let turn = Turn {
        columns: (&columns[..]).into(),
        rows: (&rows[..]).into(),
        firings: rows.len() as u64,
        first_firing: 0,
        wanted: 1,
    };
    run(&turn)
}

fn turn(graph: &mut super::GraphHandle, values: &[u8]) -> Result<Result<u64, Vec<u8>>, Fault> {
    let (reply, rest) = over(values, |turn| graph.turn(turn))?;
    match rest {
        Some(rest) => Ok(Err(ready(rest)?.bytes().to_vec())),
        None => Ok(Ok(Reader::new(reply).u64()?)),
    }
}

#[test]
fn calls_cross_and_faults_come_back_as_what_they_were() {
    let toy = handle(&TOY).unwrap();
    assert_eq!(toy.declare().unwrap(), b"{}");
    let instance = toy.init(Arc::new(Instant::default())).unwrap();
    assert_eq!(instance.graph(1).err().unwrap().message, "no such graph");

    let mut graph = instance.graph(0).unwrap();
    assert_eq!(turn(&mut graph, &[1, 2, 3]).unwrap(), Ok(6));
    let fault = turn(&mut graph, &[6, 7]).unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Panic, "unlucky"));
    assert_eq!(turn(&mut graph, &[7, 7]).unwrap_err(), Fault::error("refused"));
    assert_eq!(turn(&mut graph, &[7, 8]).unwrap(), Err(b"late".to_vec()));
    assert_eq!(turn(&mut graph, &[5]).unwrap(), Ok(5), "the part goes on after its faults");

    let mut accumulator = instance.accumulator(0).unwrap();
    let events = [Slice::from(&b"a"[..]), Slice::from(&b"b"[..])];
    let (reply, rest) = accumulator.call(&AccumulatorCall::new(Operation::Accept, 9, &events)).unwrap();
    let mut reader = Reader::new(reply);
    assert_eq!((reader.u64(), reader.u64(), rest.is_none()), (Ok(2), Ok(9), true));
    let fault = accumulator.call(&AccumulatorCall::new(Operation::Flush, 9, &[])).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Panic);

    assert_eq!(toy.value(0, ValueForm::ToJson, b"1").unwrap(), b"1");
    assert_eq!(toy.value(0, ValueForm::FromJson, b"1").unwrap_err().message, "no JSON");
    instance.stop();

    assert_eq!(ALIVE.get(), 1);
    drop((instance, accumulator));
    assert_eq!(turn(&mut graph, &[4]).unwrap(), Ok(4), "a part keeps its instance");
    drop(graph);
    assert_eq!(ALIVE.get(), 0);
}

#[test]
fn sources_publish_through_the_host_and_are_asked_by_it() {
    let instance = handle(&TOY).unwrap().init(Arc::new(Instant::default())).unwrap();
    let ring = Arc::new(Instant::default());
    let push = Arc::clone(&ring) as Arc<dyn EventPush>;
    let SourceHandle::Run(run) = instance.source(0, Arc::clone(&push), Some(41)).unwrap() else {
        panic!("it runs");
    };
    ready(run).unwrap();
    assert_eq!(*ring.0.lock().unwrap(), [(b"event".to_vec(), Some(42))]);
    let SourceHandle::Poll { interval, mut asks } = instance.source(1, push, None).unwrap() else {
        panic!("it is asked");
    };
    assert_eq!(interval, Duration::from_nanos(5));
    for _ in 0..2 {
        assert_eq!(ready(asks.ask().unwrap()).unwrap().bytes(), [1]);
    }
}

#[test]
fn library_that_panics_at_its_start_is_refused_with_its_words() {
    let sick = handle(&SICK).unwrap();
    assert_eq!(sick.declare().unwrap_err().message, "at declare");
    let fault = sick.init(Arc::new(Instant::default())).err().unwrap();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Panic, "at init"));
}

#[test]
fn foreign_headers_are_refused_before_anything_behind_them_is_read() {
    let check = |change: fn(&mut Header)| {
        let mut header = Header::own();
        change(&mut header);
        // SAFETY: the header is sound to read, and does not pass.
        unsafe { PackageHandle::new(&raw const header, Arc::new(())) }.err()
    };
    assert_eq!(
        check(|header| header.magic = *b"ELF header"[..8].first_chunk().unwrap()),
        Some(TableError::Magic)
    );
    let text = check(|header| {
        header.abi = 2;
        header.built_with = [0; 104];
        header.built_with[..9].copy_from_slice(b"sdk 9.0.0");
    });
    let text = text.unwrap().to_string();
    assert!(text.contains("ABI 2, built with sdk 9.0.0") && text.contains("needs ABI 1"), "{text}");
    assert!(matches!(check(|header| header.size = PackageTable::LEAST - 8), Some(TableError::Size { .. })));
    assert!(matches!(check(|header| header.unwinds = 0), Some(TableError::Aborts { .. })));
    let mut longer = Header::own();
    longer.size += 64;
    assert_eq!(longer.check(), Ok(()), "a newer table of the same ABI is longer");
}

fn state(bytes: &[u8]) -> StateCall<'_> {
    let (name, schema) = (Slice::from(&b"n"[..]), Slice::from(&b"s"[..]));
    StateCall { now: 3, hash: [9; 16], name, schema, bytes: Slice::from(bytes) }
}

#[test]
fn states_and_settings_of_accumulators_cross_and_faults_leave_the_part_whole() {
    let instance = handle(&TOY).unwrap().init(Arc::new(Instant::default())).unwrap();
    let old = instance.tuned_accumulator(0, &[40]).unwrap();
    assert_eq!(instance.tuned_accumulator(0, b"what").err().unwrap().message, "no such settings");

    assert_eq!(old.export(-1).unwrap().err().unwrap().kind, FaultKind::Panic);
    let state_of_old = old.export(0).unwrap().unwrap();
    let mut new = instance.accumulator(0).unwrap();
    assert_eq!(new.import(&state(b"garbled")).unwrap_err().message, "no count");
    assert_eq!(new.import(&state(state_of_old.bytes())).unwrap(), [1]);

    let events = [Slice::from(&b"a"[..])];
    let (reply, _) = new.call(&AccumulatorCall::new(Operation::Accept, 0, &events)).unwrap();
    assert_eq!(Reader::new(reply).u64(), Ok(41));
    assert_eq!(old.export(0).unwrap().unwrap().bytes(), 40_u64.to_le_bytes(), "it gave a copy");
}

#[test]
fn older_library_is_used_for_all_that_its_table_has() {
    let short = handle(&SHORT).unwrap();
    assert!(!short.keeps() && handle(&TOY).unwrap().keeps());
    let instance = short.init(Arc::new(Instant::default())).unwrap();
    let mut accumulator = instance.accumulator(0).unwrap();
    assert!(accumulator.call(&AccumulatorCall::new(Operation::Accept, 0, &[])).is_ok());
    assert!(accumulator.export(0).is_none(), "nothing behind its end is called");
    for fault in
        [accumulator.import(&state(b"")).unwrap_err(), instance.tuned_accumulator(0, b"").err().unwrap()]
    {
        assert!(fault.message.contains("rebuild the package"), "{fault}");
    }
}

#[test]
fn header_reads_the_same_from_a_file_as_from_memory() {
    // SAFETY: the header is a static of plain bytes without padding.
    let bytes = unsafe { *std::ptr::from_ref(&TOY).cast::<[u8; crate::HEADER_SIZE]>() };
    let read = Header::read(&bytes);
    assert_eq!(read.check(), Ok(()));
    assert_eq!(read.built_with(), crate::BUILT_WITH);
}
