//! The flight recorder: what a journal recorded is gone through again, and whatever comes to something else is told.
//!
//! ```text
//! journal ─▶ events ─▶ fresh cells of the given packages ─▶ boundaries, firings, results
//!        └─▶ marks ──▶ cuts and clock                          │
//!                 └──▶ what fired, and a check of the results ─┴─▶ compared, turn by turn
//! ```
//!
//! Each turn is given the events that it handled then, at the time that it was then; everything else is decided and
//! computed anew. With the packages that wrote the journal, a difference is an accident: user code that does not depend
//! on its input alone, or a mistake of the engine. With another version of them, differences are the answer to "what
//! would it have done?".
//!
//! Every reactor goes through its own recorded input. What a graph sent on is compared where it was made; whoever
//! received it is given what the journal has. Nothing leaves: sinks are not fed, sources and pollers do not run, and
//! the journal is only read.
//!
//! ```no_run
//! use acequia::replay::Replay;
//! # fn package() -> acequia::Package { acequia::Package::new("pricing") }
//!
//! let report = Replay::of("journal").package(package()).run()?;
//! assert!(report.is_equal(), "{report}");
//! # Ok::<(), acequia::replay::ReplayError>(())
//! ```

mod course;
mod heard;
mod report;
mod virtual_time;

pub use report::{Change, Difference, ReactorReport, Report, Stage};

use crate::shelf::LazyShelf;
use acequia_core::cell::{BindError, KeptError};
use acequia_core::durable::MarkError;
use acequia_core::fault::Failure;
use acequia_core::id::PackageName;
use acequia_core::reactor::ReactorDeclError;
use acequia_host::{Candidate, CandidateError, ShelfError, Trust};
use acequia_sdk::Package;
use acequia_store::Lsn;
use acequia_store::disk::{Disk, ReadOnlyDisk};
use acequia_store::journal::{OpenError, read};
use course::Course;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use virtual_time::VirtualTime;

