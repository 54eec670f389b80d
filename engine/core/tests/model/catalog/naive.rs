//! A catalog as simple as can be: lists, looked through each time.

use acequia_core::catalog::{Catalog, Operation, PinChange, PinKind, Refusal, Selector, VersionState};
use std::collections::BTreeSet;

/// A loaded version.
#[derive(Debug, Clone, PartialEq)]
struct Loaded {
    package: String,
    version: String,
    drain: Option<bool>,
}

/// What there should be.
#[derive(Debug, Clone, Default)]
pub struct Naive {
    /// In the order of deploys.
    loaded: Vec<Loaded>,
    routes: BTreeSet<(String, String)>,
    kept_out: BTreeSet<(String, String)>,
    pins: BTreeSet<(String, String, PinKind, String)>,
    pub starts: Vec<(String, String, String)>,
}

/// The name of a refusal.
pub fn name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::UnknownVersion { .. } => "unknown",
        Refusal::RouteMoved { .. } => "moved",
        Refusal::RouteActive { .. } => "routed",
        Refusal::Held { .. } => "held",
        Refusal::Quarantined { .. } => "quarantined",
        Refusal::Draining { .. } => "draining",
        Refusal::NotDraining { .. } => "not draining",
        Refusal::NotQuarantined { .. } => "not quarantined",
        Refusal::NotAdmitted { .. } => "not admitted",
        other => panic!("none that was expected: {other}"),
    }
}

