//! Opening a journal: what is there is checked, what was torn is cut off.

use std::io::{self, IoSlice};
use std::sync::Arc;

use uuid::Uuid;

use super::committer::{Committer, Direct, Thread};
use super::damage::Damage;
use super::mark::{Found as FoundMark, Mark, MarkFile};
use super::scan::{self, Found, Refused, Torn, Visit};
use super::segment::{self, Segments};
use super::settings::{Settings, SettingsError};
use super::shared::{Beginning, Shared};
use super::spare::{Keeper, Maker, Spares};
use super::{Entry, Inner, Journal};
use crate::Lsn;
use crate::disk::{Disk, DiskFile, LockError};

/// What is written at once where a torn tail was.
const ZEROS: usize = 64 * 1024;

/// What was found at opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The oldest record that is kept, or will be.
    pub first: Lsn,
    /// What comes next.
    pub next: Lsn,
    /// Number of records.
    pub n_records: u64,
    /// What was written last and never synced whole, and was cut off. Nobody was told that it was synced.
    pub torn: Option<Torn>,
    /// Whether it had been closed, so that nothing can have been torn.
    pub was_closed: bool,
    /// One of the mark's two slots was not whole, and was written again.
    pub mark_was_half: bool,
}

/// Why a journal was not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings do not fit together.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Somebody else has the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What was synced is not there any more.
    #[error("E0530: the journal is damaged: {0}; restore it from a copy, or export what can be read")]
    Damaged(Damage),
    /// There are segments, and what says how far they reach is gone.
    #[error(
        "E0531: the journal's mark is not whole, so nobody can tell whether its end is; restore `mark` from a copy, or export what can be read"
    )]
    MarkLost,
    /// Written by a newer version.
    #[error(
        "E0532: `{file}` has format {found}, and this version knows {known}; open it with the version that wrote it"
    )]
    Version {
        /// The file.
        file: String,
        /// What it says.
        found: u32,
        /// What is known here.
        known: u32,
    },
    /// There is a journal already, and it is not written over.
    #[error("E0901: there is a journal already; begin one in another folder")]
    Exists,
    /// The disk refused.
    #[error("E0533: {doing} failed; look at the disk and its permissions")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenError {
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    pub(super) fn refused(refused: Refused) -> Self {
        match refused {
            Refused::Damaged(damage) => Self::Damaged(damage),
            Refused::Version { segment, version } => Self::Version {
                file: segment::name(segment),
                found: version,
                known: segment::header::VERSION,
            },
            Refused::Io(source) => Self::Io { doing: "reading the journal", source },
        }
    }
}

/// The mark of a folder. `None` if the folder has no journal yet.
pub(super) fn read_mark(disk: &dyn Disk) -> Result<Option<(MarkFile, bool)>, OpenError> {
    match MarkFile::open(disk).map_err(OpenError::io("reading the journal's mark"))? {
        FoundMark::Whole { file, is_half } => Ok(Some((file, is_half))),
        FoundMark::Flawed => Err(OpenError::MarkLost),
        FoundMark::Version(found) => {
            Err(OpenError::Version { file: super::mark::NAME.to_owned(), found, known: super::mark::VERSION })
        }
        FoundMark::Missing => {
            let names = disk.list().map_err(OpenError::io("listing the journal's folder"))?;
            // The mark is there before the first segment is.
            let is_lost = names.iter().any(|name| segment::number(name).is_some());
            if is_lost { Err(OpenError::MarkLost) } else { Ok(None) }
        }
    }
}

