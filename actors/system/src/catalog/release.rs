//! Releasing what an unloaded version leaves behind: its library's declarations, its archive. What cannot be
//! released is listed, and tried again.

use super::archives::name;
use super::point::DeployPoint;
use super::register::Register;
use super::unload::ENGINE;
use super::write::wall;
use acequia_core::catalog::{Command, Operation, Refusal};
use acequia_core::id::PackageName;
use acequia_core::package::Version;
use std::sync::Arc;

impl Register {
    /// Release what `versions` leave. The unload stands either way.
    pub(super) async fn release(
        self: &Arc<Self>,
        package: &PackageName,
        versions: &[Version],
    ) -> Result<(), Refusal> {
        let mut incomplete = None;
        for version in versions {
            self.let_go(package, version);
            let left = self.remove_archive(package, version).await;
            if left.is_empty() {
                continue;
            }
            let (package, version) = (package.clone(), version.clone());
            let orphan =
                Operation::Orphan { package: package.clone(), version: version.clone(), left: left.clone() };
            self.decide_and_write(&Command::new(ENGINE, wall(), orphan)).await;
            incomplete.get_or_insert(Refusal::ReleaseIncomplete { package, version, orphans: left });
        }
        self.points.reach(DeployPoint::UnloadRelease);
        incomplete.map_or(Ok(()), Err)
    }

    /// Try again to release what unloads left.
    pub(super) async fn reap(self: &Arc<Self>) {
        for (package, version) in self.orphans() {
            if self.remove_archive(&package, &version).await.is_empty() {
                let reap = Operation::Reap { package: package.clone(), version: version.clone() };
                self.decide_and_write(&Command::new(ENGINE, wall(), reap)).await;
                tracing::info!(%package, %version, "what an unload had left is released");
            }
        }
    }

    fn orphans(&self) -> Vec<(PackageName, Version)> {
        let snapshot = self.snapshot();
        let of = |(package, versions): (&PackageName, &acequia_core::catalog::PackageVersions)| {
            versions.orphans().map(|(version, _)| (package.clone(), version.clone())).collect::<Vec<_>>()
        };
        snapshot.packages().flat_map(of).collect()
    }

    /// Remove an archive; says what is left of it.
    pub(super) async fn remove_archive(
        self: &Arc<Self>,
        package: &PackageName,
        version: &Version,
    ) -> Vec<String> {
        let Some(archives) = self.archives.clone() else { return Vec::new() };
        let key = (package.clone(), version.clone());
        let of = key.clone();
        let removed = self.env.spawn_blocking(move || archives.remove(&of)).await;
        match removed.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(()) => Vec::new(),
            Err(error) => vec![format!("archive {} ({error})", name(&key))],
        }
    }

    /// Write down what cannot be refused; if it cannot be written, it is found again at the next start.
    pub(super) async fn decide_and_write(self: &Arc<Self>, command: &Command) {
        let decided = self.decide(command);
        let written = match decided {
            Ok(decision) => self.write(decision.record.clone()).await,
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = written {
            tracing::warn!(what = %command.operation, %refusal, "it was not written down");
        }
    }
}
