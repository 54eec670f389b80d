//! What a package needs of others, and the releases by which it says so.

use crate::id::{PackageName, ReactorName};

/// The number that an author gives a state of a package, such as 1.2.0. Versions are told apart by their
/// contents; a release says what its author promises about them.
pub type Release = semver::Version;

/// A range of releases, such as `^1.2`.
pub type ReleaseRange = semver::VersionReq;

/// A reactor that a package binds to and does not declare itself.
///
/// ```
/// use acequia_core::package::{ReleaseRange, Requirement};
///
/// let range = ReleaseRange::parse("^1.2")?;
/// let requirement = Requirement::of("PriceReactor").from("pricing-publisher").within(range);
/// # let _ = requirement;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The reactor.
    pub reactor: ReactorName,
    /// The package that must own it; any, if none.
    pub package: Option<PackageName>,
    /// The releases of its owner that will do; any, if none.
    pub releases: Option<ReleaseRange>,
}

impl Requirement {
    /// That `reactor` is loaded, whoever owns it.
    pub fn of(reactor: impl Into<ReactorName>) -> Self {
        Self { reactor: reactor.into(), package: None, releases: None }
    }

    /// And that `package` owns it.
    #[must_use]
    pub fn from(mut self, package: impl Into<PackageName>) -> Self {
        self.package = Some(package.into());
        self
    }

    /// And that its owner is of a release in `range`.
    #[must_use]
    pub fn within(mut self, range: ReleaseRange) -> Self {
        self.releases = Some(range);
        self
    }

    /// Whether an owner of that release will do. One that states no release is in no range.
    pub fn accepts(&self, release: Option<&Release>) -> bool {
        self.releases.as_ref().is_none_or(|range| release.is_some_and(|release| range.matches(release)))
    }
}
