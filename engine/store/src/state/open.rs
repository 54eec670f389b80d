//! Opening a store: compared with its anchor, taken as it is or made anew from the journal.

use super::anchor::{Anchor, AnchorError, Phase};
use super::contained::contained;
use super::seal::{self, Seal};
use super::{Backend, Batch, ContentHash, Guarded, Reason, StateError, StateStore, Table, folders};
use crate::Lsn;
use crate::disk::{Disk, FolderDisk};
use crate::journal::Journal;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The folder of the store, and of the copy that is taken before it is opened after a crash.
pub(super) const STORE: &str = "state";
const BEFORE: &str = "state.before";
const COPYING: &str = "state.copying";

/// Where a store and its anchor lie.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
}

impl Place {
    /// A folder, which is made if it is not there. Nobody else may use it meanwhile: see [`Disk::lock`].
    ///
    /// # Errors
    /// What the system said.
    pub fn new(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        let disk = Arc::new(FolderDisk::open(&folder)?);
        Ok(Self { folder, disk })
    }

    /// The same with the anchor on a disk of your own.
    pub fn with_disk(folder: impl Into<PathBuf>, disk: Arc<dyn Disk>) -> Self {
        Self { folder: folder.into(), disk }
    }

    fn store(&self) -> PathBuf {
        self.folder.join(STORE)
    }
}

/// The journal to which a store belongs, as far as it has synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// The journal's id.
    pub journal: Uuid,
    /// Its last LSN; [`Lsn::ZERO`] if it has no record.
    pub last: Lsn,
}

impl From<&Journal> for Truth {
    fn from(journal: &Journal) -> Self {
        let next = journal.synced();
        Self { journal: journal.id(), last: Lsn(next.0.saturating_sub(1)) }
    }
}

/// What a rebuild may fail with.
pub type RebuildError = Box<dyn Error + Send + Sync>;

/// Fills an empty store by replaying the journal, and says up to which LSN it did.
pub type Rebuild<'a> = dyn FnMut(&mut dyn StateStore) -> Result<Lsn, RebuildError> + 'a;

/// What opening a store came to. If it was rebuilt, that deserves an audit entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The LSN up to which the store has taken the journal in; go on after it.
    pub at: Lsn,
    /// Why it was made anew, if it was.
    pub rebuilt: Option<Reason>,
    /// Where the store that was not taken lies now.
    pub quarantined: Option<PathBuf>,
    /// How often the store has been made.
    pub epoch: u64,
}

/// A store that could not be opened, and could not be made anew either.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The journal lost what was synced.
    #[error(
        "E0652: the journal ends at LSN {journal}, and the state store was anchored at LSN {anchor}, so synced records are gone; restore the journal, or remove {file} to go on without them"
    )]
    JournalBehind {
        /// The journal's last LSN.
        journal: Lsn,
        /// The anchor's.
        anchor: Lsn,
        /// The anchor's file.
        file: PathBuf,
    },
    /// The back end refused for a reason that is no damage.
    #[error(transparent)]
    State(#[from] StateError),
    /// The anchor cannot be read.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The system refused.
    #[error("E0653: the state store in {} could not be {what}; look at the disk and at permissions", folder.display())]
    Io {
        /// Where.
        folder: PathBuf,
        /// What was about to be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The journal could not be replayed into it.
    #[error(
        "E0654: the state store could not be rebuilt from the journal; put right what is said below, then open it again"
    )]
    Rebuild {
        /// What failed.
        source: RebuildError,
    },
}

/// Open the store at `place`: as it is, if it is what its anchor says and has nothing that the journal does
/// not have; else it is moved aside and `rebuild` fills a new one from the journal.
///
/// # Errors
/// [`OpenError`]. What was there is there still, in its place or moved aside.
pub fn open(
    place: &Place,
    backend: &dyn Backend,
    truth: Truth,
    rebuild: &mut Rebuild<'_>,
) -> Result<(Guarded, Opened), OpenError> {
    let opening = Opening { place, backend, truth };
    let anchor = match Anchor::read(&*place.disk) {
        Ok(anchor) => anchor,
        Err(AnchorError::Damaged { what }) => {
            return opening.make(Some(Reason::AnchorDamaged { what: what.to_owned() }), 0, rebuild);
        }
        Err(error) => return Err(error.into()),
    };
    let Some(anchor) = anchor else {
        let reason = match (place.store().exists(), truth.last > Lsn::ZERO) {
            (true, _) => Some(Reason::AnchorAbsent),
            (false, true) => Some(Reason::Absent),
            (false, false) => None,
        };
        return opening.make(reason, 0, rebuild);
    };
    if anchor.journal == truth.journal && anchor.lsn > truth.last {
        let file = place.folder.join(Anchor::FILE);
        return Err(OpenError::JournalBehind { journal: truth.last, anchor: anchor.lsn, file });
    }
    match opening.take(&anchor)? {
        Ok((store, opened)) => Ok((store, opened)),
        Err(reason) => opening.make(Some(reason), anchor.epoch, rebuild),
    }
}

