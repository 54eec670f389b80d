//! Which version is meant by what a person wrote: its hash, a prefix, or a label.

use super::refusal::Refusal;
use super::snapshot::PackageVersions;
use super::version::{LoadedVersion, Selector};
use crate::id::PackageName;

impl PackageVersions {
    /// The loaded version that is meant. A whole hash means itself; anything else must be the prefix of one
    /// hash or the label of one version, and not the one of this and the other of that.
    ///
    /// # Errors
    /// [`Refusal::UnknownVersion`] and [`Refusal::AmbiguousVersion`].
    pub fn loaded(&self, package: &PackageName, selector: &Selector) -> Result<&LoadedVersion, Refusal> {
        let text = selector.as_str();
        if let Some(exact) = self.iter().find(|loaded| loaded.version.as_str() == text) {
            return Ok(exact);
        }
        let is_meant = |loaded: &&LoadedVersion| {
            let by_label = loaded.label.as_ref().is_some_and(|label| label.as_str() == text);
            by_label || (!text.is_empty() && loaded.version.as_str().starts_with(text))
        };
        let mut meant = self.iter().filter(is_meant);
        let (package, wanted) = (package.clone(), selector.clone());
        match (meant.next(), meant.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => {
                let loaded = self.iter().map(|loaded| loaded.version.clone()).collect();
                Err(Refusal::UnknownVersion { package, wanted, loaded })
            }
            (Some(_), Some(_)) => {
                let candidates = self.iter().filter(is_meant).map(|loaded| loaded.version.clone()).collect();
                Err(Refusal::AmbiguousVersion { package, wanted, candidates })
            }
        }
    }
}
