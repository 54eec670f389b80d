//! Whose packages an engine takes, before it maps anything of them.

use super::{files, public, read, secret, signed};
use crate::library::package_folder;
use acequia::library::{Library, LibraryError, mapped};
use acequia::testing::TestEngine;
use acequia::{PublicKey, Trust};
use acequia_host::archive::Limits;
use acequia_host::{Contents, KeyError, SecretKey, Signature, TrustError, Verified};
use acequia_tests::Folder;
use std::path::PathBuf;

/// How a package by nobody, by key 1, and by key 2 is judged; "taken" or the code of the refusal.
fn judged(trust: &Trust) -> [String; 3] {
    let packages = [files(), signed(&files(), &secret(1)), signed(&files(), &secret(2))];
    packages.map(|files| match trust.judge(&read(&files).unwrap()) {
        Ok(()) => "taken".to_owned(),
        Err(error) => error.to_string()[..5].to_owned(),
    })
}

#[test]
fn unsigned_unknown_and_revoked_signers_are_refused_as_the_engine_was_told() {
    let (one, two) = (public(1), public(2));
    let (optional, required) = (Trust::optional, Trust::required);
    for (trust, expected) in [
        (optional(), ["taken", "taken", "taken"]),
        (optional().revoked(two), ["taken", "taken", "E0826"]),
        (optional().key(one), ["taken", "taken", "E0825"]),
        (optional().key(one).key(two).revoked(two), ["taken", "taken", "E0826"]),
        (required(), ["E0824", "E0825", "E0825"]),
        (required().key(one), ["E0824", "taken", "E0825"]),
        (required().revoked(two).key(one).key(two), ["E0824", "taken", "E0826"]),
    ] {
        assert_eq!(judged(&trust), expected, "{trust:?}");
    }
    let error = required().key(one).judge(&read(&signed(&files(), &secret(2))).unwrap()).unwrap_err();
    assert!(matches!(&error, TrustError::UnknownKey { key, .. } if *key == two));
    let text = error.to_string();
    assert!(text.contains(&one.to_string()) && text.contains("add the key"), "{text}");
}

/// The folder of a real package with a library, signed or not.
fn versioned(secret: Option<&SecretKey>) -> Folder {
    let folder = package_folder("versioned", &[], "1.0.0", "");
    if let Some(secret) = secret {
        let contents = Contents::open(&folder.join(""), Limits::default()).unwrap();
        let package = Verified::new(contents).unwrap();
        let signature = Signature::make(package.contents(), package.manifest(), secret).unwrap();
        std::fs::write(folder.join(super::SIGNATURE), signature.to_string()).unwrap();
    }
    folder
}

/// What stands in `folder`, but for the lock of the shelf.
fn kept(folder: &Folder) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder.join("shelf")).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| !path.ends_with("shelf.lock")).collect()
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_takes_signed_packages_only_maps_nothing_of_others() {
    let place = Folder::new().unwrap();
    let trust = Trust::required().key(public(1)).revoked(public(3));
    let shelf = place.join("shelf");
    let engine = TestEngine::builder().with(|engine| engine.trust(trust).shelf(shelf)).start().await;

    for (signer, code) in [(None, "E0824"), (Some(2), "E0825"), (Some(3), "E0826")] {
        let folder = versioned(signer.map(secret).as_ref());
        let refused = engine.open(folder.join("")).await.unwrap_err().to_string();
        assert!(refused.starts_with(code), "{refused}");
    }
    let altered = versioned(Some(&secret(1)));
    std::fs::write(altered.join("README.md"), "added later").unwrap();
    let refused = engine.open(altered.join("")).await.unwrap_err().to_string();
    assert!(refused.starts_with("E0822"), "{refused}");
    assert_eq!(kept(&place), Vec::<PathBuf>::new(), "no library came as far as the shelf");
    assert!(engine.packages().is_empty());

    let sound = versioned(Some(&secret(1)));
    let package = engine.open(sound.join("")).await.unwrap();
    engine.load(package).await.unwrap();
    assert_eq!(kept(&place).len(), 1);
    engine.push("numbers", 1_i64).await;
    engine.assert_settled().await;
}

#[test]
fn keys_are_written_one_way_and_a_secret_is_not_taken_for_a_public_one() {
    let key = SecretKey::generate().unwrap();
    assert_ne!(key.public(), SecretKey::generate().unwrap().public());
    assert_eq!(key.reveal().parse::<SecretKey>().unwrap().public(), key.public());
    assert_eq!(key.public().to_string().parse(), Ok(key.public()));
    assert!(!format!("{key:?}").contains(&key.reveal()["ed25519-secret:".len()..]), "it is never shown");

    assert_eq!(key.reveal().parse::<PublicKey>(), Err(KeyError::Secret));
    let text = key.public().to_string();
    for wrong in [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), text.replace(':', "")] {
        assert!(matches!(wrong.parse::<PublicKey>(), Err(KeyError::NotAKey { .. })), "{wrong}");
    }
    assert!(matches!(text.parse::<SecretKey>(), Err(KeyError::NotAKey { .. })));
}

#[test]
fn a_bare_library_is_no_way_around_required_signatures() {
    let path = acequia_tests::library::library("versioned", &[]);
    let error = Library::open(&path, &Trust::required().key(public(1))).unwrap_err();
    assert!(matches!(error, LibraryError::Unsigned { .. }), "{error}");
    assert!(
        error.to_string().starts_with("E0721: ") && error.to_string().contains("open the signed package")
    );
    let canonical = path.canonicalize().unwrap();
    assert!(mapped().iter().all(|other| other.path != canonical), "nothing of it was mapped");

    assert!(Library::open(&path, &Trust::optional().key(public(1))).is_ok());
}
