//! What a careful user writes by hand: append to a file, `fdatasync`, next.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::error::BenchError;

/// Read at once by [`read`].
const CHUNK: usize = 1024 * 1024;

/// Appends `n_events` payloads to a new file in `folder`, in batches of one size, each synced.
pub(crate) fn append(folder: &Path, payload: &[u8], n_events: u64, batch: u64) -> Result<(), BenchError> {
    let path = folder.join("log");
    let written = || -> std::io::Result<()> {
        let mut file = File::create(&path)?;
        let bytes = payload.repeat(batch as usize);
        for _ in 0..n_events / batch {
            file.write_all(&bytes)?;
            file.sync_data()?;
        }
        Ok(())
    };
    written().map_err(|source| BenchError::Write { path: path.clone(), source })?;
    let found = fs::metadata(&path).map_err(|source| BenchError::Read { path, source })?.len();
    let (found, expected) = (found / payload.len() as u64, n_events / batch * batch);
    if found == expected {
        Ok(())
    } else {
        Err(BenchError::WrongRecords { variant: "fsync", found, expected })
    }
}

/// Reads all files of a folder, into the same piece of memory again and again.
pub(crate) fn read(folder: &Path) -> Result<(), BenchError> {
    let failed = |path: PathBuf| move |source| BenchError::Read { path, source };
    let mut buffer = vec![0; CHUNK];
    for entry in fs::read_dir(folder).map_err(failed(folder.into()))? {
        let path = entry.map_err(failed(folder.into()))?.path();
        let mut file = File::open(&path).map_err(failed(path.clone()))?;
        loop {
            let n_read = file.read(&mut buffer).map_err(failed(path.clone()))?;
            if n_read == 0 {
                break;
            }
            std::hint::black_box(&buffer);
        }
    }
    Ok(())
}
