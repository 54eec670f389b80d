//! What any group commit costs at least between tasks and a disk: the tasks of one runtime hand their payloads over
//! to a thread, which knows how many there are, appends them with one write, syncs, and answers each. No frames, no
//! checksums, no numbers. Beside `fsync` it shows what of a ratio is the way between threads.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::error::BenchError;

/// A payload, and where its answer goes.
type Handed = (Box<[u8]>, oneshot::Sender<()>);

/// Each of `n_producers` tasks hands a payload over, awaits that it is synced, and hands over the next: `n_events`
/// in all.
pub(crate) fn append(
    folder: &Path,
    payload: &[u8],
    n_events: u64,
    n_producers: u64,
) -> Result<(), BenchError> {
    let path = folder.join("log");
    let failed = |source| BenchError::Write { path: path.clone(), source };
    let stopped = || BenchError::Stopped { variant: "handoff" };
    let file = File::create(&path).map_err(failed)?;
    let each = n_events / n_producers;
    let (sender, receiver) = mpsc::channel(n_producers as usize);
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(file, receiver, n_producers as usize));
        let producers: Vec<_> =
            (0..n_producers).map(|_| runtime.spawn(produce(sender.clone(), payload.into(), each))).collect();
        drop(sender);
        for producer in producers {
            if !runtime.block_on(producer).unwrap_or(false) {
                return Err(stopped());
            }
        }
        writer.join().map_err(|_| stopped())?.map_err(failed)
    })?;
    let found = fs::metadata(&path).map_err(failed)?.len() / payload.len() as u64;
    let expected = each * n_producers;
    if found == expected {
        Ok(())
    } else {
        Err(BenchError::WrongRecords { variant: "handoff", found, expected })
    }
}

async fn produce(sender: mpsc::Sender<Handed>, payload: Box<[u8]>, n: u64) -> bool {
    for _ in 0..n {
        let (answer, answered) = oneshot::channel();
        if sender.send((payload.clone(), answer)).await.is_err() || answered.await.is_err() {
            return false;
        }
    }
    true
}

/// Until nobody sends any more.
fn write(mut file: File, mut receiver: mpsc::Receiver<Handed>, n: usize) -> io::Result<()> {
    let (mut bytes, mut answers) = (Vec::new(), Vec::with_capacity(n));
    loop {
        while answers.len() < n {
            let Some((payload, answer)) = receiver.blocking_recv() else { return Ok(()) };
            bytes.extend_from_slice(&payload);
            answers.push(answer);
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
        bytes.clear();
        answers.drain(..).for_each(|answer| _ = answer.send(()));
    }
}