impl Naive {
    fn find(&self, package: &str, version: &str) -> Result<usize, &'static str> {
        let found = self.loaded.iter().position(|l| l.package == package && l.version == version);
        found.ok_or("unknown")
    }

    fn route(&self, package: &str) -> Option<&str> {
        self.routes.iter().find(|(p, _)| p == package).map(|(_, version)| version.as_str())
    }

    fn set_route(&mut self, package: &str, version: &str) {
        self.routes.retain(|(p, _)| p != package);
        self.routes.insert((package.to_owned(), version.to_owned()));
    }

    fn is_kept_out(&self, package: &str, version: &str) -> bool {
        self.kept_out.contains(&(package.to_owned(), version.to_owned()))
    }

    pub fn n_pins(&self, package: &str, version: &str) -> usize {
        let starts = self.starts.iter().filter(|(p, v, _)| p == package && v == version).count();
        starts + self.pins.iter().filter(|(p, v, ..)| p == package && v == version).count()
    }

    fn holds(&self, package: &str, version: &str, holder: &str) -> bool {
        self.pins.iter().any(|(p, v, _, h)| p == package && v == version && h == holder)
    }

    fn of<'a>(&'a self, package: &'a str) -> impl Iterator<Item = &'a Loaded> {
        self.loaded.iter().filter(move |loaded| loaded.package == package)
    }

    /// Whether a start is let in.
    pub fn may_start(&self, package: &str, version: &str) -> Result<(), &'static str> {
        let at = self.find(package, version)?;
        match (self.is_kept_out(package, version), self.loaded[at].drain) {
            (true, _) => Err("quarantined"),
            (false, Some(_)) => Err("draining"),
            (false, None) => Ok(()),
        }
    }

    /// What becomes of an operation.
    pub fn carry_out(&mut self, operation: &Operation) -> Result<(), &'static str> {
        let package = operation.package().as_str().to_owned();
        let named = |selector: &Option<Selector>| selector.as_ref().map(|s| s.as_str().to_owned());
        match operation {
            Operation::Load(load) => self.load(&package, load.version.as_str()),
            Operation::Route { version, expected, .. } => {
                let at = self.find(&package, version.as_str())?;
                if expected.as_ref().is_some_and(|expected| self.route(&package) != Some(expected.as_str())) {
                    return Err("moved");
                }
                if self.is_kept_out(&package, version.as_str()) {
                    return Err("quarantined");
                }
                self.loaded[at].drain = None;
                self.set_route(&package, version.as_str());
                Ok(())
            }
            Operation::Unload { version, .. } => self.unload(&package, named(version)),
            Operation::UnloadWhenDrained { version, .. } => self.drain(&package, named(version)),
            Operation::CancelDrain { version, .. } => self.cancel(&package, named(version)),
            Operation::FinishDrain { .. } => self.finish(&package),
            Operation::Quarantine { version, .. } => {
                self.kept_out.insert((package, version.as_str().to_owned()));
                Ok(())
            }
            Operation::ClearQuarantine { .. } => {
                let before = self.kept_out.len();
                self.kept_out.retain(|(p, _)| *p != package);
                if self.kept_out.len() < before { Ok(()) } else { Err("not quarantined") }
            }
            Operation::Pin { changes, .. } => changes.iter().try_for_each(|change| self.pin(change)),
            Operation::Orphan { .. } | Operation::Reap { .. } => Ok(()),
        }
    }

    fn load(&mut self, package: &str, version: &str) -> Result<(), &'static str> {
        if self.is_kept_out(package, version) {
            return Err("quarantined");
        }
        match self.find(package, version) {
            Ok(at) => self.loaded[at].drain = None,
            Err(_) => {
                self.kept_out.retain(|(p, _)| p != package);
                let (package, version) = (package.to_owned(), version.to_owned());
                self.loaded.push(Loaded { package, version, drain: None });
            }
        }
        self.set_route(package, version);
        Ok(())
    }

    fn unload(&mut self, package: &str, version: Option<String>) -> Result<(), &'static str> {
        let leaving: Vec<String> = match version {
            Some(version) => {
                self.find(package, &version)?;
                if self.route(package) == Some(&version) {
                    return Err("routed");
                }
                vec![version]
            }
            None => self.of(package).map(|loaded| loaded.version.clone()).collect(),
        };
        if leaving.is_empty() {
            return Err("unknown");
        }
        self.remove(package, &leaving)
    }

    fn remove(&mut self, package: &str, leaving: &[String]) -> Result<(), &'static str> {
        if leaving.iter().any(|version| self.n_pins(package, version) > 0) {
            return Err("held");
        }
        self.loaded.retain(|l| l.package != package || !leaving.contains(&l.version));
        self.routes.retain(|(p, version)| p != package || !leaving.contains(version));
        Ok(())
    }

    fn drain(&mut self, package: &str, version: Option<String>) -> Result<(), &'static str> {
        let routed = self.route(package).map(ToOwned::to_owned);
        if let Some(version) = version {
            let at = self.find(package, &version)?;
            if routed.as_deref() == Some(&version) && self.loaded[at].drain.is_none() {
                return Err("routed");
            }
            self.loaded[at].drain.get_or_insert(false);
            return Ok(());
        }
        let mut all = self.loaded.iter_mut().filter(|l| l.package == package).peekable();
        all.peek().ok_or("unknown")?;
        all.for_each(|loaded| loaded.drain = Some(true));
        Ok(())
    }

    fn cancel(&mut self, package: &str, version: Option<String>) -> Result<(), &'static str> {
        let whole = match &version {
            Some(version) => self.loaded[self.find(package, version)?].drain == Some(true),
            None => true,
        };
        let mut n_kept = 0;
        for loaded in self.loaded.iter_mut().filter(|l| l.package == package && l.drain.is_some()) {
            let is_named = version.as_ref().is_none_or(|version| loaded.version == *version);
            if is_named || (whole && loaded.drain == Some(true)) {
                loaded.drain = None;
                n_kept += 1;
            }
        }
        if n_kept > 0 { Ok(()) } else { Err("not draining") }
    }

    fn finish(&mut self, package: &str) -> Result<(), &'static str> {
        if self.of(package).all(|loaded| loaded.drain.is_none()) {
            return Err("not draining");
        }
        let is_free = |l: &Loaded| self.n_pins(package, &l.version) == 0;
        let whole_free = self.of(package).filter(|l| l.drain == Some(true)).all(is_free);
        let leaves = |l: &&Loaded| match l.drain {
            None => false,
            Some(true) => whole_free,
            Some(false) => is_free(l),
        };
        let leaving: Vec<String> = self.of(package).filter(leaves).map(|l| l.version.clone()).collect();
        if leaving.is_empty() { Err("held") } else { self.remove(package, &leaving) }
    }

    fn pin(&mut self, change: &PinChange) -> Result<(), &'static str> {
        let (package, version) = change.target();
        let (package, version) = (package.as_str().to_owned(), version.as_str().to_owned());
        match change {
            PinChange::Hold { kind, holder, .. } => {
                self.find(&package, &version)?;
                let holder = holder.as_str().to_owned();
                let started = self.starts.contains(&(package.clone(), version.clone(), holder.clone()));
                let free = matches!(kind, PinKind::Handoff | PinKind::Reservation);
                if !free && !started && !self.holds(&package, &version, &holder) {
                    return Err("not admitted");
                }
                self.pins.insert((package, version, *kind, holder));
            }
            PinChange::Become { from, to, holder, .. } => {
                self.find(&package, &version)?;
                let holder = holder.as_str().to_owned();
                if !self.holds(&package, &version, &holder) {
                    return Err("not admitted");
                }
                self.pins.remove(&(package.clone(), version.clone(), *from, holder.clone()));
                self.pins.insert((package, version, *to, holder));
            }
            PinChange::Release { kind, holder, .. } => {
                self.pins.remove(&(package, version, *kind, holder.as_str().to_owned()));
            }
        }
        Ok(())
    }

    /// Demand that the catalog says the same.
    pub fn agrees_with(&self, catalog: &Catalog) {
        let rows = catalog.versions();
        assert_eq!(rows.len(), self.loaded.len());
        for row in &rows {
            let (package, version) = (row.package.as_str(), row.version.as_str());
            let loaded = &self.loaded[self.find(package, version).unwrap()];
            assert_eq!(row.is_routed, self.route(package) == Some(version));
            assert_eq!(row.pins.total() as usize, self.n_pins(package, version), "{package} {version}");
            let state = match (self.is_kept_out(package, version), loaded.drain) {
                (true, _) => VersionState::Quarantined { reason: "it panics".into() },
                (false, Some(_)) => VersionState::Draining,
                (false, None) => VersionState::Serving,
            };
            assert_eq!(row.state, state, "{package} {version}");
        }
        let order: Vec<_> =
            catalog.boot().iter().map(|b| (b.package.to_string(), b.version.to_string())).collect();
        let wanted: Vec<_> = self.loaded.iter().map(|l| (l.package.clone(), l.version.clone())).collect();
        assert_eq!(order, wanted, "the order of deploys");
        for package in self.loaded.iter().map(|loaded| &loaded.package) {
            assert!(self.route(package).is_some(), "{package} has versions and no route");
        }
        for (package, version, kind, holder) in &self.pins {
            let page = catalog.holders(&package.as_str().into(), &version.as_str().into(), *kind, None, 1000);
            assert!(page.holders.iter().any(|known| known.as_str() == holder), "{holder} is not listed");
        }
    }
}
