//! Why a command did not do what it was asked.

use crate::exit::Exit;
use acequia::KeptError;
use acequia::lineage::LineageError;
use acequia::replay::ReplayError;
use acequia::store::Lsn;
use acequia::store::disk::LockError;
use acequia::store::journal::{AppendError, OpenError};
use acequia::store::state::OpenError as StateOpenError;
use acequia_host::{ArchiveError, KeyError, ShelfError, SignatureError, TrustError, VerifyError};
use std::io;
use std::path::PathBuf;

/// A failure, or a refusal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The package is none, or not for this engine.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A library cannot be kept for a look.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// It is in order, and by somebody who is not trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A key is none.
    #[error("E0898: {given} is not taken for a key; see the cause")]
    Key {
        /// What was given: a file, or the key itself if that is no secret.
        given: String,
        /// The cause.
        source: KeyError,
    },
    /// There is a key already.
    #[error("E0884: {} exists already, and a key is never written over; name another file", path.display())]
    KeyExists {
        /// Its file.
        path: PathBuf,
    },
    /// Others can read a secret key.
    #[error("E0899: others can read the secret key in {} (mode {mode:o}); run: chmod 600, and think of making another one", path.display())]
    KeyIsOpen {
        /// Its file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The name is none.
    #[error(
        "E0890: {name:?} is no package name: 1 to 56 letters, digits, `-` and `_`, a letter first, and not {reserved}"
    )]
    Name {
        /// The name.
        name: String,
        /// Names that cargo keeps for itself.
        reserved: String,
    },
    /// There is something already.
    #[error("E0891: {} exists already; choose another name, or another folder with --path", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// The system refused.
    #[error("E0892: {} cannot be read or written; see the cause", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There is no crate.
    #[error("E0893: {} has no Cargo.toml; name the package's folder, or write one with `acequia package new`", folder.display())]
    NoCrate {
        /// The folder.
        folder: PathBuf,
    },
    /// Cargo is absent.
    #[error("E0894: {program} cannot be run; install Rust from https://rustup.rs, or name cargo in CARGO")]
    NoCargo {
        /// What was tried.
        program: String,
        /// The cause.
        source: io::Error,
    },
    /// Cargo failed.
    #[error("E0895: cargo could not build {}; its messages are above", folder.display())]
    Cargo {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no library to load.
    #[error("E0896: {} builds no dynamic library; write crate-type = [\"cdylib\", \"rlib\"] under [lib] in its Cargo.toml", folder.display())]
    NoDynamicLibrary {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no store.
    #[error("E0902: there is no journal in {}; name the folder that its engine was given", folder.display())]
    NoStore {
        /// The folder.
        folder: PathBuf,
    },
    /// Somebody has it open, or it cannot be read.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// What the catalog in it says cannot be told.
    #[error(transparent)]
    Versions(#[from] KeptError),
    /// The state store beside the journal cannot be looked at, or is ahead of its journal.
    #[error(transparent)]
    State(#[from] StateOpenError),
    /// A store is imported into a new folder only.
    #[error("E0903: {} is there already, and an import makes a new store; name a folder that is not there", folder.display())]
    Occupied {
        /// The folder.
        folder: PathBuf,
    },
    /// A line is no record.
    #[error("E0904: line {line} is no record: {what}; give it as `acequia store export` printed it")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A record is missing.
    #[error(
        "E0905: line {line} has record {found}, and {expected} comes next; a store has no gaps, so export without filters"
    )]
    Gap {
        /// Its number, from 1.
        line: u64,
        /// What it has.
        found: Lsn,
        /// What comes next.
        expected: Lsn,
    },
    /// There was no line.
    #[error(
        "E0906: there is no record to import; give the lines of an export on the standard input, or with --input"
    )]
    Nothing,
    /// The records cannot be written.
    #[error("E0907: the records could not be written; nothing of the new store is left")]
    Append {
        /// The cause.
        source: AppendError,
    },
    /// There is no code to replay with.
    #[error("E0908: no package is kept beside the journal in {}; name those that wrote it with --package, or replay within the program that has them (`acequia::replay`)", folder.display())]
    NoPackage {
        /// The folder.
        folder: PathBuf,
    },
    /// There is more than one choice.
    #[error(
        "E0909: several versions of package {package} are kept beside the journal; choose one with --package"
    )]
    SeveralVersions {
        /// The package.
        package: String,
    },
    /// A replay did not take place.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A lineage cannot be read.
    #[error(transparent)]
    Lineage(#[from] LineageError),
    /// A library does not load.
    #[error("E0897: the library of package {package} cannot be looked into; see the cause")]
    Load {
        /// The package.
        package: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl CommandError {
    /// The exit code that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Verify(VerifyError::Archive(ArchiveError::Io { .. } | ArchiveError::Changed { .. })) => {
                Exit::Failed
            }
            Self::Journal(error) | Self::Versions(KeptError::Journal(error)) => of(error),
            Self::Versions(KeptError::Catalog(_)) => Exit::Damaged,
            Self::State(StateOpenError::JournalBehind { .. }) => Exit::Damaged,
            Self::Occupied { .. } => Exit::Refused,
            Self::Replay(ReplayError::Journal(error)) | Self::Lineage(LineageError::Journal(error)) => {
                of(error)
            }
            Self::NoStore { .. }
            | Self::NoPackage { .. }
            | Self::Replay(ReplayError::Folder { .. } | ReplayError::NoJournal)
            | Self::Lineage(_) => Exit::NotFound,
            Self::Replay(ReplayError::Package(_) | ReplayError::NothingKnown { .. }) => Exit::Refused,
            Self::Verify(_) | Self::Trust(_) | Self::Load { .. } => Exit::Refused,
            Self::Name { .. } | Self::Key { .. } | Self::SeveralVersions { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

impl From<SignatureError> for CommandError {
    fn from(error: SignatureError) -> Self {
        Self::Verify(error.into())
    }
}

impl From<ArchiveError> for CommandError {
    fn from(error: ArchiveError) -> Self {
        Self::Verify(error.into())
    }
}

/// Of a journal that does not open.
fn of(error: &OpenError) -> Exit {
    match error {
        OpenError::Damaged(_) | OpenError::MarkLost => Exit::Damaged,
        OpenError::Lock(LockError::Held { .. }) => Exit::Refused,
        _ => Exit::Failed,
    }
}

/// An error with its causes, as one text.
pub(crate) fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
