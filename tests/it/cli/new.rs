//! `new`: what is written is a package.

use super::{Packages, run, text};
use acequia_cli::Exit;
use acequia_host::archive::Limits;
use acequia_host::{Contents, Verified};
use std::fs;

/// What no file of a scaffold may still hold: a mark that was not filled in.
const MARK: &str = "@";

#[test]
fn a_new_package_is_one() {
    let packages = Packages::new();
    let folder = packages.root().join("pricing");
    let sdk = format!("{}/../plugins/sdk", env!("CARGO_MANIFEST_DIR"));

    let said = run(&["package", "new", "pricing-publisher", "--path", text(&folder), "--sdk", &sdk]);

    said.says(Exit::Done, &["src/lib.rs", "package.toml", "next:", "acequia package build"]);
    let package = Verified::new(Contents::open(&folder, Limits::default()).unwrap()).unwrap();
    assert_eq!(package.name().as_str(), "pricing-publisher");
    for file in ["Cargo.toml", "package.toml", "src/lib.rs", ".gitignore"] {
        assert!(!fs::read_to_string(folder.join(file)).unwrap().contains(MARK), "{file}");
    }
    let library = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    assert!(
        library.contains("struct PricingPublisherReactor")
            && library.contains("name = \"pricing-publisher\"")
    );
    let cargo = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    assert!(
        cargo.contains("crate-type = [\"cdylib\", \"rlib\"]") && cargo.contains("plugins/sdk\""),
        "{cargo}"
    );
}

#[test]
fn a_new_subscriber_requires_its_publisher() {
    let packages = Packages::new();
    let folder = packages.root().join("sub");
    let args = ["--subscriber-of", "pricing-publisher", "--reactor", "PriceReactor", "--reads", "raw_prices"];

    run(&[&["package", "new", "sub", "--path", text(&folder)], &args[..]].concat()).says(Exit::Done, &[]);

    let package = Verified::new(Contents::open(&folder, Limits::default()).unwrap()).unwrap();
    let required = &package.manifest().requires.reactors[0];
    assert_eq!(
        (required.reactor.as_str(), required.package.as_ref().unwrap().as_str()),
        ("PriceReactor", "pricing-publisher")
    );
    let library = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    assert!(
        library.contains("reactor(\"PriceReactor\")") && library.contains("score(raw_prices)"),
        "{library}"
    );
    assert!(fs::read_to_string(folder.join("Cargo.toml")).unwrap().contains("acequia-sdk = \"0.1.0\""));
}

#[test]
fn what_is_there_is_not_written_over() {
    let packages = Packages::new();
    let folder = packages.package("pricing", "");
    run(&["package", "new", "pricing", "--path", text(&folder)]).says(Exit::Failed, &["E0891", "--path"]);
    assert!(!folder.join("src").exists());
}

#[test]
fn what_is_no_name_is_refused() {
    for name in ["", "1x", "a b", "a/b", "test", "proc-macro", "äh", "..", &"x".repeat(57)] {
        run(&["package", "new", name]).says(Exit::Usage, &["E0890"]);
    }
    let sdk = ["package", "new", "fine", "--path", "/nonexistent/fine", "--sdk", "/nonexistent/sdk"];
    run(&sdk).says(Exit::Failed, &["E0892", "/nonexistent/sdk"]);
}
