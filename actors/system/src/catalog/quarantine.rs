//! Quarantines of versions that failed at work: they outlive the process.

use super::register::Register;
use super::request::Request;
use super::unload::ENGINE;
use super::write::wall;
use crate::reconciler::Kept;
use acequia_core::catalog::{Command, Operation};
use std::sync::Arc;

impl Register {
    /// Hear of quarantines from the reconciler's desk.
    pub(crate) fn hear_of_quarantines(self: &Arc<Self>) {
        let own = Arc::downgrade(self);
        self.desk.tell_of_quarantines(move |kept| {
            if let Some(own) = own.upgrade() {
                own.note_kept(&kept);
            }
        });
    }

    /// Versions that the catalog does not know are the program's.
    fn note_kept(&self, kept: &Kept<'_>) {
        let snapshot = self.snapshot();
        let operation = match *kept {
            Kept::Out { package, version, reason } => {
                let is_known = snapshot.package(package).is_some_and(|known| known.get(version).is_some());
                let reason = reason.into();
                is_known.then(|| Operation::Quarantine {
                    package: package.clone(),
                    version: version.clone(),
                    reason,
                })
            }
            Kept::No { package } => {
                let is_out =
                    snapshot.package(package).is_some_and(|known| known.quarantined().next().is_some());
                is_out.then(|| Operation::ClearQuarantine { package: package.clone(), version: None })
            }
        };
        if let Some(operation) = operation {
            self.ask(Request::Note { command: Command::new(ENGINE, wall(), operation), reply: None });
        }
    }
}