pub(super) struct Opening<'a> {
    pub(super) place: &'a Place,
    pub(super) backend: &'a dyn Backend,
    pub(super) truth: Truth,
}

pub(super) type Taken = (Guarded, Opened);

impl Opening<'_> {
    /// Take the store as it is, or say why not.
    pub(super) fn take(&self, anchor: &Anchor) -> Result<Result<Taken, Reason>, OpenError> {
        if let Some(reason) = self.not_worth_opening(anchor) {
            return Ok(Err(reason));
        }
        if anchor.phase == Phase::Open {
            // Whatever the back end does as it recovers, this is what it found.
            self.discard(BEFORE)?;
            self.copy().map_err(self.io("copied"))?;
        }
        self.note(&Anchor { phase: Phase::Opening, ..anchor.clone() })?;
        let store = match contained(self.backend.name(), || self.backend.open(&self.place.store())) {
            Ok(store) => store,
            Err(error) => return self.unreadable(anchor, error).map(Err),
        };
        let found = contained(self.backend.name(), || self.read(&*store));
        let seal = match found.map(|found| self.compare(anchor, &*store, found)) {
            Ok(Ok(seal)) => seal,
            Ok(Err(reason)) => {
                self.let_go(store);
                return Ok(Err(reason));
            }
            Err(error) => {
                self.let_go(store);
                return self.unreadable(anchor, error).map(Err);
            }
        };
        let disk = Arc::clone(&self.place.disk);
        let guarded = Guarded::new(self.backend.name(), store, disk, self.truth.journal, seal);
        self.note(&Anchor { phase: Phase::Open, ..anchor.clone() })?;
        self.discard(BEFORE)?;
        let opened = Opened { at: seal.lsn, rebuilt: None, quarantined: None, epoch: seal.epoch };
        Ok(Ok((guarded, opened)))
    }

    /// It may well panic again on its way out.
    fn let_go(&self, store: Box<dyn StateStore>) {
        let _ = contained(self.backend.name(), || Ok(drop(store)));
    }

    fn not_worth_opening(&self, anchor: &Anchor) -> Option<Reason> {
        match anchor.phase {
            Phase::Rebuilding => return Some(Reason::RebuildInterrupted),
            // Trying again could end the process again, for ever.
            Phase::Opening => return Some(Reason::OpeningInterrupted),
            Phase::Open | Phase::Closed => {}
        }
        if anchor.journal != self.truth.journal {
            return Some(Reason::OtherJournal { found: anchor.journal });
        }
        if anchor.backend != Anchor::short(self.backend.name()) {
            return Some(Reason::OtherBackend { found: anchor.backend.clone() });
        }
        (!self.place.store().is_dir()).then_some(Reason::StoreAbsent)
    }

    /// What the store says of itself, and what it really holds.
    fn read(&self, store: &dyn StateStore) -> Result<(Option<Seal>, ContentHash), StateError> {
        let seal = store.get(Table::SEAL, seal::KEY)?.and_then(|bytes| Seal::from_bytes(&bytes));
        let is_theirs =
            |row: &Result<super::Row, _>| row.as_ref().map_or(true, |row| row.table != Table::SEAL);
        Ok((seal, ContentHash::of(store.rows().filter(is_theirs))?))
    }

    fn compare(
        &self,
        anchor: &Anchor,
        store: &dyn StateStore,
        (seal, content): (Option<Seal>, ContentHash),
    ) -> Result<Seal, Reason> {
        let seal = seal.filter(|seal| seal.lsn == store.at()).ok_or(Reason::Unsealed)?;
        if seal.epoch != anchor.epoch {
            return Err(Reason::OtherEpoch { anchor: anchor.epoch, store: seal.epoch });
        }
        if seal.lsn < anchor.lsn || seal.generation < anchor.generation {
            return Err(Reason::Behind { anchor: anchor.lsn, store: seal.lsn });
        }
        // Batches may follow the anchor; the seal goes with each of them.
        let is_anchored = seal.generation == anchor.generation;
        if seal.content != content || (is_anchored && content != anchor.content) {
            return Err(Reason::OtherContent { expected: seal.content.n_rows(), found: content.n_rows() });
        }
        if seal.lsn > self.truth.last {
            return Err(Reason::AheadOfJournal { journal: self.truth.last, store: seal.lsn });
        }
        Ok(seal)
    }

    /// Damage is a reason to make the store anew. A full disk, a lock or permissions are not: the store may
    /// be as good as ever, and a new one would meet the same.
    fn unreadable(&self, anchor: &Anchor, error: StateError) -> Result<Reason, OpenError> {
        let is_damage = match &error {
            StateError::Damaged { .. } | StateError::Panicked { .. } => true,
            StateError::Io { source, .. } => {
                let denied = matches!(
                    source.kind(),
                    io::ErrorKind::PermissionDenied
                        | io::ErrorKind::ReadOnlyFilesystem
                        | io::ErrorKind::WouldBlock
                        | io::ErrorKind::OutOfMemory
                );
                !denied && !source.to_string().contains("could not acquire lock")
            }
            _ => false,
        };
        if is_damage {
            return Ok(Reason::Unreadable { reason: error.to_string() });
        }
        // The attempt is over, and the process lives.
        self.note(anchor)?;
        Err(error.into())
    }

    /// Move aside what is there, and make the store anew.
    fn make(
        &self,
        reason: Option<Reason>,
        epoch: u64,
        rebuild: &mut Rebuild<'_>,
    ) -> Result<Taken, OpenError> {
        let quarantined = self.move_aside(reason.as_ref())?;
        let epoch = epoch.saturating_add(1);
        let name = self.backend.name();
        let seal = Seal { epoch, generation: 0, lsn: Lsn::ZERO, content: ContentHash::default() };
        self.note(&Anchor {
            journal: self.truth.journal,
            backend: Anchor::short(name),
            epoch,
            generation: 0,
            lsn: Lsn::ZERO,
            content: seal.content,
            phase: Phase::Rebuilding,
        })?;
        let store = contained(name, || self.backend.open(&self.place.store()))?;
        let disk = Arc::clone(&self.place.disk);
        let mut store = Guarded::new(name, store, disk, self.truth.journal, seal);
        store.apply(&Batch::default(), Lsn::ZERO)?;
        if self.truth.last > Lsn::ZERO {
            let reached = rebuild(&mut store).map_err(|source| OpenError::Rebuild { source })?;
            // Records that leave no row behind count as taken in, too.
            store.apply(&Batch::default(), reached.max(store.at()))?;
        }
        let at = store.checkpoint()?;
        folders::names(&self.place.folder).map_err(self.io("synced"))?;
        Ok((store, Opened { at, rebuilt: reason, quarantined, epoch }))
    }

    /// What an interrupted rebuild left is worth nothing; anything else is kept.
    fn move_aside(&self, reason: Option<&Reason>) -> Result<Option<PathBuf>, OpenError> {
        if reason == Some(&Reason::RebuildInterrupted) {
            self.discard(STORE)?;
        }
        let (store, before) = (self.place.store(), self.place.folder.join(BEFORE));
        let is_copied =
            before.is_dir() && !matches!(reason, Some(Reason::AnchorAbsent | Reason::OtherBackend { .. }));
        if is_copied && store.is_dir() {
            // The copy is what was found; the back end may have changed the other.
            self.discard(STORE)?;
        }
        let found: &Path = if is_copied { &before } else { &store };
        if !found.is_dir() {
            return Ok(None);
        }
        let aside = folders::quarantine(found, &self.place.folder, STORE).map_err(self.io("moved aside"))?;
        // Told here too, since a rebuild that fails has no account to give.
        let why = reason.map(ToString::to_string).unwrap_or_default();
        tracing::warn!(reason = why, kept = %aside.display(), "state store moved aside");
        Ok(Some(aside))
    }

    /// Copy the store aside. A copy that was not completed has another name.
    fn copy(&self) -> io::Result<()> {
        let copying = self.place.folder.join(COPYING);
        folders::remove(&copying)?;
        if let Err(error) = folders::copy(&self.place.store(), &copying) {
            // A half copy must not take the room that is lacking; the first error is the one to tell of.
            let _ = folders::remove(&copying);
            return Err(error);
        }
        std::fs::rename(copying, self.place.folder.join(BEFORE))?;
        folders::names(&self.place.folder)
    }

    fn discard(&self, name: &str) -> Result<(), OpenError> {
        folders::remove(&self.place.folder.join(name)).map_err(self.io("cleared away"))
    }

    fn note(&self, anchor: &Anchor) -> Result<(), OpenError> {
        anchor.replace(&*self.place.disk).map_err(|source| StateError::Anchor { source }.into())
    }

    fn io(&self, what: &'static str) -> impl Fn(io::Error) -> OpenError {
        let folder = self.place.store();
        move |source| OpenError::Io { folder: folder.clone(), what, source }
    }
}
