//! `build`: cargo is run for the author, and its library put in place.

use super::{Packages, run, text, write};
use acequia_cli::Exit;
use acequia_host::TARGET;
use std::fs;
use std::path::PathBuf;

/// A crate without dependencies.
fn krate(packages: &Packages, lib: &str, code: &str) -> PathBuf {
    let folder = packages.package("plain", "");
    fs::remove_dir_all(folder.join("lib")).unwrap();
    let manifest = format!(
        "[package]\nname = \"plain\"\nversion = \"1.2.0\"\nedition = \"2024\"\n[lib]\n{lib}\n[workspace]\n"
    );
    write(&folder.join("Cargo.toml"), &manifest);
    write(&folder.join("src/lib.rs"), code);
    folder
}

#[test]
fn a_built_library_is_where_pack_and_check_find_it_alone() {
    let packages = Packages::new();
    let folder = krate(
        &packages,
        "crate-type = [\"cdylib\", \"rlib\"]",
        "#[unsafe(no_mangle)]\npub extern \"C\" fn f() {}",
    );
    write(&folder.join(format!("lib/{TARGET}/libold.so")), "an older name");

    let said = run(&["package", "build", text(&folder), "--debug", "--json"]);

    said.says(Exit::Done, &[]);
    let library = PathBuf::from(said.json()["library"].as_str().unwrap());
    assert_eq!(library.parent().unwrap(), folder.join("lib").join(TARGET));
    assert_eq!(fs::read_dir(library.parent().unwrap()).unwrap().count(), 1);
    run(&["package", "check", text(&folder)]).says(Exit::Done, &["nothing is refused"]);
    let packed = run(&["package", "pack", text(&folder), "--json"]).json();
    assert_eq!(packed["libraries"][0], TARGET);
}

#[test]
fn a_crate_that_builds_no_library_to_load_is_refused_with_what_to_write() {
    let packages = Packages::new();
    let folder = krate(&packages, "", "");
    run(&["package", "build", text(&folder), "--debug"]).says(Exit::Failed, &["E0896", "crate-type"]);
    assert!(!folder.join("lib").exists());
}

#[test]
fn a_crate_that_does_not_build_or_is_none_is_a_failure() {
    let packages = Packages::new();
    let folder = krate(&packages, "crate-type = [\"cdylib\"]", "fn f() -> u8 { }");
    run(&["package", "build", text(&folder), "--debug"]).says(Exit::Failed, &["E0895"]);
    fs::remove_file(folder.join("Cargo.toml")).unwrap();
    run(&["package", "build", text(&folder)]).says(Exit::Failed, &["E0893", "package new"]);
}
