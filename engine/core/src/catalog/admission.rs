//! Who may hold a version: a run that was let in at its door, and the work that it began.

use super::audit::Standing;
use super::command::Command;
use super::decision::{Answer, Decision};
use super::door::StartPin;
use super::fold::Catalog;
use super::pin::{Holder, PinChange, PinKind, Pins};
use super::record::Change;
use super::refusal::Refusal;
use super::version::LoadedVersion;
use crate::id::PackageName;
use crate::package::Version;

impl Catalog {
    /// Begin the start of a child at the version that holds its parent, even while that version drains:
    /// who is at work there goes on.
    ///
    /// # Errors
    /// [`Refusal`]: shutting down, not loaded, quarantined, or draining and not held by `parent`.
    pub fn start_child(
        &self,
        package: &PackageName,
        version: &Version,
        parent: &Holder,
        child: impl Into<Holder>,
    ) -> Result<StartPin, Refusal> {
        let holds_already = self.pins_of(package, version).is_some_and(|pins| pins.has(parent));
        self.snapshot.enter(package, version, child.into(), holds_already)
    }

    /// Whether these changes may be journaled, within whatever record they belong to: a run is held only
    /// after it was let in by a start pin, and nothing is held that is being unloaded.
    ///
    /// # Errors
    /// [`Refusal`]; nothing changes.
    pub fn check_pins(&self, changes: &[PinChange]) -> Result<(), Refusal> {
        changes.iter().try_for_each(|change| self.check_pin(change))
    }

    pub(super) fn decide_pins(
        &self,
        command: &Command,
        package: &PackageName,
        changes: &[PinChange],
    ) -> Result<Decision, Refusal> {
        self.check_pins(changes)?;
        let versions = self.versions_of(package);
        let before = Standing::of(&versions);
        let changes = changes.iter().cloned().map(Change::Pin).collect();
        Ok(Decision::new(command, package, before, versions, changes, Answer::Noted))
    }

    fn check_pin(&self, change: &PinChange) -> Result<(), Refusal> {
        let (package, version) = change.target();
        let (kind, holder) = match change {
            PinChange::Release { .. } => return Ok(()),
            PinChange::Hold { kind, holder, .. } | PinChange::Become { to: kind, holder, .. } => {
                (*kind, holder)
            }
        };
        let loaded = self.snapshot.package(package).and_then(|versions| versions.get(version));
        let loaded = loaded.ok_or_else(|| self.snapshot.unknown(package, &version.into()))?;
        let not_admitted = || Refusal::NotAdmitted {
            package: package.clone(),
            version: version.clone(),
            holder: holder.clone(),
        };
        if !change.is_recorded() {
            return Err(not_admitted());
        }
        if loaded.door.is_closed() {
            return Err(Refusal::Draining { package: package.clone(), version: version.clone() });
        }
        let is_known = match change {
            PinChange::Become { .. } => self.holds(package, version, holder),
            _ => !is_work(kind) || self.is_inside(package, loaded, holder),
        };
        if is_known { Ok(()) } else { Err(not_admitted()) }
    }

    fn is_inside(&self, package: &PackageName, loaded: &LoadedVersion, holder: &Holder) -> bool {
        loaded.door.has(holder) || self.holds(package, &loaded.version, holder)
    }

    fn holds(&self, package: &PackageName, version: &Version, holder: &Holder) -> bool {
        self.pins_of(package, version).is_some_and(|pins: &Pins| pins.has(holder))
    }
}

/// Whether a pin of this kind means new work, which must have come in by the door. What is handed off or
/// restarted is work that is there already.
fn is_work(kind: PinKind) -> bool {
    matches!(kind, PinKind::Start | PinKind::LiveRun | PinKind::ResumableRun | PinKind::RecordedChild)
}