/// A replay that did not take place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The folder cannot be looked at.
    #[error("E0910: {} cannot be read; name the folder that the engine was given for its journal", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing to go through.
    #[error("E0911: there is no journal; name the folder that the engine was given for its journal")]
    NoJournal,
    /// Somebody has it open, or it cannot be read.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// None of the reactors is in the journal.
    #[error("E0912: the journal knows no reactor of {packages}; give the packages that wrote it")]
    NothingKnown {
        /// The packages.
        packages: String,
    },
    /// A package from a file is refused.
    #[error(transparent)]
    Package(#[from] CandidateError),
    /// There is no place for a library.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The author's hook failed.
    #[error("E0913: package {package} did not start: {failure}")]
    Hook {
        /// The package.
        package: PackageName,
        /// What it failed with.
        failure: Failure,
    },
    /// A declaration is wrong.
    #[error(transparent)]
    Reactor(#[from] ReactorDeclError),
    /// A graph does not fit its reactor.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A part could not be made.
    #[error("E0914: a part of reactor {reactor} could not be made: {failure}")]
    Part {
        /// The reactor.
        reactor: String,
        /// What it failed with.
        failure: Failure,
    },
    /// A checkpoint is of another version.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// A mark is of another release.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// There is no thread to replay on.
    #[error("E0915: a thread for the replay could not be had; see the cause")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

/// What is gone through, with what, and how far.
#[must_use = "nothing is replayed before `run`"]
pub struct Replay {
    journal: Source,
    packages: Vec<Package>,
    files: Vec<PathBuf>,
    until: Lsn,
    examples: usize,
}

enum Source {
    Folder(PathBuf),
    Disk(Arc<dyn Disk>),
}

impl Replay {
    /// The journal in `folder`, which no engine has open. It is only read.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self::from(Source::Folder(folder.into()))
    }

    /// The journal on a disk of your own.
    pub fn on(disk: Arc<dyn Disk>) -> Self {
        Self::from(Source::Disk(disk))
    }

    fn from(journal: Source) -> Self {
        Self { journal, packages: Vec::new(), files: Vec::new(), until: Lsn::MAX, examples: 3 }
    }

    /// With the reactors and graphs of this package. Give all those whose graphs are bound to the reactors.
    pub fn package(mut self, package: Package) -> Self {
        self.packages.push(package);
        self
    }

    /// The same of a package in `path`, a folder or an archive. Its library's timers take no time here.
    pub fn open(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// No further than this record.
    pub fn until(mut self, lsn: Lsn) -> Self {
        self.until = lsn;
        self
    }

    /// Tell so many differences of each reactor in full (default 3); all are counted.
    pub fn examples(mut self, examples: usize) -> Self {
        self.examples = examples;
        self
    }

    /// Go through it. Blocks, on a thread of its own.
    ///
    /// # Errors
    /// [`ReplayError`], if it could not take place. A journal that is damaged is gone through up to there, and the
    /// report says so.
    pub fn run(self) -> Result<Report, ReplayError> {
        std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().name("acequia-replay".to_owned());
            let replaying = builder.spawn_scoped(scope, || self.go());
            let ended = replaying.map_err(|source| ReplayError::Thread { source })?.join();
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn go(self) -> Result<Report, ReplayError> {
        let shelf = LazyShelf::new(None, usize::MAX, uuid::Uuid::now_v7());
        let mut packages = self.packages;
        for path in &self.files {
            packages.push(from_file(path, &shelf)?);
        }
        for package in &packages {
            let hooked = package.start();
            hooked.map_err(|failure| ReplayError::Hook { package: package.name().clone(), failure })?;
        }
        let disk: Arc<dyn Disk> = match self.journal {
            Source::Disk(disk) => disk,
            Source::Folder(folder) => {
                let opened = ReadOnlyDisk::open(&folder);
                Arc::new(opened.map_err(|source| ReplayError::Folder { folder, source })?)
            }
        };
        let report = go_through(&*disk, courses(&packages, self.examples)?, self.until)?;
        if report.reactors.is_empty() && report.damage.is_none() {
            let names: Vec<&str> = packages.iter().map(|package| package.name().as_str()).collect();
            let packages = if names.is_empty() { "no package".to_owned() } else { names.join(", ") };
            return Err(ReplayError::NothingKnown { packages });
        }
        Ok(report)
    }
}

fn from_file(path: &Path, shelf: &LazyShelf) -> Result<Package, ReplayError> {
    let candidate = Candidate::open(path, &*shelf.get()?, &Trust::default())?;
    Ok(candidate.package(Arc::new(VirtualTime)))
}

/// Every reactor, with the graphs that are bound to it.
fn courses(packages: &[Package], examples: usize) -> Result<Vec<Course>, ReplayError> {
    let graphs: Vec<_> = packages
        .iter()
        .flat_map(|package| package.graphs().iter().map(|graph| (package.name().clone(), graph.clone())))
        .collect();
    let mut courses = Vec::new();
    for decl in packages.iter().flat_map(Package::cells) {
        let bound = graphs.iter().filter(|(_, graph)| graph.reactor.as_ref() == Some(&decl.name));
        courses.push(Course::new(decl.clone(), bound.cloned().collect(), examples)?);
    }
    Ok(courses)
}

fn go_through(disk: &dyn Disk, mut courses: Vec<Course>, until: Lsn) -> Result<Report, ReplayError> {
    let mut failed = None;
    let mut report = Report::default();
    let found = read(disk, |record| {
        if failed.is_some() || record.lsn > until {
            return;
        }
        let is_trimmed = report.records == 0 && record.lsn > Lsn::FIRST;
        report.records += 1;
        report.last = record.lsn;
        for course in &mut courses {
            if is_trimmed {
                course.begins_late();
            }
            if let Err(error) = course.take(record) {
                failed = Some(error);
                return;
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    match found {
        Ok(None) => return Err(ReplayError::NoJournal),
        Ok(Some(found)) => report.torn = found.torn,
        Err(OpenError::Damaged(damage)) => report.damage = Some(damage),
        Err(error) => return Err(error.into()),
    }
    let reports = courses.into_iter().map(Course::report);
    report.reactors = reports.filter(|report| report.stage != Stage::Unknown).collect();
    Ok(report)
}
