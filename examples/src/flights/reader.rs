//! The source: a thread that decompresses and parses the file, and publishes departures in batches.

use super::departure::{Departure, Parser};
use super::live::Live;
use acequia::{Failure, SourceDecl, SourceOut};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Departures that are published together.
const BATCH: usize = 1024;

/// Room for text that is not parsed yet.
const BUFFER: usize = 1 << 17;

/// Longer than any line.
const LINE: usize = 128;

/// A source that reads the departures at `path`, plain or compressed with zstd. Started again after a
/// fault, it goes on behind the last batch that was accepted.
pub(super) fn source(path: PathBuf, rate: Option<u32>, live: Arc<Live>) -> SourceDecl {
    SourceDecl::run(move |out| {
        let (path, live) = (path.clone(), Arc::clone(&live));
        async move {
            let runtime = Handle::current();
            let reading = runtime.clone();
            let thread = runtime.spawn_blocking(move || {
                let read = publish(&reading, &path, rate, &live, &out);
                live.source_ended(read.clone());
                read
            });
            thread.await.map_err(Failure::error)?
        }
    })
}

fn publish(
    runtime: &Handle,
    path: &Path,
    rate: Option<u32>,
    live: &Arc<Live>,
    out: &SourceOut<Departure>,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::error(format_args!("{}: {error}", path.display()));
    let mut rows = Rows::new(open(path, live).map_err(failed)?);
    let skip = out.resume_after().map_or(0, |offset| offset + 1);
    let mut batch = VecDeque::with_capacity(BATCH);
    while rows.read(&mut batch).map_err(failed)? {
        batch.retain(|departure| u64::from(departure.row) >= skip);
        let pause = rate.map(|rate| Duration::from_secs(batch.len() as u64) / rate.max(1));
        let rows = batch.drain(..).map(|departure| (u64::from(departure.row), departure)).collect();
        runtime.block_on(out.push_many_at(rows))?;
        if let Some(pause) = pause.filter(|pause| !pause.is_zero()) {
            runtime.block_on(tokio::time::sleep(pause));
        }
    }
    Ok(())
}

fn open(path: &Path, live: &Arc<Live>) -> std::io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    live.set_bytes(file.metadata()?.len());
    let file = Metered { file, live: Arc::clone(live) };
    if path.extension().is_some_and(|extension| extension == "zst") {
        return Ok(Box::new(zstd::stream::read::Decoder::with_buffer(BufReader::new(file))?));
    }
    Ok(Box::new(file))
}

/// Counts the bytes that were read of the file.
struct Metered {
    file: File,
    live: Arc<Live>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.live.read(n as u64);
        Ok(n)
    }
}

/// The rows of the text that `reader` yields.
struct Rows {
    reader: Box<dyn Read>,
    parser: Parser,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    ended: bool,
    header: bool,
}

impl Rows {
    fn new(reader: Box<dyn Read>) -> Self {
        let (parser, buffer) = (Parser::default(), vec![0; BUFFER]);
        Self { reader, parser, buffer, from: 0, to: 0, ended: false, header: true }
    }

    /// Put the next rows into `batch`; false once there are none.
    fn read(&mut self, batch: &mut VecDeque<Departure>) -> std::io::Result<bool> {
        batch.clear();
        while batch.len() < BATCH {
            if self.to - self.from < LINE && !self.ended {
                self.fill()?;
            }
            if self.header {
                self.header = false;
                let line = self.text().iter().position(|byte| *byte == b'\n');
                self.from += line.map_or(self.to, |end| end + 1);
                continue;
            }
            if self.from == self.to {
                break;
            }
            let Some((departure, length)) = self.parser.line(&self.buffer[self.from..self.to]) else {
                let bad = format!("row {} is not a departure", self.parser.row());
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, bad));
            };
            self.from += length;
            batch.push_back(departure);
        }
        Ok(!batch.is_empty())
    }

    fn text(&self) -> &[u8] {
        &self.buffer[self.from..self.to]
    }

    /// Move what is left to the front, and read on behind it.
    fn fill(&mut self) -> std::io::Result<()> {
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        while self.to < self.buffer.len() {
            match self.reader.read(&mut self.buffer[self.to..])? {
                0 => {
                    self.ended = true;
                    return Ok(());
                }
                n => self.to += n,
            }
        }
        Ok(())
    }
}
