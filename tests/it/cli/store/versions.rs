//! What `store check` says of the archives of versions that the catalog names.

use super::made::on_a_runtime;
use super::store;
use super::whole::{Whole, files};
use crate::cli::Packages;
use acequia::store::disk::{Disk, FolderDisk};
use acequia::store::journal::Settings;
use acequia::testing::{Reader, Taken, TestEngine, Unreadable};
use acequia::{DeployPoint, Package, Source};
use acequia_cli::Exit;
use acequia_host::archive::{Contents, Limits};
use acequia_host::{Digest, Verified};
use acequia_tests::Folder;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The file of a version whose name is no hash.
fn archive(path: &Path, version: &str) -> PathBuf {
    path.join(format!("package-{}", Digest::of(format!("pricing {version}").as_bytes())))
}

#[test]
fn an_archive_that_is_gone_or_altered_is_told_with_its_version_and_what_to_do() {
    let folder = Folder::new().unwrap();
    let (whole, path) = (Whole::new(&folder), folder.join("store"));
    store("check", &path, &[]).says(Exit::Done, &["3 of 3 versions whole", "sound"]);

    fs::remove_file(archive(&path, "v1")).unwrap();
    let altered = archive(&path, "v3");
    let mut bytes = fs::read(&altered).unwrap();
    bytes[400] ^= 1;
    fs::write(&altered, bytes).unwrap();
    let before = files(&path);

    let said = store("check", &path, &[]);
    let json = store("check", &path, &["--json"]).json();

    let gone = format!("pricing 1.1.0 (v1): its archive package-{}", Digest::of(b"pricing v1"));
    said.says(Exit::Damaged, &[&gone, "is gone", "pricing 1.3.0 (v3)", "its bytes have another hash"]);
    said.says(Exit::Damaged, &["put the file back from a copy", "1 of 3 versions whole"]);
    let flaws: Vec<_> = json["versions"].as_array().unwrap().iter().map(|row| &row["flaw"]).collect();
    assert_eq!((flaws[0], flaws[1].is_null()), (&"is gone".into(), true), "{json}");
    assert_eq!(json["versions"][2]["version"], "v3");
    assert!(files(&path) == before, "the look changed something");

    whole.restore(&path);
    store("check", &path, &[]).says(Exit::Done, &["3 of 3 versions whole", "sound"]);
}

#[test]
fn what_no_version_needs_is_told_and_is_no_damage() {
    let folder = Folder::new().unwrap();
    let (_, path) = (Whole::new(&folder), folder.join("store"));
    fs::write(path.join("package-00"), b"bytes").unwrap();
    fs::write(path.join("package-01.part"), b"bytes").unwrap();

    let said = store("check", &path, &[]);

    said.says(Exit::Done, &["package-00 belongs to no version", "package-01.part was never finished"]);
    said.says(Exit::Done, &["the next start removes it", "repairable"]);
}

/// Takes an archive for what its manifest says, without its library.
struct Manifests;

impl Reader for Manifests {
    fn read(&self, source: Source, _: &dyn Fn(DeployPoint)) -> Result<Taken, Unreadable> {
        let Source::Bytes(archive) = source else { unreachable!("it is given bytes") };
        let found = Verified::new(Contents::read(&archive, Limits::default()).unwrap()).unwrap();
        let package = found.name().clone();
        Ok(Taken {
            package: package.clone(),
            version: found.manifest().package.version.to_string().as_str().into(),
            label: None,
            manifest: Some(found.manifest().digest().to_string().into()),
            archive,
            make: Arc::new(move || Package::new(package.clone())),
        })
    }
}

/// An archive as an engine keeps it, with a hash that is right.
fn kept(archive: &[u8]) -> Vec<u8> {
    [b"acequia archive1", Digest::of(archive).as_bytes().as_slice(), archive].concat()
}

#[test]
fn an_archive_that_is_whole_and_another_one_than_was_loaded_is_told() {
    let packages = Packages::new();
    let packed = |name: &str, rest: &str| {
        let verified = Verified::open(&packages.package(name, rest)).unwrap();
        verified.contents().pack(Limits::default(), &mut |_| ()).unwrap()
    };
    let loaded = packed("pricing", "");
    let others = [
        (packed("pricing", "description = \"another one\"\n"), "it has another manifest than was loaded"),
        (packed("display", ""), "it is one of package display"),
        (b"no archive".to_vec(), "is altered"),
    ];
    let folder = Folder::new().unwrap();
    let path = folder.join("store");
    let (disk, given) = (Arc::new(FolderDisk::open(&path).unwrap()) as Arc<dyn Disk>, loaded.clone());
    on_a_runtime(async move {
        let engine = TestEngine::builder();
        let engine =
            engine.with(|it| it.journal_on(disk, Settings::small()).package_reader(Arc::new(Manifests)));
        let engine = engine.start().await;
        engine.engine().catalog().load(given).await.unwrap();
        engine.engine().shutdown(Duration::from_secs(1)).await;
    });
    let file = archive(&path, "1.2.0");
    assert!(fs::read(&file).unwrap() == kept(&loaded));
    store("check", &path, &[]).says(Exit::Done, &["1 of 1 versions whole", "sound"]);
    for (other, told) in others {
        fs::write(&file, kept(&other)).unwrap();
        store("check", &path, &[]).says(Exit::Damaged, &["pricing (1.2.0)", "is altered", told]);
    }
}
