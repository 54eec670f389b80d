//! `keygen` and `sign`, and how `check`, `inspect` and `pack` show a signer.

use super::{Packages, Said, publisher, run, run_with, text, write};
use acequia_cli::Exit;
use acequia_cli::declared::{Declared, Loader};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A pair of keys in the folder of `packages`: the file of the secret one, and the public one.
fn keys(packages: &Packages, name: &str) -> (PathBuf, String) {
    let file = packages.root().join(name);
    let said = run(&["package", "keygen", text(&file), "--json"]);
    said.says(Exit::Done, &[]);
    (file, said.json()["key"].as_str().unwrap().to_owned())
}

fn sign(package: &std::path::Path, key: &std::path::Path) -> Said {
    run(&["package", "sign", text(package), "--key", text(key)])
}

#[test]
fn a_folder_is_signed_packed_and_shown_with_its_signer() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let (secret, key) = keys(&packages, "release.key");

    run(&["package", "inspect", text(&folder)]).says(Exit::Done, &["signature", "none"]);
    sign(&folder, &secret).says(Exit::Done, &["package.sig", &key, "package check"]);
    let packed = run(&["package", "pack", text(&folder), "--json"]).json();
    assert_eq!(packed["signed_by"], key.as_str());
    let archive = packed["archive"].as_str().unwrap();
    for package in [text(&folder), archive] {
        let inspected = run(&["package", "inspect", package, "--json"]).json();
        assert_eq!(inspected["signed_by"], key.as_str());
        run(&["package", "check", package]).says(Exit::Done, &["signature", &key]);
    }
}

#[test]
fn an_archive_is_signed_in_place_and_again_by_another() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let archive = folder.join("publisher-1.2.0.acequia");
    run(&["package", "pack", text(&folder)]).says(Exit::Done, &[]);
    for name in ["first.key", "second.key"] {
        let (secret, key) = keys(&packages, name);
        sign(&archive, &secret).says(Exit::Done, &[&key]);
        run(&["package", "inspect", text(&archive)]).says(Exit::Done, &[&key]);
    }
    assert!(fs::read_dir(&folder).unwrap().all(|entry| !text(&entry.unwrap().path()).ends_with(".part")));
}

#[test]
fn what_changed_since_it_was_signed_is_refused_until_it_is_signed_anew() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let (secret, _) = keys(&packages, "release.key");
    sign(&folder, &secret).says(Exit::Done, &[]);
    write(&folder.join("src/lib.rs"), "fn added_later() {}");

    for command in ["pack", "inspect", "check"] {
        run(&["package", command, text(&folder)])
            .says(Exit::Refused, &["E0822", "publisher", "sign it anew"]);
    }
    sign(&folder, &secret).says(Exit::Done, &[]);
    run(&["package", "pack", text(&folder)]).says(Exit::Done, &[]);
}

/// Counts how often it is asked to map a library.
struct Counting(AtomicUsize);

impl Loader for Counting {
    fn declared(&self, _: &[u8]) -> Result<Declared, Box<dyn Error + Send + Sync>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(publisher())
    }
}

#[test]
fn who_is_not_trusted_is_refused_before_the_library_is_looked_into() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let ((secret, key), (_, other)) = (keys(&packages, "release.key"), keys(&packages, "other.key"));
    let mapped = Counting(AtomicUsize::new(0));
    let check = |signers: &[&str]| {
        let args = [&["package", "check", text(&folder)], signers].concat();
        run_with(&args, Some(&mapped))
    };

    check(&["--signed"]).says(Exit::Refused, &["E0824"]);
    sign(&folder, &secret).says(Exit::Done, &[]);
    check(&["--trust", &other]).says(Exit::Refused, &["E0825", &key, &other]);
    check(&["--trust", &key, "--revoked", &key]).says(Exit::Refused, &["E0826"]);
    let refused = ["package", "inspect", text(&folder), "--trust", &other];
    run_with(&refused, Some(&mapped)).says(Exit::Refused, &["E0825"]);
    assert_eq!(mapped.0.load(Ordering::Relaxed), 0);
    let public = format!("{}.pub", secret.display());
    check(&["--signed", "--trust", &public]).says(Exit::Done, &[&key]);
    assert_eq!(mapped.0.load(Ordering::Relaxed), 1);
}

#[test]
fn keys_are_never_written_over_nor_taken_for_each_other() {
    let packages = Packages::new();
    let folder = packages.package("publisher", "");
    let (secret, key) = keys(&packages, "release.key");
    let before = fs::read(&secret).unwrap();
    run(&["package", "keygen", text(&secret)]).says(Exit::Failed, &["E0884", "release.key"]);
    assert_eq!(fs::read(&secret).unwrap(), before);

    let public = PathBuf::from(format!("{}.pub", secret.display()));
    assert_eq!(fs::read_to_string(&public).unwrap().trim_end(), key);
    let check = ["package", "check", text(&folder), "--trust", text(&secret)];
    run(&check).says(Exit::Usage, &["E0898", "E0828"]);
    run(&["package", "check", text(&folder), "--trust", "absent.pub"]).says(Exit::Failed, &["E0892"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        let open = sign(&folder, &public);
        open.says(Exit::Failed, &["E0899", "chmod 600"]);
        fs::set_permissions(&public, fs::Permissions::from_mode(0o600)).unwrap();
    }
    sign(&folder, &public).says(Exit::Usage, &["E0898", "E0827", "secret key"]);
}