/// Opens the journal of a folder, or begins one.
pub(super) fn open(
    disk: Arc<dyn Disk>,
    settings: Settings,
    visit: Option<Visit<'_>>,
) -> Result<(Journal, Opened), OpenError> {
    settings.check()?;
    let lock = disk.lock()?;
    let (mut mark, mark_was_half) = match read_mark(&*disk)? {
        Some(found) => found,
        None => {
            let mark = Mark::new(Uuid::now_v7());
            (MarkFile::create(&*disk, mark).map_err(OpenError::io("beginning a journal"))?, false)
        }
    };
    let was_closed = mark.mark().is_closed;
    let found = scan::scan(&*disk, mark.mark(), visit).map_err(OpenError::refused)?;
    let spare =
        tidy(&*disk, &found, settings.capacity()).map_err(OpenError::io("clearing the journal's end"))?;
    let said = Mark { end: found.end, is_closed: false, ..mark.mark() };
    mark.write(said).map_err(OpenError::io("marking the journal's end"))?;
    let Found { segments, end, n_records, torn, .. } = found;
    if let Some(torn) = torn {
        tracing::warn!(
            segment = torn.segment,
            offset = torn.offset,
            bytes = torn.bytes,
            "a torn tail was cut off"
        );
    }
    let opened = Opened { first: said.first, next: end.next, n_records, torn, was_closed, mark_was_half };
    let last = segments.last().cloned();
    let segments = Segments::new(segments);
    let (shared, kicked) = Shared::new(Beginning { settings, disk, lock, mark, segments, next: end.next });
    let number = last.as_ref().map_or(said.floor, |last| last.number + 1);
    let maker = Maker {
        disk: Arc::clone(&shared.disk),
        capacity: shared.settings.capacity(),
        keep_free: shared.settings.keep_free,
        is_full: Arc::clone(&shared.is_full),
    };
    let committer = |spares| Committer::new(Arc::clone(&shared), spares, end, last);
    let failed = OpenError::io("starting the journal's threads");
    let entry = if shared.settings.inline {
        let spares = Spares::own(maker, number, spare).map_err(failed)?;
        Entry::Direct(Box::new(Direct::new(committer(spares))))
    } else {
        let retry_after = shared.settings.retry_after;
        let started = Keeper::start(maker, number, spare, kicked, retry_after)
            .and_then(|keeper| Thread::start(committer(Spares::Thread(keeper))));
        Entry::Thread(started.map_err(failed)?)
    };
    Ok((Journal { inner: Arc::new(Inner { shared, entry }) }, opened))
}

/// Begins a journal at `first`.
pub(super) fn begin(disk: Arc<dyn Disk>, settings: Settings, first: Lsn) -> Result<Journal, OpenError> {
    settings.check()?;
    let lock = disk.lock()?;
    if read_mark(&*disk)?.is_some() {
        return Err(OpenError::Exists);
    }
    let mut mark = Mark::new(Uuid::now_v7());
    (mark.first, mark.end.next) = (first.max(Lsn::FIRST), first.max(Lsn::FIRST));
    MarkFile::create(&*disk, mark).map_err(OpenError::io("beginning a journal"))?;
    drop(lock);
    open(disk, settings, None).map(|(journal, _)| journal)
}

/// Clears what was torn and removes what holds nothing. Gives the spare segment back if it can be used.
fn tidy(disk: &dyn Disk, found: &Found, capacity: u64) -> io::Result<Option<Arc<dyn DiskFile>>> {
    if let Some(last) = found.segments.last() {
        let torn = found.torn.filter(|torn| torn.segment == last.number);
        if let Some(torn) = torn {
            blank(&*last.file, torn.offset, torn.bytes)?;
        }
        if last.file.n_bytes()? < last.capacity {
            last.file.truncate(last.capacity)?;
        }
        // What a process left behind when it was killed is in the system's memory only.
        last.file.sync_data()?;
    }
    let mut spare = None;
    let mut leftovers = found.leftovers.clone();
    if let Some((number, file)) = &found.spare {
        if file.n_bytes()? == capacity {
            file.sync_data()?;
            spare = Some(Arc::clone(file));
        } else {
            leftovers.push(*number);
        }
    }
    for number in leftovers {
        disk.remove(&segment::name(number))?;
    }
    disk.sync_directory()?;
    Ok(spare)
}

fn blank(file: &dyn DiskFile, offset: u64, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS];
    let mut at = offset;
    let end = offset + bytes;
    while at < end {
        let n = usize::try_from(end - at).unwrap_or(ZEROS).min(ZEROS);
        file.write_at(at, &[IoSlice::new(&zeros[..n])])?;
        at += n as u64;
    }
    Ok(())
}
