//! What a start loads, in which order, and what becomes of packages that lie in a folder.

use super::command::{Load, Operation};
use super::fold::Catalog;
use super::version::{Label, ManifestDigest, Origin, VersionState};
use crate::id::PackageName;
use crate::package::Version;
use std::fmt;

/// A version that a start loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootVersion {
    /// The package.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// What its manifest calls it.
    pub label: Option<Label>,
    /// The digest that its manifest must have.
    pub manifest: Option<ManifestDigest>,
    /// Whether new work goes there, so that it owns the package's reactors and triggers.
    pub is_routed: bool,
    /// What it is doing: a quarantined one is not started, one that drains takes nothing new.
    pub state: VersionState,
}

/// What packages in a folder mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilePolicy {
    /// They are there to begin with: a package that was ever loaded is left as operators left it.
    #[default]
    Initial,
    /// They are what is wanted: at each start the file's version takes the route, and if that was another
    /// one, it is reported.
    Pinned,
}

/// A package in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePackage {
    /// The package.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// What its manifest calls it.
    pub label: Option<Label>,
    /// The digest of its manifest.
    pub manifest: Option<ManifestDigest>,
}

/// What a start does with a package in a folder, and tells the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileVerdict {
    /// It was never loaded: it is now.
    First(Operation),
    /// It is loaded and routed already.
    Resident {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
    },
    /// It takes the route from another version, or comes back after an unload.
    Overrides {
        /// The command that does so.
        operation: Operation,
        /// The version that an operator had left in place.
        over: Option<Version>,
    },
    /// It stays where it lies.
    Ignored {
        /// The package.
        package: PackageName,
        /// The version in the folder.
        version: Version,
        /// The version to which new work goes.
        routed: Option<Version>,
    },
}

impl fmt::Display for FileVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |version: &Option<Version>| version.clone().unwrap_or_else(|| "no version".into());
        match self {
            Self::First(operation) => write!(f, "{} from its file: {operation}", operation.package()),
            Self::Resident { package, version } => write!(f, "{package} {version} is loaded already"),
            Self::Overrides { operation, over } => {
                let package = operation.package();
                write!(f, "{package} was left at {}, and its file says: {operation}", or_none(over))
            }
            Self::Ignored { package, version, routed } => {
                write!(
                    f,
                    "{package} is at {}, and its file of version {version} stays unused",
                    or_none(routed)
                )
            }
        }
    }
}

impl Catalog {
    /// What a start loads, in the order of deploys: after everything that it may need. One whose bytes are
    /// damaged is quarantined by command; the others go on.
    pub fn boot(&self) -> Vec<BootVersion> {
        let mut all: Vec<_> = Vec::new();
        for (package, versions) in self.snapshot.packages() {
            all.extend(versions.iter().map(|loaded| {
                let boot = BootVersion {
                    package: package.clone(),
                    version: loaded.version.clone(),
                    label: loaded.label.clone(),
                    manifest: loaded.manifest.clone(),
                    is_routed: versions.is_routed(&loaded.version),
                    state: versions.state(loaded),
                };
                (loaded.order, boot)
            }));
        }
        all.sort_by_key(|(order, _)| *order);
        all.into_iter().map(|(_, boot)| boot).collect()
    }

    /// What becomes of a package in a folder. What an operator did is never overridden without a word.
    pub fn judge_file(&self, file: &FilePackage, policy: FilePolicy) -> FileVerdict {
        let (package, version) = (file.package.clone(), file.version.clone());
        let known = self.snapshot.package(&package);
        let routed = self.snapshot.routed(&package).cloned();
        let operation = Operation::Load(Load {
            package: package.clone(),
            version: version.clone(),
            label: file.label.clone(),
            manifest: file.manifest.clone(),
            origin: Origin::File,
        });
        if routed.as_ref() == Some(&version) {
            return FileVerdict::Resident { package, version };
        }
        match (known.is_some_and(|versions| versions.was_loaded()), policy) {
            (false, _) => FileVerdict::First(operation),
            (true, FilePolicy::Pinned) => FileVerdict::Overrides { operation, over: routed },
            (true, FilePolicy::Initial) => FileVerdict::Ignored { package, version, routed },
        }
    }
}
