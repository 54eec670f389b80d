//! A sink that appends JSON lines to a file, through a thread that may block.

use acequia_core::PayloadType;
use acequia_core::column::{AnyColumn, Column};
use acequia_core::fault::Failure;
use acequia_core::graph::AnyOutput;
use acequia_core::id::ItemId;
use acequia_core::ledger::{Dropped, Entry, Settled};
use acequia_core::letter::{DeadLetter, Letter};
use acequia_core::sink::{AnySink, SinkContext, Unread};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::JoinHandle;

/// Lines between the graph and the writing thread.
const LINES: usize = 1024;

/// Lost lines that are kept between two steps of the sink; beyond that they are counted only.
const LOST_KEPT: usize = 4096;

pub(super) struct NdjsonSink {
    queue: VecDeque<Vec<u8>>,
    to: Option<Sender<Vec<u8>>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    entry: Entry,
    unread: Unread,
}

type Shared = Mutex<Counts>;

/// Under one lock, so that a line is in exactly one of the counts.
#[derive(Default)]
struct Counts {
    waiting: u64,
    written: u64,
    failed: u64,
    /// Lines that failed, until the sink's next step makes dead letters of them.
    lost: Vec<(Vec<u8>, Failure)>,
    waiters: Vec<Waker>,
}

fn lock(shared: &Shared) -> MutexGuard<'_, Counts> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl NdjsonSink {
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let (to, from) = crossbeam_channel::bounded(LINES);
        let shared = Arc::<Shared>::default();
        let writer = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("acequia-ndjson".to_owned())
            .spawn(move || write_lines(BufWriter::new(file), &from, &writer))?;
        Ok(Self {
            queue: VecDeque::new(),
            to: Some(to),
            shared,
            thread: Some(thread),
            entry: Entry::default(),
            unread: Unread::default(),
        })
    }

    fn accept(&mut self, value: &serde_json::Value) {
        let mut line = value.to_string().into_bytes();
        line.push(b'\n');
        self.queue.push_back(line);
        self.entry.accepted += 1;
    }
}

/// Write what comes, and count it once the operating system has it.
fn write_lines(mut file: BufWriter<File>, from: &Receiver<Vec<u8>>, shared: &Shared) {
    while let Ok(first) = from.recv() {
        let lines: Vec<Vec<u8>> = std::iter::once(first).chain(from.try_iter().take(LINES)).collect();
        let written = lines.iter().try_for_each(|line| file.write_all(line)).and_then(|()| file.flush());
        let n = lines.len() as u64;
        let mut counts = lock(shared);
        counts.waiting -= n;
        if let Err(error) = written {
            tracing::error!(%error, lines = n, "lines could not be written");
            counts.failed += n;
            let room = LOST_KEPT.saturating_sub(counts.lost.len());
            let failure = Failure::error(error);
            counts.lost.extend(lines.into_iter().take(room).map(|line| (line, failure.clone())));
        } else {
            counts.written += n;
        }
        let waiters = std::mem::take(&mut counts.waiters);
        drop(counts);
        for waiter in waiters {
            waiter.wake();
        }
    }
}

/// Write the letters of lines that could not be written; they are counted already.
fn bury(counts: &mut Counts, cx: &mut SinkContext<'_>) {
    let first = counts.written + counts.failed - counts.lost.len() as u64;
    for (number, (line, failure)) in (first..).zip(counts.lost.drain(..)) {
        let mut column = Column::<serde_json::Value>::default();
        column.push(serde_json::from_slice(&line).unwrap_or_default());
        cx.letters.push(DeadLetter {
            place: cx.place.clone(),
            item: ItemId(number),
            why: Dropped::DeadLetter,
            failure: Some(failure),
            attempts: 1,
            at: cx.now,
            letter: Letter::Output(Box::new(column)),
        });
    }
}

impl AnySink for NdjsonSink {
    fn payload_type(&self) -> Option<PayloadType> {
        None
    }

    fn offer(&mut self, output: &mut dyn AnyOutput, _last: bool) {
        let mut unread = std::mem::take(&mut self.unread);
        let before = unread.len();
        unread.read_json(output, |value| self.accept(&value));
        self.entry.accepted += (unread.len() - before) as u64;
        self.unread = unread;
    }

    fn flush(&mut self, cx: &mut SinkContext<'_>) -> bool {
        self.unread.bury(&mut self.entry, cx);
        let Some(to) = &self.to else { return true };
        // The lock is held over the hand-over, so that the writer cannot count a line before we do.
        let mut counts = lock(&self.shared);
        bury(&mut counts, cx);
        while let Some(line) = self.queue.pop_front() {
            match to.try_send(line) {
                Ok(()) => counts.waiting += 1,
                Err(TrySendError::Full(line)) => {
                    self.queue.push_front(line);
                    counts.waiters.push(cx.waker.clone());
                    return false;
                }
                Err(TrySendError::Disconnected(_)) => self.entry.drop(Dropped::Unbound, 1),
            }
        }
        true
    }

    fn replay(&mut self, column: &dyn AnyColumn) -> bool {
        let Some(Ok(value)) = column.try_json(0) else { return false };
        self.accept(&value);
        true
    }

    fn entry(&self) -> Entry {
        let mut entry = self.entry;
        let counts = lock(&self.shared);
        entry.unsettled = (self.queue.len() + self.unread.len()) as u64 + counts.waiting;
        entry.settle(Settled::HandedOn, counts.written);
        entry.drop(Dropped::DeadLetter, counts.failed);
        entry
    }

    fn give_up(&mut self, why: Dropped, cx: &mut SinkContext<'_>) {
        self.unread.bury(&mut self.entry, cx);
        bury(&mut lock(&self.shared), cx);
        self.entry.drop(why, self.queue.len() as u64);
        self.queue.clear();
    }
}

impl Drop for NdjsonSink {
    fn drop(&mut self) {
        // Closing the channel ends the thread once everything is written.
        drop(self.to.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
