//! A version is its libraries and declarations, and nothing else; a manifest has a digest of its own.

use acequia_host::archive::{Contents, Limits};
use acequia_host::verify::{self, Verified};
use acequia_host::version::{Digest, Version};
use acequia_tests::Folder;
use std::fs;
use std::path::PathBuf;

const MANIFEST: &str = crate::archive::MANIFEST;
const DECLARED: &[u8] = br#"{"reactors":[]}"#;

/// A folder with these files, read as a package.
fn contents(files: &[(&str, &str)]) -> (Folder, Contents) {
    let folder = Folder::new().unwrap();
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let contents = Contents::open(&folder.join(""), Limits::default()).unwrap();
    (folder, contents)
}

fn version(files: &[(&str, &str)], declared: &[u8]) -> Version {
    Version::of(&contents(files).1, declared)
}

#[test]
fn a_version_is_that_of_libraries_and_declarations() {
    let one = version(&[("package.toml", MANIFEST), ("lib/t/l.so", "code")], DECLARED);

    let prose = [
        ("package.toml", "[package]\nname=\"q\"\nversion=\"2.0.0\""),
        ("lib/t/l.so", "code"),
        ("src/a", "x"),
    ];
    assert_eq!(version(&prose, DECLARED), one);
    for (files, declared) in [
        ([("package.toml", MANIFEST), ("lib/t/l.so", "Code")], DECLARED),
        ([("package.toml", MANIFEST), ("lib/t/m.so", "code")], DECLARED),
        ([("package.toml", MANIFEST), ("lib/u/l.so", "code")], DECLARED),
        ([("package.toml", MANIFEST), ("lib/t/l.so", "code")], b"{}"),
        ([("package.toml", MANIFEST), ("lib/t/l.so", "cod")], b"e{\"reactors\":[]}"),
    ] {
        assert_ne!(version(&files, declared), one);
    }
    let two = [("package.toml", MANIFEST), ("lib/t/l.so", "code"), ("lib/u/l.so", "code")];
    assert_ne!(version(&two, DECLARED), one);
}

#[test]
fn a_version_never_changes_between_releases() {
    let one = version(&[("package.toml", MANIFEST), ("lib/t/l.so", "code")], DECLARED);
    assert_eq!(one.to_string(), "70a4b7e4525f4def61f6c73279eee1f89f79ab7741903ffc106a52b5c464d4bd");
    assert_eq!(one.to_string().parse(), Ok(one));
    assert_eq!(one.short(), one.to_string()[..12]);
    assert!("abc".parse::<Digest>().is_err() && "g".repeat(64).parse::<Digest>().is_err());
}

#[test]
fn a_package_for_another_engine_or_target_is_refused() {
    let manifest = format!("{MANIFEST}[requires]\nengine = \">=0.1, <0.2\"");
    let verified = Verified::new(contents(&[("package.toml", &manifest), ("lib/moon/l.so", "")]).1).unwrap();

    assert!(verified.fits_engine(&verify::engine()).is_ok());
    let text = verified.fits_engine(&semver::Version::new(0, 2, 0)).unwrap_err().to_string();
    assert!(["E0872", "<0.2", "0.2.0", "pricing"].iter().all(|part| text.contains(part)), "{text}");
    let text = verified.library(verify::TARGET).unwrap_err().to_string();
    assert!(["E0873", verify::TARGET, "`moon`"].iter().all(|part| text.contains(part)), "{text}");
    assert!(verified.library("moon").is_ok());

    let future = format!("{MANIFEST}[requires]\nengine = \">=9\"");
    let refused = Verified::new(contents(&[("package.toml", &future)]).1).unwrap_err();
    assert!(refused.to_string().contains("E0872"));
}

#[test]
fn an_archive_under_another_name_is_refused() {
    let (folder, contents) = contents(&[("package.toml", MANIFEST)]);
    let bytes = contents.pack(Limits::default(), &mut |_| {}).unwrap();
    let write = |name: &str| -> PathBuf {
        fs::write(folder.join(name), &bytes).unwrap();
        folder.join(name)
    };
    assert!(Verified::open(&write("pricing-1.2.0.acequia")).is_ok());
    assert!(Verified::open(&write("upload.tmp")).is_ok());
    let text = Verified::open(&write("pricing-1.2.1.acequia")).unwrap_err().to_string();
    assert!(
        ["E0871", "pricing-1.2.1.acequia", "pricing-1.2.0.acequia"].iter().all(|part| text.contains(part)),
        "{text}"
    );
}
