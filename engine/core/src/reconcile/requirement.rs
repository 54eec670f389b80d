//! What packages require of each other, judged over all that would be loaded.

use super::actual::Actual;
use super::problem::{Problem, StatedRelease};
use crate::id::PackageName;
use crate::package::Package;

/// Every reactor that `package` requires is there, and is that of whom it names.
pub(super) fn check_owners(wanted: &Actual, package: &Package, problems: &mut Vec<Problem>) {
    for requirement in package.requirements() {
        let name = || package.name().clone();
        let reactor = requirement.reactor.clone();
        let bound = package.graphs().iter().any(|graph| graph.reactor.as_ref() == Some(&reactor));
        match (wanted.reactors.get(&reactor), requirement.package) {
            // Said of its graph already.
            (None, _) if bound => {}
            (None, _) => problems.push(Problem::RequirementAbsent { package: name(), reactor }),
            (Some(owned), Some(publisher)) if owned.package != publisher => {
                let owner = owned.package.clone();
                problems.push(Problem::OtherPublisher { package: name(), reactor, publisher, owner });
            }
            (Some(_), _) => {}
        }
    }
}

/// Every range that somebody requires holds, where it is about one of `changed`: of what they require
/// themselves, and of what is loaded and requires something of them.
pub(super) fn check_releases(wanted: &Actual, changed: &[&PackageName], problems: &mut Vec<Problem>) {
    for (package, loaded) in wanted.packages.iter() {
        for requirement in &loaded.requirements {
            let Some(range) = &requirement.releases else { continue };
            let Some(owner) = wanted.reactors.get(&requirement.reactor).map(|owned| &owned.package) else {
                continue;
            };
            let release = wanted.packages.get(owner).and_then(|owner| owner.release.as_ref());
            let concerns = changed.contains(&package) || changed.contains(&owner);
            if concerns && !requirement.accepts(release) {
                problems.push(Problem::ReleaseOutOfRange {
                    package: package.clone(),
                    reactor: requirement.reactor.clone(),
                    range: range.clone(),
                    owner: owner.clone(),
                    found: StatedRelease(release.cloned()),
                });
            }
        }
    }
}
