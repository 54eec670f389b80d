//! Why a package cannot be loaded.

use super::feed::SinkError;
use crate::cell::BindError;
use crate::durable::{Guarantee, Unfit};
use crate::id::{AccumulatorName, GraphName, PackageName, ReactorName, WorkflowName};
use crate::package::{Release, ReleaseRange, ScheduleError, Version};
use crate::reactor::ReactorDeclError;
use std::fmt;
use std::sync::Arc;

/// One reason against a load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A reactor's declaration is wrong.
    #[error(transparent)]
    Reactor(#[from] ReactorDeclError),
    /// A graph does not fit its reactor.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A sink does not fit.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// An accumulator cannot be durable.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A schedule cannot be kept.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A name is taken.
    #[error(
        "E0410: package {package} declares {what} {name}, which package {owner} owns already; rename one of them"
    )]
    NameTaken {
        /// The package that was refused.
        package: PackageName,
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// Who has it.
        owner: PackageName,
    },
    /// Reactors name one accumulator and declare it differently.
    #[error(
        "E0474: reactors {} and {} of package {package} both name accumulator {accumulator}, but declare it with another {}; declare it once and name it in both, or rename one",
        reactors.0, reactors.1, what.join(", ")
    )]
    SharedApart {
        /// The package that was refused.
        package: PackageName,
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The first reactor that names it, and one that differs.
        reactors: Box<(ReactorName, ReactorName)>,
        /// What differs.
        what: Vec<&'static str>,
    },
    /// A graph is bound to a reactor that is not there.
    #[error(
        "E0411: reactor '{reactor}' not loaded; the publishing package must load before its subscribers (package {package}, graph {graph})"
    )]
    ReactorNotLoaded {
        /// The package that was refused.
        package: PackageName,
        /// Its graph.
        graph: GraphName,
        /// The reactor.
        reactor: ReactorName,
    },
    /// A reactor that the package requires is not there.
    #[error(
        "E0462: package {package} requires reactor '{reactor}', which is not loaded; load the package that owns it first"
    )]
    RequirementAbsent {
        /// The package that was refused.
        package: PackageName,
        /// The reactor.
        reactor: ReactorName,
    },
    /// A reactor that the package requires is somebody else's.
    #[error(
        "E0463: package {package} requires reactor '{reactor}' of package {publisher}, but package {owner} owns it; load the other one or change the requirement"
    )]
    OtherPublisher {
        /// The package that was refused.
        package: PackageName,
        /// The reactor.
        reactor: ReactorName,
        /// Who should own it.
        publisher: PackageName,
        /// Who does.
        owner: PackageName,
    },
    /// A package and the owner of a reactor that it requires do not fit by their releases.
    #[error(
        "E0476: package {package} requires {range} of the package that owns reactor '{reactor}', and {owner} is {found}; load fitting releases of both"
    )]
    ReleaseOutOfRange {
        /// Who requires it.
        package: PackageName,
        /// The reactor.
        reactor: ReactorName,
        /// The releases that would do.
        range: ReleaseRange,
        /// Who owns the reactor.
        owner: PackageName,
        /// Its release.
        found: StatedRelease,
    },
    /// The same code came with another manifest.
    #[error(
        "E0874: version {version} of package {package} is loaded with manifest {known}, and now comes with {found} (ManifestMismatch); change its code together with its manifest, or unload it first"
    )]
    ManifestMismatch {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// The digest of the manifest that is loaded.
        known: Arc<str>,
        /// The digest of the manifest that came.
        found: Arc<str>,
    },
    /// A workflow refers to something that is not there.
    #[error(
        "E0464: workflow {workflow} of package {package} refers to {what}, which is not loaded; declare it or load it first"
    )]
    Unresolved {
        /// The package that was refused.
        package: PackageName,
        /// Its workflow.
        workflow: WorkflowName,
        /// What is absent.
        what: String,
    },
    /// One package is wanted twice.
    #[error("E0465: package {package} is named twice in one load; load each package once")]
    Twice {
        /// The package.
        package: PackageName,
    },
    /// Another version of it is loaded.
    #[error(
        "E0466: package {package} is loaded in version {loaded}, and version {wanted} would take its place in a load of several; upgrade it by itself"
    )]
    OtherVersion {
        /// The package.
        package: PackageName,
        /// The version that is loaded.
        loaded: Version,
        /// The version that is wanted.
        wanted: Version,
    },
    /// The new version is of another shape.
    #[error(
        "E0468: version {wanted} of package {package} differs from the loaded one in {}; an upgrade keeps names, types, criteria and strategies: unload the old version first",
        what.join(", ")
    )]
    Reshaped {
        /// The package.
        package: PackageName,
        /// The version that is wanted.
        wanted: Version,
        /// What differs.
        what: Vec<String>,
    },
    /// The new version guards the events of an accumulator otherwise.
    #[error(
        "E0760: version {wanted} of package {package} declares accumulator {accumulator} with delivery {found}, and it is loaded with {loaded}; an upgrade keeps the delivery of each accumulator: declare {loaded}, or unload the old version first"
    )]
    DeliveryChanged {
        /// The package.
        package: PackageName,
        /// The version that is wanted.
        wanted: Version,
        /// The accumulator.
        accumulator: AccumulatorName,
        /// How it is loaded.
        loaded: Guarantee,
        /// How the new version declares it.
        found: Guarantee,
    },
    /// This very version failed too often.
    #[error(
        "E0467: version {version} of package {package} is quarantined: {reason}; load another version, or clear it"
    )]
    Quarantined {
        /// The package.
        package: PackageName,
        /// Its version.
        version: Version,
        /// What failed.
        reason: String,
    },
}

/// The release of a package, if it states one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedRelease(pub Option<Release>);

impl fmt::Display for StatedRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(release) => write!(f, "release {release}"),
            None => f.write_str("of no stated release"),
        }
    }
}

/// All reasons against a load, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reasons, at least one.
    pub problems: Vec<Problem>,
}

impl Refusal {
    /// The reactors that it waits for, if that is all that is missing.
    pub fn missing(&self) -> Option<Vec<ReactorName>> {
        let mut missing = Vec::new();
        for problem in &self.problems {
            match problem {
                Problem::ReactorNotLoaded { reactor, .. } | Problem::RequirementAbsent { reactor, .. } => {
                    if !missing.contains(reactor) {
                        missing.push(reactor.clone());
                    }
                }
                _ => return None,
            }
        }
        Some(missing)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
