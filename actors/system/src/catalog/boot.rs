//! What a start brings up: journaled versions in the order of their deploys, then packages in a folder.

use super::handle::CatalogHandle;
use super::point::DeployPoint;
use super::reader::Source;
use super::register::Register;
use super::unload::ENGINE;
use super::write::wall;
use crate::engine::Engine;
use acequia_core::catalog::{
    BootVersion, Command, FilePackage, FilePolicy, FileVerdict, Operation, Origin, VersionState,
};
use acequia_core::id::PackageName;
use acequia_core::package::{Package, Version};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A journaled version that a start could not bring up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The package.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// Why.
    pub reason: String,
}

/// What became of a package in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// What was decided; none if it could not be read.
    pub verdict: Option<FileVerdict>,
    /// Why it is not loaded, if it should be.
    pub failure: Option<String>,
}

/// What a start found in the journal and in folders of packages, and did not do as it was left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BootReport {
    /// Versions that did not come up.
    pub left_out: Vec<LeftOut>,
    /// Packages in folders.
    pub files: Vec<FileReport>,
}

impl CatalogHandle {
    /// What the start of this engine made of the journal's versions and of packages in folders.
    pub fn boot_report(&self) -> BootReport {
        self.register.report()
    }
}

impl Register {
    /// Read the archives of all journaled versions. A damaged one is kept out, and told of; the others stand
    /// ready. Returns what is to be brought up, in the order of deploys.
    pub(crate) async fn restore(self: &Arc<Self>) -> Vec<(Arc<Package>, Version)> {
        let all = self.lock().catalog.boot();
        self.sweep(&all).await;
        let mut wanted = Vec::new();
        for boot in all {
            if matches!(boot.state, VersionState::Quarantined { .. }) {
                continue;
            }
            match self.restore_one(&boot).await {
                Ok(declared) if boot.is_routed => wanted.push((Arc::new(declared), boot.version)),
                Ok(_) => {}
                Err(reason) => self.keep_out(boot, reason).await,
            }
        }
        self.reap().await;
        wanted
    }

    async fn restore_one(self: &Arc<Self>, boot: &BootVersion) -> Result<Package, String> {
        let taken = self.read_back(&boot.package, &boot.version).await?;
        if taken.manifest != boot.manifest {
            return Err("its archive has another manifest than was loaded".to_owned());
        }
        self.settle_in(&boot.package, &boot.version, taken.make);
        self.declarations(&boot.package, &boot.version).await
    }

    async fn keep_out(self: &Arc<Self>, boot: BootVersion, reason: String) {
        let BootVersion { package, version, .. } = boot;
        tracing::error!(%package, %version, reason, "a version does not boot, and is kept out");
        let operation = Operation::Quarantine {
            package: package.clone(),
            version: version.clone(),
            reason: reason.as_str().into(),
        };
        self.decide_and_write(&Command::new(ENGINE, wall(), operation)).await;
        self.leave_out(LeftOut { package, version, reason });
    }

    /// A version did not come up.
    pub(crate) fn leave_out(&self, left_out: LeftOut) {
        self.lock().report.left_out.push(left_out);
    }

    async fn sweep(self: &Arc<Self>, all: &[BootVersion]) {
        let Some(archives) = self.archives.clone() else { return };
        let loaded: Vec<_> = all.iter().map(|boot| (boot.package.clone(), boot.version.clone())).collect();
        let swept = self.env.spawn_blocking(move || archives.sweep(&loaded)).await;
        if let Ok(Err(error)) = swept {
            tracing::warn!(%error, "archives that no version needs could not be removed");
        }
    }

    fn report(&self) -> BootReport {
        self.lock().report.clone()
    }
}

impl Engine {
    /// Load what lies in `folder`, as far as the policy wants it.
    pub(crate) async fn boot_files(&self, folder: &Path, policy: FilePolicy) {
        let listed = std::fs::read_dir(folder).and_then(|entries| {
            let mut paths =
                entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
            paths.sort();
            Ok(paths)
        });
        let paths = match listed {
            Ok(paths) => paths,
            Err(error) => {
                let failure = Some(error.to_string());
                let report = FileReport { path: folder.to_owned(), verdict: None, failure };
                return self.inner.register.note_file(report);
            }
        };
        let is_package = |path: &PathBuf| {
            path.extension().is_some_and(|ending| ending == "acequia") || path.join("package.toml").is_file()
        };
        for path in paths.into_iter().filter(is_package) {
            let report = self.boot_file(path, policy).await;
            self.inner.register.note_file(report);
        }
    }

    async fn boot_file(&self, path: PathBuf, policy: FilePolicy) -> FileReport {
        let register = Arc::clone(&self.inner.register);
        let source = Source::Path(path.clone());
        let read = {
            let (register, source) = (Arc::clone(&register), source.clone());
            let nobody = |_: DeployPoint| ();
            register.env.clone().spawn_blocking(move || register.reader.read(source, &nobody)).await
        };
        let taken = match read {
            Ok(Ok(taken)) => taken,
            Ok(Err(unreadable)) => {
                return FileReport { path, verdict: None, failure: Some(unreadable.reason) };
            }
            Err(error) => return FileReport { path, verdict: None, failure: Some(error.to_string()) },
        };
        let file = FilePackage {
            package: taken.package,
            version: taken.version,
            label: taken.label,
            manifest: taken.manifest,
        };
        let verdict = register.lock().catalog.judge_file(&file, policy);
        let wants = matches!(verdict, FileVerdict::First(_) | FileVerdict::Overrides { .. });
        match &verdict {
            FileVerdict::Overrides { .. } => {
                tracing::warn!(path = %path.display(), %verdict, "a file overrides")
            }
            _ => tracing::info!(path = %path.display(), %verdict, "package in a folder"),
        }
        let loaded = match wants {
            true => self.catalog().by(ENGINE).load_as(source, Origin::File).await.map(drop),
            false => Ok(()),
        };
        FileReport { path, verdict: Some(verdict), failure: loaded.err().map(|error| error.to_string()) }
    }
}

impl Register {
    fn note_file(&self, report: FileReport) {
        if let Some(failure) = &report.failure {
            tracing::error!(path = %report.path.display(), failure, "a package in a folder is not loaded");
        }
        self.lock().report.files.push(report);
    }
}
