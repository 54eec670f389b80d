//! Unloading when drained: a wish that lasts until it is carried out or taken back, over restarts too.

use super::audit::Standing;
use super::command::{Command, Operation};
use super::decision::{Answer, Decision};
use super::fold::Catalog;
use super::pin::PinCounts;
use super::record::Change;
use super::refusal::{Held, Refusal};
use super::snapshot::PackageVersions;
use super::version::{Drain, LoadedVersion, Selector};
use crate::id::PackageName;

impl Catalog {
    /// What [`Operation::FinishDrain`] would unload now. Ask after each change of pins, after a doorbell,
    /// and once after a start.
    pub fn drained(&self) -> Vec<Operation> {
        let snapshot = self.snapshot();
        let due =
            snapshot.packages().filter(|(package, versions)| !self.ready(package, versions).0.is_empty());
        due.map(|(package, _)| Operation::FinishDrain { package: package.clone() }).collect()
    }

    pub(super) fn decide_drain(
        &self,
        command: &Command,
        package: &PackageName,
        selector: Option<&Selector>,
    ) -> Result<Decision, Refusal> {
        let versions = self.versions_of(package);
        let leaving: Vec<&LoadedVersion> = match selector {
            Some(selector) => {
                let loaded = versions.loaded(package, selector)?;
                if versions.is_routed(&loaded.version) && loaded.drain.is_none() {
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
        let mut held = PinCounts::default();
        let mut changes = Vec::new();
        for loaded in &leaving {
            held = held.plus(self.counts(package, loaded));
            let known = loaded.drain.as_ref();
            let since = known.map_or(command.at, |drain| drain.since);
            let whole = selector.is_none() || known.is_some_and(|drain| drain.whole);
            let (package, version) = (package.clone(), loaded.version.clone());
            changes.push(Change::DrainBegun { package, version, drain: Drain { since, whole } });
        }
        let leaving = leaving.into_iter().map(|loaded| loaded.version.clone()).collect();
        let answer = Answer::Draining { versions: leaving, held };
        let before = Standing::of(&versions);
        Ok(Decision::new(command, package, before, versions, changes, answer))
    }

    /// Cancelling one version of a package that goes as a whole cancels the whole: its route must not go
    /// without it.
    pub(super) fn decide_cancel(
        &self,
        command: &Command,
        package: &PackageName,
        selector: Option<&Selector>,
    ) -> Result<Decision, Refusal> {
        let versions = self.versions_of(package);
        let named = selector.map(|selector| versions.loaded(package, selector)).transpose()?;
        let is_meant = |loaded: &&LoadedVersion| match (&loaded.drain, named) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(drain), Some(named)) => {
                let with_it = named.drain.as_ref().is_some_and(|named| named.whole);
                loaded.version == named.version || (drain.whole && with_it)
            }
        };
        let kept: Vec<_> = versions.iter().filter(is_meant).map(|loaded| loaded.version.clone()).collect();
        if kept.is_empty() {
            return Err(Refusal::NotDraining { package: package.clone() });
        }
        let ended =
            |version: &_| Change::DrainEnded { package: package.clone(), version: Clone::clone(version) };
        let changes = kept.iter().map(ended).collect();
        let before = Standing::of(&versions);
        let answer = Answer::Kept { versions: kept };
        Ok(Decision::new(command, package, before, versions, changes, answer))
    }

    pub(super) fn decide_finish(
        &self,
        command: &Command,
        package: &PackageName,
    ) -> Result<Decision, Refusal> {
        let versions = self.versions_of(package);
        let (ready, busy) = self.ready(package, &versions);
        if !ready.is_empty() {
            let ready: Vec<LoadedVersion> = ready.into_iter().cloned().collect();
            return self.leave(command, package, &ready);
        }
        let held: Vec<Held> = busy.into_iter().filter_map(|loaded| self.held(package, loaded)).collect();
        let package = package.clone();
        if held.is_empty() {
            Err(Refusal::NotDraining { package })
        } else {
            Err(Refusal::Held { package, held })
        }
    }

    /// The versions whose drain is over, and those of the others that are held. What goes as a whole goes
    /// at once.
    fn ready<'a>(
        &self,
        package: &PackageName,
        versions: &'a PackageVersions,
    ) -> (Vec<&'a LoadedVersion>, Vec<&'a LoadedVersion>) {
        let (mut ready, mut whole, mut busy) = (Vec::new(), Vec::new(), Vec::new());
        let mut is_whole_free = true;
        for loaded in versions.iter() {
            let Some(drain) = &loaded.drain else { continue };
            let is_held = self.counts(package, loaded).total() > 0;
            match (is_held, drain.whole) {
                (true, is_whole) => {
                    is_whole_free &= !is_whole;
                    busy.push(loaded);
                }
                (false, true) => whole.push(loaded),
                (false, false) => ready.push(loaded),
            }
        }
        if is_whole_free {
            ready.append(&mut whole);
        }
        (ready, busy)
    }
}
