//! `acequia package`: everything about packages that needs no running engine.

mod build;
mod check;
pub mod declared;
mod inspect;
mod keygen;
mod look;
mod new;
mod pack;
mod sign;
mod signers;

pub use check::{Line, Verdict, judge};
pub use look::Look;

use crate::args::{Args, Command, PackageCommand};
use crate::console::Console;
use crate::error::CommandError;
use crate::exit::Exit;
use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use declared::Loader;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What a command answers.
pub(crate) struct Answer {
    /// For people.
    pub(crate) text: String,
    /// For machines.
    pub(crate) json: Value,
    pub(crate) exit: Exit,
}

pub(crate) fn run(
    args: Args,
    console: &mut Console<'_>,
    loader: Option<&dyn Loader>,
) -> Result<Answer, CommandError> {
    let Command::Package(command) = args.command;
    match command {
        PackageCommand::New(new) => new::run(&new),
        PackageCommand::Build(build) => build::run(&build, console),
        PackageCommand::Pack(pack) => pack::run(&pack, loader),
        PackageCommand::Keygen(keygen) => keygen::run(&keygen),
        PackageCommand::Sign(sign) => sign::run(&sign),
        PackageCommand::Check(check) => check::run(&check, loader),
        PackageCommand::Inspect(inspect) => inspect::run(&inspect, loader),
    }
}

/// A table for people.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(head);
    table.add_rows(rows);
    table.to_string()
}

/// Put a file in place whole: whoever looks sees the old one or the new one.
fn place(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let failed = |source| CommandError::Io { path: path.to_owned(), source };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&part);
        failed(error)
    })
}
