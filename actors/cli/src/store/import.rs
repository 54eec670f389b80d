//! `store import`: a new store of the lines of an export.

use super::line::{Parsed, parse};
use crate::answer::{Answer, table};
use crate::args::StoreImport;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::progress::Progress;
use acequia::store::Lsn;
use acequia::store::disk::{Disk, FolderDisk};
use acequia::store::journal::{Batch, EncodeError, Journal, Settings};
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is written and synced at once.
const BATCH: usize = 1024 * 1024;

pub(crate) fn run(import: &StoreImport) -> Result<Answer, CommandError> {
    let failed = |source| CommandError::Io { path: import.folder.clone(), source };
    if fs::symlink_metadata(&import.folder).is_ok() && !is_empty_folder(&import.folder) {
        return Err(CommandError::Occupied { folder: import.folder.clone() });
    }
    let (mut lines, progress) = open_input(import.input.as_deref())?;
    // Under another name until it is whole: whoever looks finds a whole store or none.
    let draft = draft_of(&import.folder);
    fs::create_dir_all(&draft).map_err(failed)?;
    let settings = Settings { keep_free: import.keep_free, ..Settings::default() };
    let made = FolderDisk::open(&draft).map_err(failed).and_then(|disk| {
        let range = self::import(&mut *lines, Arc::new(disk), settings, &mut |n| progress.add(n))?;
        fs::rename(&draft, &import.folder).map_err(failed)?;
        sync_parent(&import.folder).map_err(failed)?;
        Ok(range)
    });
    if made.is_err() {
        // The first error is the one to tell of.
        let _ = fs::remove_dir_all(&draft);
    }
    let range = made?;
    let (n, last) = (range.end.0 - range.start.0, range.end.0 - 1);
    let rows = [
        ("folder", import.folder.display().to_string()),
        ("records", n.to_string()),
        ("first", range.start.to_string()),
        ("last", last.to_string()),
    ];
    Ok(Answer {
        text: table(&["imported", ""], rows.map(|(what, value)| vec![what.to_owned(), value])),
        json: json!({ "ok": true, "records": n, "first": range.start.0, "last": last }),
        exit: Exit::Done,
    })
}

/// Make a journal on `disk`, which has none, of the lines of an export. `on_bytes` is told how much was read.
///
/// # Errors
/// [`CommandError`]; what is on the disk then is worth nothing.
pub fn import(
    lines: &mut dyn BufRead,
    disk: Arc<dyn Disk>,
    settings: Settings,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<Range<Lsn>, CommandError> {
    let mut into: Option<Into> = None;
    let (mut text, mut line) = (String::new(), 0);
    loop {
        text.clear();
        line += 1;
        let unread = |error: io::Error| CommandError::Line { line, what: error.to_string() };
        let n = lines.read_line(&mut text).map_err(unread)?;
        if n == 0 {
            break;
        }
        on_bytes(n as u64);
        if text.trim().is_empty() {
            continue;
        }
        let record = parse(&text).map_err(|what| CommandError::Line { line, what })?;
        let into = match &mut into {
            Some(into) => into,
            none => none.insert(Into::begin(&disk, &settings, record.lsn)?),
        };
        into.push(&record, line)?;
    }
    into.ok_or(CommandError::Nothing)?.end()
}

/// A journal that is being made.
struct Into {
    journal: Journal,
    batch: Batch,
    first: Lsn,
    /// What comes next.
    next: Lsn,
}

impl Into {
    fn begin(disk: &Arc<dyn Disk>, settings: &Settings, first: Lsn) -> Result<Self, CommandError> {
        let journal = Journal::begin(Arc::clone(disk), settings.clone(), first)?;
        Ok(Self { batch: batch(&journal), journal, first, next: first })
    }

    fn push(&mut self, record: &Parsed, line: u64) -> Result<(), CommandError> {
        if record.lsn != self.next || record.lsn == Lsn::ZERO {
            return Err(CommandError::Gap { line, found: record.lsn, expected: self.next.max(Lsn::FIRST) });
        }
        if self.batch.n_bytes() + record.payload.len() > BATCH && !self.batch.is_empty() {
            self.append()?;
        }
        let refused = |error: EncodeError| CommandError::Line { line, what: error.to_string() };
        match self.batch.push(&record.head(), &record.payload) {
            Err(EncodeError::BatchTooLarge { .. }) if !self.batch.is_empty() => {
                self.append()?;
                self.batch.push(&record.head(), &record.payload).map_err(refused)?;
            }
            pushed => pushed.map_err(refused)?,
        }
        self.next = self.next.next();
        Ok(())
    }

    fn append(&mut self) -> Result<(), CommandError> {
        let full = std::mem::replace(&mut self.batch, batch(&self.journal));
        self.journal.append_and_wait(full).map_err(|source| CommandError::Append { source })?;
        Ok(())
    }

    fn end(mut self) -> Result<Range<Lsn>, CommandError> {
        self.append()?;
        self.journal.close().map_err(|source| CommandError::Append { source })?;
        Ok(self.first..self.next)
    }
}

/// An engine writes what it tells itself as long as it is.
fn batch(journal: &Journal) -> Batch {
    let mut batch = journal.batch();
    batch.set_whole();
    batch.set_long();
    batch
}

type Input = (Box<dyn BufRead>, Progress);

fn open_input(path: Option<&Path>) -> Result<Input, CommandError> {
    let Some(path) = path else { return Ok((Box::new(io::stdin().lock()), Progress::none())) };
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (size, file) = opened.map_err(|source| CommandError::Io { path: path.to_owned(), source })?;
    Ok((Box::new(BufReader::new(file)), Progress::bytes("importing", size)))
}

fn is_empty_folder(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Beside the folder, so that it can take its name.
fn draft_of(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!(".{name}.importing-{}", std::process::id()))
}

fn sync_parent(folder: &Path) -> io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
