//! The archives of packages that an engine keeps beside its journal.
//!
//! `package-<hash>`: 16 bytes that say what it is, the hash of the archive, the archive.

use crate::error::CommandError;
use acequia::store::disk::{Disk as _, ReadOnlyDisk};
use acequia_host::Digest;
use std::io;

const PREFIX: &str = "package-";
const PART: &str = ".part";
const MAGIC: &[u8] = b"acequia archive1";
const HEADER: usize = 48;

/// Why a file is no archive of a package.
pub(crate) enum Flaw {
    /// Its upload was cut off, and nobody was told that it had ended.
    Unfinished,
    /// It is not what was written.
    Damaged(&'static str),
}

/// A file's name, with its archive.
pub(crate) type Staged = (String, Result<Vec<u8>, Flaw>);

/// The files.
pub(crate) fn all(disk: &ReadOnlyDisk) -> Result<Vec<Staged>, CommandError> {
    let failed = |name: &str| {
        let path = disk.path().join(name);
        move |source: io::Error| CommandError::Io { path, source }
    };
    let mut found = Vec::new();
    for name in disk.list().map_err(failed(""))?.into_iter().filter(|name| name.starts_with(PREFIX)) {
        if name.ends_with(PART) {
            found.push((name, Err(Flaw::Unfinished)));
            continue;
        }
        let file = disk.open(&name).map_err(failed(&name))?;
        let length = usize::try_from(file.n_bytes().map_err(failed(&name))?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        let n = file.read_at(&mut bytes, 0).map_err(failed(&name))?;
        bytes.truncate(n);
        found.push((name, archive(bytes).map_err(Flaw::Damaged)));
    }
    Ok(found)
}

fn archive(mut bytes: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    if bytes.len() < HEADER {
        return Err("it is too short");
    }
    let archive = bytes.split_off(HEADER);
    let (magic, hash) = bytes.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err("it does not begin as one");
    }
    if Digest::of(&archive).as_bytes() != hash {
        return Err("its bytes have another hash");
    }
    Ok(archive)
}
