//! `acequia store`: what an engine keeps on disk, while none has it open.
//!
//! The folder is locked meanwhile, so that no engine writes what is being read: one that has it open refuses these
//! commands, and while they run no engine starts over it. A copy of the folder of a running engine is what a crash
//! at that moment would have left, and can be read like any other.

mod base64;
mod check;
mod export;
mod import;
mod line;
pub(crate) mod scratch;
pub(crate) mod staged;
mod versions;

pub use import::import;

use crate::answer::Answer;
use crate::args::StoreCommand;
use crate::console::Console;
use crate::error::CommandError;
use crate::progress::Progress;
use acequia::store::disk::{Disk as _, ReadOnlyDisk};
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;

pub(crate) fn run(command: &StoreCommand, console: &mut Console<'_>) -> Result<Answer, CommandError> {
    match command {
        StoreCommand::Check(check) => check::run(check),
        StoreCommand::Export(export) => export::run(export, console),
        StoreCommand::Import(import) => import::run(import),
    }
}

/// The folder of a store, to be read `times` times, with a bar that shows how far.
pub(crate) fn look(folder: &Path, what: &'static str, times: u64) -> Result<ReadOnlyDisk, CommandError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            CommandError::NoStore { folder: folder.to_owned() }
        }
        _ => CommandError::Io { path: folder.to_owned(), source },
    };
    let disk = ReadOnlyDisk::open(folder).map_err(failed)?;
    let names = disk.list().map_err(failed)?;
    let sizes = names.iter().filter_map(|name| disk.open(name).ok()?.n_bytes().ok());
    let size: u64 = sizes.sum();
    // Lines that go by would tear it apart.
    let bar = if what == "reading" && io::stdout().is_terminal() {
        Progress::none()
    } else {
        Progress::bytes(what, size.saturating_mul(times))
    };
    let bar = Arc::new(bar);
    Ok(disk.watched(move |n| bar.add(n)))
}
