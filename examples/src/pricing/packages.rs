//! Builds the two packages as their authors would: `acequia package build`.

use super::Packages;
use acequia_cli::{Console, Exit};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A package that was not built.
#[derive(Debug, thiserror::Error)]
#[error("`acequia package build {}` failed: {said}", folder.display())]
pub struct BuildError {
    /// The package's folder.
    pub folder: PathBuf,
    /// What the command said.
    pub said: String,
}

/// Both packages, built in the profile that this crate was built in. Cargo speaks for itself on stderr.
///
/// # Errors
/// [`BuildError`], with what was said.
pub fn built() -> Result<Packages, BuildError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packages");
    Ok(Packages {
        publisher: build(folder.join("pricing-publisher"))?,
        subscriber: build(folder.join("pricing-subscriber"))?,
    })
}

/// The subscriber in its next version, whose signals are in percent.
///
/// # Errors
/// As [`built`].
pub fn built_in_percent() -> Result<PathBuf, BuildError> {
    build(Path::new(env!("CARGO_MANIFEST_DIR")).join("packages/pricing-percent"))
}

fn build(folder: PathBuf) -> Result<PathBuf, BuildError> {
    let mut arguments: Vec<OsString> = ["acequia", "package", "build"].map(OsString::from).to_vec();
    arguments.push(folder.clone().into_os_string());
    if cfg!(debug_assertions) {
        arguments.push("--debug".into());
    }
    let (mut out, mut err) = (Vec::new(), Vec::new());
    match acequia_cli::run(arguments, &mut Console::new(&mut out, &mut err)) {
        Exit::Done => Ok(folder),
        _ => Err(BuildError { folder, said: String::from_utf8_lossy(&err).into_owned() }),
    }
}
