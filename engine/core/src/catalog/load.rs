//! The decision to load a version.

use super::audit::Standing;
use super::command::{Command, Load};
use super::decision::{Answer, Decision};
use super::fold::Catalog;
use super::record::Change;
use super::refusal::Refusal;
use super::route::Route;

impl Catalog {
    /// Load a version and send new work there. One that is loaded already is not loaded again, but takes
    /// the route back, and is journaled.
    pub(super) fn decide_load(&self, command: &Command, load: &Load) -> Result<Decision, Refusal> {
        let (package, version) = (&load.package, &load.version);
        let versions = self.versions_of(package);
        let resident = versions.get(version);
        if let Some(resident) = resident {
            if resident.manifest != load.manifest {
                return Err(Refusal::ManifestMismatch {
                    package: package.clone(),
                    version: version.clone(),
                    loaded: resident.manifest.clone(),
                    offered: load.manifest.clone(),
                });
            }
            versions.admits(package, resident)?;
        }
        if let Some((_, reason)) = versions.quarantined().find(|(known, _)| *known == version) {
            let (package, version) = (package.clone(), version.clone());
            return Err(Refusal::Quarantined { package, version, reason: reason.to_string() });
        }

        let mut changes = Vec::new();
        match resident {
            None => {
                // A new version clears what its predecessors had earned.
                let cleared = versions.quarantined().map(|(version, _)| version.clone());
                let cleared = cleared.map(|version| Change::Cleared { package: package.clone(), version });
                changes.extend(cleared);
                changes.push(Change::Loaded {
                    package: package.clone(),
                    version: version.clone(),
                    label: load.label.clone(),
                    manifest: load.manifest.clone(),
                    origin: load.origin,
                    at: command.at,
                    order: self.next_order(),
                });
            }
            Some(resident) if resident.drain.is_some() => {
                // The newer wish counts: it is to serve, so it is not to go.
                changes.push(Change::DrainEnded { package: package.clone(), version: version.clone() });
            }
            Some(_) => {}
        }
        changes.push(Change::Routed { package: package.clone(), route: Route { to: version.clone() } });
        let answer = Answer::Loaded {
            version: version.clone(),
            freshly_loaded: resident.is_none(),
            route_changed: !versions.is_routed(version),
        };
        let before = Standing::of(&versions);
        Ok(Decision::new(command, package, before, versions, changes, answer))
    }
}
