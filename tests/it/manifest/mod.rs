//! `package.toml`: what it may say, and what is said about what it may not.

mod keys;
mod values;
mod whole;

use acequia_host::manifest::{Manifest, ManifestError};

const HEAD: &str = "[package]\nname = \"p\"\nversion = \"1.0.0\"\n";

/// Read a manifest that begins as every one does, and goes on with `rest`.
fn parse(rest: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(&format!("{HEAD}{rest}"))
}

/// `rest` is refused at `place` (line and column within `rest`), with all of `parts` in the text.
#[track_caller]
fn check(rest: &str, place: (usize, usize), parts: &[&str]) {
    let error = parse(rest).expect_err(rest);
    let flaw = &error.flaws[0];
    assert_eq!((flaw.line - 3, flaw.column), place, "{rest:?}: {error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{rest:?}: {error:?} lacks {part:?}");
    }
}
