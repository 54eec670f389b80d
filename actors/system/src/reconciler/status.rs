//! What is told of a package.

use acequia_core::id::{PackageName, ReactorName};
use acequia_core::package::Version;

/// How it stands with a package.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackageState {
    /// It is loaded.
    Loaded,
    /// It waits for these reactors.
    Parked {
        /// The reactors.
        missing: Vec<ReactorName>,
    },
    /// It failed, and is tried again.
    Retrying {
        /// How often it has failed.
        failures: u32,
        /// What failed.
        reason: String,
    },
    /// This version is kept out until another one is loaded, or an operator clears it.
    Quarantined {
        /// What failed.
        reason: String,
    },
}

/// One package, for listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageStatus {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// How it stands.
    pub state: PackageState,
    /// What it owns, as `reactor PriceReactor`, in precedence order.
    pub owns: Vec<String>,
}
