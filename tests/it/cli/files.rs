//! `pack` and `inspect`.

use super::{Known, Packages, publisher, run, run_with, text, write};
use acequia_cli::Exit;
use std::fs;

#[test]
fn a_folder_is_packed_and_inspected() {
    let packages = Packages::new();
    let folder =
        packages.package("publisher", "description = \"Prices\"\n[[requires.reactors]]\nreactor = \"R\"\n[[requires.reactors]]\nreactor = \"S\"\npackage = \"p\"");
    write(&folder.join("target/x"), "");
    let archive = folder.join("publisher-1.2.0.acequia");

    let packed = run(&["package", "pack", text(&folder)]);
    packed.says(
        Exit::Done,
        &["publisher-1.2.0.acequia", "entries", "decided at load", "target", "package check"],
    );
    let inspected = run(&["package", "inspect", text(&archive)]);
    inspected.says(
        Exit::Done,
        &["publisher", "1.2.0", "Prices", "requires reactor", "package.toml", "libpublisher.so"],
    );

    assert!(fs::metadata(&archive).unwrap().len() > 0);
    let of_folder = run(&["package", "inspect", text(&folder), "--json"]).json();
    assert_eq!(of_folder, run(&["--json", "package", "inspect", text(&archive)]).json());
    assert_eq!(of_folder["entries"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&of_folder["requires"][0]["reactor"], &of_folder["requires"][1]["package"]),
        (&"R".into(), &"p".into())
    );
    assert!(of_folder["declarations"].is_null() && of_folder["version"].is_null());
}

#[test]
fn packing_twice_gives_the_same_bytes() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let pack = || {
        let said = run(&["package", "pack", text(&folder), "--json"]).json();
        fs::read(said["archive"].as_str().unwrap()).unwrap()
    };
    let first = pack();
    let later = fs::File::options().write(true).open(folder.join("package.toml")).unwrap();
    later.set_modified(std::time::UNIX_EPOCH).unwrap();

    assert_eq!(pack(), first);
    assert!(fs::read_dir(&folder).unwrap().all(|entry| !text(&entry.unwrap().path()).ends_with(".part")));
}

#[test]
fn with_a_loader_version_and_declarations_are_shown() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let loader = Known::default().with(publisher());

    let packed = run_with(&["package", "pack", text(&folder), "--json"], Some(&loader)).json();
    let inspected = run_with(&["package", "inspect", text(&folder), "--json"], Some(&loader)).json();

    assert_eq!(packed["version"].as_str().unwrap().len(), 64);
    assert_eq!(packed["version"], inspected["version"]);
    assert_eq!(inspected["declarations"]["reactors"][0]["accumulators"][0]["kind"], "passthrough");
    let shown = run_with(&["package", "inspect", text(&folder)], Some(&loader));
    shown.says(Exit::Done, &["PriceReactor", "passthrough accumulator", "raw_prices", "f64"]);
}

#[test]
fn a_package_that_is_none_is_refused_with_what_to_do() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "licence = \"MIT\"");

    let said = run(&["package", "pack", text(&folder)]);
    said.says(Exit::Refused, &["error: E0840", "4:1", "E0843", "write `license`"]);
    let said = run(&["package", "inspect", text(&folder), "--json"]);
    assert_eq!((said.json()["ok"].as_bool(), said.json()["exit"].as_u64()), (Some(false), Some(5)));
    assert!(said.err.is_empty());

    run(&["package", "inspect", text(&packages.root().join("absent"))])
        .says(Exit::Failed, &["E0817", "absent"]);
    let loader = Known::default();
    fs::write(folder.join("package.toml"), crate::archive::MANIFEST).unwrap();
    run_with(&["package", "pack", text(&folder)], Some(&loader))
        .says(Exit::Refused, &["E0897", "this is no library"]);
}

#[test]
fn what_is_not_understood_is_a_usage_error() {
    run(&["package", "fly"]).says(Exit::Usage, &["fly"]);
    run(&["package", "check"]).says(Exit::Usage, &["Usage"]);
    run(&["--help"]).says(Exit::Done, &["Exit codes: 0 done"]);
    run(&["package", "new", "x", "--subscriber-of", "p"]).says(Exit::Usage, &["--reactor"]);
}
