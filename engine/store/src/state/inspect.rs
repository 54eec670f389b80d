//! Looking at a store without changing it.

use super::anchor::{Anchor, AnchorError};
use super::open::{Opening, STORE};
use super::{Backend, OpenError, Place, Reason, Truth, folders};
use crate::Lsn;
use crate::disk::{Disk, FolderDisk};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What opening a store would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspected {
    /// There is neither store nor anchor.
    Absent,
    /// It would be taken as it is.
    Sound {
        /// Up to where it has taken the journal in.
        at: Lsn,
        /// How often it has been made.
        epoch: u64,
        /// How many rows it has.
        n_rows: u64,
    },
    /// It would be moved aside, and made anew from the journal.
    Remade {
        /// Why.
        reason: Reason,
    },
}

/// Say what [`open`](super::open) would find in `folder`. What is there is copied to `scratch`, a folder for
/// nothing else, and the copy is opened: a back end changes what it opens.
///
/// # Errors
/// [`OpenError`], if opening the store would be refused, or it could not be copied.
pub fn inspect(
    folder: &Path,
    scratch: &Path,
    backend: &dyn Backend,
    truth: Truth,
) -> Result<Inspected, OpenError> {
    let failed = |what| {
        let folder = folder.to_owned();
        move |source| OpenError::Io { folder, what, source }
    };
    let store = folder.join(STORE);
    let disk: Arc<dyn Disk> = Arc::new(FolderDisk::open(scratch).map_err(failed("copied"))?);
    match std::fs::copy(folder.join(Anchor::FILE), scratch.join(Anchor::FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("copied")(error)),
        _ => {}
    }
    let anchor = match Anchor::read(&*disk) {
        Ok(anchor) => anchor,
        Err(AnchorError::Damaged { what }) => {
            return Ok(Inspected::Remade { reason: Reason::AnchorDamaged { what: what.to_owned() } });
        }
        Err(error) => return Err(error.into()),
    };
    let Some(anchor) = anchor else {
        let is_there = store.exists();
        return Ok(if is_there {
            Inspected::Remade { reason: Reason::AnchorAbsent }
        } else {
            Inspected::Absent
        });
    };
    if anchor.journal == truth.journal && anchor.lsn > truth.last {
        let file = folder.join(Anchor::FILE);
        return Err(OpenError::JournalBehind { journal: truth.last, anchor: anchor.lsn, file });
    }
    if store.is_dir() {
        folders::copy(&store, &scratch.join(STORE)).map_err(failed("copied"))?;
    }
    let place = Place::with_disk(scratch, disk);
    match (Opening { place: &place, backend, truth }).take(&anchor)? {
        Ok((store, opened)) => {
            Ok(Inspected::Sound { at: opened.at, epoch: opened.epoch, n_rows: store.content().n_rows() })
        }
        Err(reason) => Ok(Inspected::Remade { reason }),
    }
}
