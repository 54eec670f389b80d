//! The program itself: its exit codes, and which stream it speaks on. Beside the program, so that cargo
//! builds it for this test; everything else about the commands is tested without a process.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use acequia_host::TARGET;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages made by hand, in a folder that goes with this.
struct Packages(PathBuf);

impl Packages {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("acequia-process-{}", std::process::id())))
    }

    /// A package with a library for this host that is none.
    fn package(&self, name: &str, rest: &str) -> PathBuf {
        let folder = self.0.join(name);
        let library = folder.join("lib").join(TARGET);
        fs::create_dir_all(&library).unwrap();
        fs::write(library.join(format!("lib{name}.so")), name).unwrap();
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.2.0\"\n{rest}");
        fs::write(folder.join("package.toml"), manifest).unwrap();
        folder
    }
}

impl Drop for Packages {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn exit_codes_and_streams_are_as_promised() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let engine = packages.package("engine", "[requires]\nengine = \"^0.1\"");
    fs::remove_dir_all(engine.join("lib")).unwrap();
    let refused = packages.package("subscriber", "package_type = \"graph\"");

    for (args, code, out, err) in [
        (vec!["package", "pack", text(&engine)], 0, "engine-1.2.0.acequia", ""),
        (vec!["package", "check", text(&folder)], 5, "E0897", ""),
        (vec!["--version"], 0, "acequia 0.1.0", ""),
        (vec!["package", "inspect", "/nonexistent"], 1, "", "E0817"),
        (vec!["package", "unknown"], 2, "", "unrecognized"),
        (vec!["package", "check", text(&refused)], 5, "E0843", ""),
        (vec!["package", "pack", text(&refused)], 5, "", "E0843"),
        (vec!["package", "pack", text(&refused), "--json"], 5, "E0843", ""),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_acequia")).args(&args).output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (said(&output.stdout), said(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stdout}{stderr}");
        assert!(stdout.contains(out) && stderr.contains(err), "{args:?}: {stdout} / {stderr}");
        assert!(stdout.is_empty() == out.is_empty() && stderr.is_empty() == err.is_empty(), "{args:?}");
    }
}
