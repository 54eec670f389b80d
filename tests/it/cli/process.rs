//! The program itself: its exit codes, and which stream it speaks on.

use super::{Packages, text};
use std::path::PathBuf;
use std::process::{Command, Output};

/// The program, built beside this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    let program = folder.join(format!("acequia{}", std::env::consts::EXE_SUFFIX));
    // A run of this crate's tests alone does not build the programs of others. The profile is told by the
    // folder that this test lies in.
    let mut build = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    build.args(["build", "--quiet", "--package", "acequia-cli", "--bin", "acequia"]);
    build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    build.arg("--target-dir").arg(folder.parent().unwrap());
    if folder.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success(), "the program cannot be built");
    program
}

fn run(args: &[&str]) -> Output {
    Command::new(program()).args(args).output().unwrap()
}

#[test]
fn exit_codes_and_streams_are_as_promised() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let engine = packages.package("engine", "[requires]\nengine = \"^0.1\"");
    std::fs::remove_dir_all(engine.join("lib")).unwrap();
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
        let output = run(&args);
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (said(&output.stdout), said(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stdout}{stderr}");
        assert!(stdout.contains(out) && stderr.contains(err), "{args:?}: {stdout} / {stderr}");
        assert!(stdout.is_empty() == out.is_empty() && stderr.is_empty() == err.is_empty(), "{args:?}");
    }
}
