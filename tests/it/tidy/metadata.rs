//! What cargo knows of the workspace.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use super::tree::root;

/// The resolved workspace, with the dependencies of this platform.
pub(super) fn workspace() -> &'static Metadata {
    static WORKSPACE: LazyLock<Result<Metadata, String>> = LazyLock::new(resolve);
    WORKSPACE
        .as_ref()
        .unwrap_or_else(|reason| panic!("cargo cannot read the workspace; put the manifests right: {reason}"))
}

fn resolve() -> Result<Metadata, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let version = Command::new(cargo).arg("-vV").output().map_err(|e| e.to_string())?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("cargo names no host")?;
    // Without the filter cargo would fetch the crates of every platform first.
    let options = ["--filter-platform".to_owned(), host.to_owned()];
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).other_options(options).exec().map_err(|e| e.to_string())
}

/// One member of the workspace.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    /// Its folder, relative to the root.
    pub(super) path: String,
    /// What its code links, without what only its tests link.
    pub(super) needs: Vec<String>,
    /// The files at which its targets begin, relative to the root.
    pub(super) roots: Vec<String>,
}

/// The members of the workspace.
pub(super) fn members() -> Vec<Member> {
    let workspace = workspace();
    workspace
        .workspace_packages()
        .into_iter()
        .map(|package| member(package, workspace.workspace_root.as_std_path()))
        .collect()
}

fn member(package: &Package, root: &Path) -> Member {
    let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let needs =
        package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    Member {
        name: package.name.to_string(),
        path: package.manifest_path.parent().map(|folder| relative(folder.as_std_path())).unwrap_or_default(),
        needs: needs.map(|dependency| dependency.name.clone()).collect(),
        roots: package.targets.iter().map(|target| relative(target.src_path.as_std_path())).collect(),
    }
}
