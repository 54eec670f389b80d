//! Native libraries for tests, compiled from `tests/fixtures/packages` as their authors would compile them.
//!
//! The fixtures are no members of the workspace: they are built once a test run, under the build folder,
//! with the workspace's lock file and profiles, so that crates from the registry are compiled once.

#![allow(clippy::panic, reason = "a fixture that does not compile fails the test that asks for it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A fixture's library, compiled with `features`; a path of its own at each call, as each version of a
/// package has.
///
/// # Panics
/// If it does not compile.
pub fn library(fixture: &str, features: &[&str]) -> PathBuf {
    let built = built(fixture, features);
    let bytes = fs::read(&built).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
    library_of(&bytes)
}

/// A library with these bytes, at a path of its own.
///
/// # Panics
/// If it cannot be written.
pub fn library_of(bytes: &[u8]) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = Layout::of_this_build().folder.join("copies");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let path = folder.join(format!("{}-{number}.lib", std::process::id()));
    fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

/// The compiled library, where the build put it aside.
///
/// # Panics
/// If it does not compile.
pub fn built(fixture: &str, features: &[&str]) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let name = [&[fixture], features].concat().join("-");
    built
        .entry(name.clone())
        .or_insert_with(|| Layout::of_this_build().build(fixture, features, &name))
        .clone()
}

/// Let cargo in `folder` and below build under this build's folder, with its profiles and no network, so
/// that what was compiled for other fixtures is not compiled again; and give the crate `name` in it the
/// workspace's lock file, from which cargo takes the lines that it needs.
///
/// # Panics
/// If it cannot be written.
pub fn share_builds(folder: &Path, name: &str) {
    let layout = Layout::of_this_build();
    let (profiles, target) = (layout.profiles(), &layout.target);
    let config = format!("[build]\ntarget-dir = {target:?}\n\n[net]\noffline = true\n\n{profiles}");
    let place = folder.join(".cargo");
    fs::create_dir_all(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    write(&place.join("config.toml"), config.as_bytes());
    let lock = fs::read(layout.root.join("Cargo.lock")).unwrap_or_default();
    write(&folder.join(name).join("Cargo.lock"), &lock);
}

/// Where things are.
struct Layout {
    root: PathBuf,
    target: PathBuf,
    profile: String,
    folder: PathBuf,
}

impl Layout {
    fn of_this_build() -> Self {
        let own = std::env::current_exe().unwrap_or_else(|error| panic!("no path of this test: {error}"));
        let named = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // target / profile / deps / test, or target / profile / program
        let profile = own.ancestors().skip(1).find(|folder| named(folder) != "deps");
        let profile = profile.unwrap_or_else(|| panic!("{} lies elsewhere", own.display()));
        let target = profile.parent().unwrap_or(profile).to_owned();
        Self {
            root: Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
            folder: target.join("packages"),
            profile: named(profile),
            target,
        }
    }

    fn build(&self, fixture: &str, features: &[&str], name: &str) -> PathBuf {
        self.write_workspace();
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut command = Command::new(cargo);
        command.args(["build", "--offline", "--quiet", "-p", fixture]).current_dir(&self.folder);
        command.arg("--target-dir").arg(&self.target).arg("--features").arg(features.join(","));
        if self.profile == "release" {
            command.arg("--release");
        }
        let output = command.output().unwrap_or_else(|error| panic!("cargo does not run: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{fixture} does not compile:\n{said}");
        let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        let library = self.target.join(&self.profile).join(format!("{prefix}{fixture}{suffix}"));
        let aside = self.folder.join(format!("{name}{suffix}"));
        let bytes = fs::read(&library).unwrap_or_else(|error| panic!("{}: {error}", library.display()));
        // By a rename: another test or bench of this build may have the old one mapped.
        let part = self.folder.join(format!("{name}-{}.part", std::process::id()));
        fs::write(&part, bytes).unwrap_or_else(|error| panic!("{}: {error}", part.display()));
        fs::rename(&part, &aside).unwrap_or_else(|error| panic!("{}: {error}", aside.display()));
        aside
    }

    /// The profiles of the workspace.
    fn profiles(&self) -> String {
        let manifest = fs::read_to_string(self.root.join("Cargo.toml")).unwrap_or_default();
        manifest.find("[profile").map_or("", |at| &manifest[at..]).to_owned()
    }

    /// A workspace under the build folder whose members are copies of the fixtures.
    fn write_workspace(&self) {
        let profiles = self.profiles();
        let root = self.root.canonicalize().unwrap_or_else(|error| panic!("no root: {error}"));
        let text = format!(
            "[workspace]\nresolver = \"3\"\nmembers = [\"source/*\"]\n\n[workspace.dependencies]\n\
             acequia-sdk = {{ path = {:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\ntracing = \"0.1\"\ntokio = {{ version = \"1\", default-features = false, features = [\"rt\", \"sync\", \"time\"] }}\n\n{profiles}",
            root.join("plugins/sdk"),
        );
        let source = self.folder.join("source");
        copy(&root.join("tests/fixtures/packages"), &source);
        write(&self.folder.join("Cargo.toml"), text.as_bytes());
        let lock = self.folder.join("Cargo.lock");
        if !lock.exists() {
            write(&lock, &fs::read(root.join("Cargo.lock")).unwrap_or_default());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries.filter_map(Result::ok) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            write(&target, &fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }
}

/// Write only what changed: cargo compiles anew what is newer.
fn write(path: &Path, bytes: &[u8]) {
    if fs::read(path).ok().as_deref() != Some(bytes) {
        fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
