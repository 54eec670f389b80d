//! `package keygen`: a pair of keys, each in a file of its own.

use super::{Answer, table};
use crate::args::Keygen;
use crate::error::CommandError;
use crate::exit::Exit;
use acequia_host::SecretKey;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

pub(crate) fn run(keygen: &Keygen) -> Result<Answer, CommandError> {
    let given = || keygen.file.display().to_string();
    let key = SecretKey::generate().map_err(|source| CommandError::Key { given: given(), source })?;
    let public = key.public().to_string();
    let mut beside = keygen.file.as_os_str().to_owned();
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    // The public one first: if there is one, its secret key is kept.
    write(&beside, &public, 0o644)?;
    write(&keygen.file, &key.reveal(), 0o600).inspect_err(|_| drop(std::fs::remove_file(&beside)))?;

    let rows = [
        vec!["secret".to_owned(), given(), "yours alone; it signs".to_owned()],
        vec!["public".to_owned(), beside.display().to_string(), public.clone()],
    ];
    let next = format!("next: acequia package sign PACKAGE --key {}", keygen.file.display());
    Ok(Answer {
        text: format!("{}\n{next}", table(&["key", "file", ""], rows)),
        json: json!({ "ok": true, "secret": keygen.file, "public": beside, "key": public }),
        exit: Exit::Done,
    })
}

/// Write a new file: a key is never written over.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), CommandError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(path).and_then(|mut file| {
        writeln!(file, "{text}")?;
        file.sync_all()
    });
    written.map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => CommandError::KeyExists { path: path.to_owned() },
        _ => CommandError::Io { path: path.to_owned(), source },
    })
}
