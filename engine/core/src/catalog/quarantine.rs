//! The decision to keep a version out, and to let it in again.

use super::audit::Standing;
use super::command::Command;
use super::decision::{Answer, Decision};
use super::fold::Catalog;
use super::record::Change;
use super::refusal::Refusal;
use crate::id::PackageName;
use crate::package::Version;
use std::sync::Arc;

/// How much of a text is kept in the catalog: it is shown in lists, and logs have the rest.
const KEPT: usize = 1_000;

/// The beginning of a text.
pub(super) fn shortened(text: &str) -> &str {
    let mut end = text.len().min(KEPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Catalog {
    pub(super) fn decide_quarantine(
        &self,
        command: &Command,
        package: &PackageName,
        version: &Version,
        reason: &Arc<str>,
    ) -> Result<Decision, Refusal> {
        let versions = self.versions_of(package);
        let (name, version) = (package.clone(), version.clone());
        let changes = vec![Change::Quarantined { package: name, version, reason: shortened(reason).into() }];
        let before = Standing::of(&versions);
        Ok(Decision::new(command, package, before, versions, changes, Answer::Noted))
    }

    pub(super) fn decide_clear(
        &self,
        command: &Command,
        package: &PackageName,
        version: Option<&Version>,
    ) -> Result<Decision, Refusal> {
        let versions = self.versions_of(package);
        let kept_out = versions.quarantined().map(|(known, _)| known);
        let cleared: Vec<Version> =
            kept_out.filter(|known| version.is_none_or(|version| version == *known)).cloned().collect();
        if cleared.is_empty() {
            return Err(Refusal::NotQuarantined { package: package.clone() });
        }
        let change = |version| Change::Cleared { package: package.clone(), version };
        let changes = cleared.into_iter().map(change).collect();
        let before = Standing::of(&versions);
        Ok(Decision::new(command, package, before, versions, changes, Answer::Noted))
    }
}
