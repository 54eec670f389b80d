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

use crate::answer::{Answer, table};
use crate::args::PackageCommand;
use crate::console::Console;
use crate::error::CommandError;
use declared::Loader;
use std::fs;
use std::path::Path;

pub(crate) fn run(
    command: PackageCommand,
    console: &mut Console<'_>,
    loader: Option<&dyn Loader>,
) -> Result<Answer, CommandError> {
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
