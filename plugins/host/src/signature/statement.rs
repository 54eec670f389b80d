//! What is signed: name, version and ABI of a package, and the hash of each of its files.

use crate::archive::{Contents, SIGNATURE};
use crate::manifest::Manifest;
use crate::version::Digest;
use std::fmt::Write as _;

/// A canonical text: the same files give the same one, however they are laid out, and others another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement(String);

impl Statement {
    /// What somebody who signs `contents` for engines of that `abi` says.
    ///
    /// Each line is one fact; names hold no space and paths no line end, so no two lists of facts read alike.
    pub fn of(contents: &Contents, manifest: &Manifest, abi: u32) -> Self {
        let package = &manifest.package;
        let mut text =
            format!("acequia package v1\npackage {}\nversion {}\nabi {abi}\n", package.name, package.version);
        for (path, bytes) in contents.entries().filter(|(path, _)| path.as_str() != SIGNATURE) {
            // Writing to a text does not fail.
            let _ = writeln!(text, "file {} {} {path}", Digest::of(bytes), bytes.len());
        }
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
