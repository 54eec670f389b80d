//! Whole folders: synced, copied, moved aside.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Make all files in a folder durable, those in its folders too, and their names.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.path())?;
            continue;
        }
        match File::open(entry.path()) {
            Ok(file) => file.sync_data()?,
            // A back end may take a file away at any moment.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    names(folder)
}

/// Make the names in a folder durable.
pub(super) fn names(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Copy a folder with all that is in it, durably.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
            File::open(&to)?.sync_data()?;
        }
    }
    names(to)
}

/// Take a folder away with all that is in it, if it is there.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Move a folder aside under the next free number: `state` to `state.quarantine-3`.
pub(super) fn quarantine(folder: &Path, within: &Path, name: &str) -> io::Result<PathBuf> {
    let prefix = format!("{name}.quarantine-");
    let mut last = 0;
    for entry in fs::read_dir(within)? {
        let taken = entry?.file_name();
        let number = taken.to_str().and_then(|taken| taken.strip_prefix(&prefix)?.parse::<u64>().ok());
        last = last.max(number.unwrap_or(0));
    }
    let aside = within.join(format!("{prefix}{}", last.saturating_add(1)));
    fs::rename(folder, &aside)?;
    names(within)?;
    Ok(aside)
}
