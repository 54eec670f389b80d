//! The decision to unload: the doors are shut, then the pins are looked at.

use super::audit::Standing;
use super::command::Command;
use super::decision::{Answer, Decision};
use super::fold::Catalog;
use super::pin::{NAMED_HOLDERS, PinKind};
use super::quarantine::shortened;
use super::record::Change;
use super::refusal::{Held, Refusal};
use super::version::{LoadedVersion, Selector};
use crate::id::PackageName;
use crate::package::Version;

/// How many things that an unload left are named.
const NAMED_ORPHANS: usize = 7;

impl Catalog {
    /// Unload one version, or all with the route. Meanwhile what leaves is draining, and stays listed.
    pub(super) fn decide_unload(
        &self,
        command: &Command,
        package: &PackageName,
        selector: Option<&Selector>,
    ) -> Result<Decision, Refusal> {
        let versions = self.versions_of(package);
        let leaving: Vec<&LoadedVersion> = match selector {
            Some(selector) => {
                let loaded = versions.loaded(package, selector)?;
                if versions.is_routed(&loaded.version) {
                    let (package, version) = (package.clone(), loaded.version.clone());
                    return Err(Refusal::RouteActive { package, version });
                }
                vec![loaded]
            }
            None if versions.is_empty() => {
                let (package, wanted) = (package.clone(), Selector::from("(any)"));
                return Err(Refusal::UnknownVersion { package, wanted, loaded: Vec::new() });
            }
            None => versions.iter().collect(),
        };
        let leaving: Vec<LoadedVersion> = leaving.into_iter().cloned().collect();
        self.leave(command, package, &leaving)
    }

    /// Shut the doors, then look who is inside. On a refusal they open again.
    pub(super) fn leave(
        &self,
        command: &Command,
        package: &PackageName,
        leaving: &[LoadedVersion],
    ) -> Result<Decision, Refusal> {
        let closed = leaving.iter().map(|loaded| loaded.door.close()).collect();
        let held: Vec<Held> = leaving.iter().filter_map(|loaded| self.held(package, loaded)).collect();
        if !held.is_empty() {
            return Err(Refusal::Held { package: package.clone(), held });
        }
        let leaving: Vec<Version> = leaving.iter().map(|loaded| loaded.version.clone()).collect();
        let changes = vec![Change::Unloaded { package: package.clone(), versions: leaving.clone() }];
        let versions = self.versions_of(package);
        let before = Standing::of(&versions);
        let answer = Answer::Unloaded { versions: leaving };
        Ok(Decision::new(command, package, before, versions, changes, answer).holding(closed))
    }

    /// What holds a version, if anything does.
    pub(super) fn held(&self, package: &PackageName, loaded: &LoadedVersion) -> Option<Held> {
        let counts = self.counts(package, loaded);
        if counts.total() == 0 {
            return None;
        }
        let kinds = PinKind::ALL.into_iter().filter(|kind| counts.of(*kind) > 0);
        let page = |kind| self.holders(package, &loaded.version, kind, None, NAMED_HOLDERS);
        let holders = kinds.map(|kind| (kind, page(kind))).collect();
        Some(Held { version: loaded.version.clone(), counts, holders })
    }

    /// Something of an unloaded version is left, or is gone now. The unload stands either way.
    pub(super) fn decide_release(
        &self,
        command: &Command,
        package: &PackageName,
        version: &Version,
        left: Option<&[String]>,
    ) -> Result<Decision, Refusal> {
        let (name, version) = (package.clone(), version.clone());
        let change = match left {
            Some(left) => {
                let left = left.iter().take(NAMED_ORPHANS).map(|left| shortened(left).to_owned()).collect();
                Change::Orphaned { package: name, version, left }
            }
            None => Change::Reaped { package: name, version },
        };
        let versions = self.versions_of(package);
        let before = Standing::of(&versions);
        Ok(Decision::new(command, package, before, versions, vec![change], Answer::Noted))
    }
}
