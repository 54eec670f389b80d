//! Where new work goes, and the decision to send it elsewhere.

use super::audit::Standing;
use super::command::Command;
use super::decision::{Answer, Decision};
use super::fold::Catalog;
use super::record::Change;
use super::refusal::Refusal;
use super::version::Selector;
use crate::id::PackageName;
use crate::package::Version;

/// The route of a package. A share of the work for another version would stand here as well; its place in
/// the stored form is kept free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The version to which new work goes.
    pub to: Version,
}

impl Catalog {
    /// Point new work of `package` at a loaded version. Doing so again is no error, and is journaled again.
    pub(super) fn decide_route(
        &self,
        command: &Command,
        package: &PackageName,
        selector: &Selector,
        expected: Option<&Version>,
    ) -> Result<Decision, Refusal> {
        let versions = self.versions_of(package);
        let wanted = versions.loaded(package, selector)?;
        let from = versions.route().map(|route| route.to.clone());
        if let Some(expected) = expected.filter(|expected| from.as_ref() != Some(*expected)) {
            let (package, expected) = (package.clone(), expected.clone());
            return Err(Refusal::RouteMoved { package, expected, found: from });
        }
        versions.admits(package, wanted)?;

        let version = wanted.version.clone();
        let mut changes = Vec::new();
        if wanted.drain.is_some() {
            // The newer wish counts: it is to serve, so it is not to go.
            changes.push(Change::DrainEnded { package: package.clone(), version: version.clone() });
        }
        changes.push(Change::Routed { package: package.clone(), route: Route { to: version.clone() } });
        let answer = Answer::Routed { changed: from.as_ref() != Some(&version), version, from };
        let before = Standing::of(&versions);
        Ok(Decision::new(command, package, before, versions, changes, answer))
    }
}
