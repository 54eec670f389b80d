//! The shelf: each library under its own hash, whole or not at all, and never written again.

use crate::library::package_folder;
use acequia::{Engine, Trust};
use acequia_host::shelf::{Shelf, ShelfError};
use acequia_host::version::Digest;
use acequia_host::{Library, TARGET};
use acequia_tests::Folder;
use acequia_tests::library::built;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

fn shelf() -> (Folder, Shelf) {
    let folder = Folder::new().unwrap();
    let shelf = Shelf::open(folder.join("libraries")).unwrap();
    (folder, shelf)
}

/// Files on the shelf beside its lock.
fn files(shelf: &Shelf) -> Vec<PathBuf> {
    let all = fs::read_dir(shelf.folder()).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| !path.ends_with("shelf.lock")).collect()
}

#[test]
fn a_library_is_kept_under_its_hash_and_read_only() {
    let (_folder, shelf) = shelf();
    let kept = shelf.keep(b"code").unwrap();
    let path = kept.path();

    assert_eq!(fs::read(path).unwrap(), b"code");
    assert_eq!(path, shelf.path(Digest::of(b"code")));
    assert!(fs::metadata(path).unwrap().permissions().readonly());
    let other = shelf.keep(b"other code").unwrap();
    assert_ne!(other.path(), path);
    assert_eq!(files(&shelf).len(), 2);
}

#[cfg(unix)]
#[test]
fn a_library_that_is_there_is_not_written_again() {
    use std::os::unix::fs::MetadataExt as _;
    let (_folder, shelf) = shelf();
    let kept = shelf.keep(b"code").unwrap();
    let before = fs::metadata(kept.path()).unwrap();

    assert_eq!(shelf.keep(b"code").unwrap().path(), kept.path());

    let after = fs::metadata(kept.path()).unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
}

#[test]
fn other_bytes_under_a_librarys_name_are_refused_and_left_alone() {
    let (_folder, shelf) = shelf();
    let path = shelf.path(Digest::of(b"code"));
    let put = |bytes: &[u8], is_readonly: bool| {
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(is_readonly);
        fs::set_permissions(&path, permissions).unwrap();
    };
    for (bytes, is_readonly, said) in
        [(&b"evil"[..], true, "hash"), (b"longer", true, "6 bytes"), (b"code", false, "written to")]
    {
        put(bytes, is_readonly);
        let error = shelf.keep(b"code").unwrap_err();
        assert!(matches!(error, ShelfError::Foreign { .. }) && error.to_string().contains(said), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[cfg(unix)]
#[test]
fn a_link_under_a_librarys_name_is_refused() {
    let (folder, shelf) = shelf();
    fs::write(folder.join("elsewhere"), b"code").unwrap();
    std::os::unix::fs::symlink(folder.join("elsewhere"), shelf.path(Digest::of(b"code"))).unwrap();

    assert!(matches!(shelf.keep(b"code"), Err(ShelfError::Foreign { .. })));
}

#[test]
fn what_an_earlier_process_left_is_swept_at_the_next_opening() {
    let (folder, shelf) = shelf();
    // As if the process had ended while it had the library mapped, and another while it was written.
    std::mem::forget(shelf.keep(b"code").unwrap());
    fs::write(shelf.folder().join("abc.part"), b"cod").unwrap();
    let notes = shelf.folder().join("notes.txt");
    fs::write(&notes, b"not the shelf's").unwrap();
    assert_eq!(files(&shelf).len(), 3);
    drop(shelf);

    let shelf = Shelf::open(folder.join("libraries")).unwrap();

    assert_eq!(files(&shelf), [notes]);
}

#[test]
fn a_library_that_nobody_maps_goes_with_the_last_who_holds_it() {
    let (_folder, shelf) = shelf();
    let (one, two) = (shelf.keep(b"code").unwrap(), shelf.keep(b"code").unwrap());
    drop(one);
    assert_eq!(files(&shelf), [two.path()]);
    drop(two);
    assert_eq!(files(&shelf).len(), 0);
    assert!(shelf.keep(b"code").unwrap().path().exists(), "and comes back when it is wanted");
}

#[test]
fn a_mapped_library_stays_on_the_shelf_though_nobody_holds_it() {
    let (folder, shelf) = shelf();
    let code = fs::read(built("versioned", &[])).unwrap();
    let kept = shelf.keep(&code).unwrap();
    let path = kept.path().to_owned();

    drop(Library::open(kept, &Trust::optional()).unwrap());
    assert_eq!(files(&shelf), std::slice::from_ref(&path));
    drop(shelf);

    let shelf = Shelf::open(folder.join("libraries")).unwrap();
    assert_eq!(files(&shelf), [path], "this process maps it to its end");
    let again = shelf.keep(&code).unwrap();
    assert!(Library::open(again, &Trust::optional()).is_ok(), "so that the same path is the same code");
}

#[test]
fn a_process_that_has_mapped_enough_takes_only_what_it_has() {
    let (_folder, shelf) = shelf();
    let code = fs::read(built("versioned", &[])).unwrap();
    drop(Library::open(shelf.keep(&code).unwrap(), &Trust::optional()).unwrap());
    let shelf = shelf.budget(1);

    assert!(shelf.keep(&code).is_ok(), "it is mapped already");
    let error = shelf.keep(b"more code").unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ShelfError::Full { mapped, .. } if mapped >= 1), "{text}");
    assert!(text.starts_with("E0722: ") && text.contains("restart it"), "{text}");
    assert_eq!(files(&shelf).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_package_that_is_refused_leaves_nothing_on_the_shelf() {
    let folder = Folder::new().unwrap();
    let engine = Engine::builder().shelf(folder.join("libraries")).start().await.unwrap();
    let package = package_folder("versioned", &[], "1.0.0", "");
    let library =
        package.join("lib").join(TARGET).join(format!("libversioned{}", std::env::consts::DLL_SUFFIX));
    let files = || {
        let all = fs::read_dir(folder.join("libraries")).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| !path.ends_with("shelf.lock")).count()
    };
    let code = fs::read(&library).unwrap();
    fs::write(&library, b"no library at all").unwrap();

    engine.open(package.join("")).await.unwrap_err();
    assert_eq!(files(), 0);
    fs::write(&library, code).unwrap();
    drop(engine.open(package.join("")).await.unwrap());
    assert_eq!(files(), 1, "mapped, though nobody uses it");
    engine.shutdown(Duration::from_secs(1)).await;
}

#[test]
fn a_shelf_has_one_owner_at_a_time() {
    let (folder, shelf) = shelf();
    assert!(matches!(Shelf::open(folder.join("libraries")), Err(ShelfError::InUse { .. })));
    drop(shelf);
    assert!(Shelf::open(folder.join("libraries")).is_ok());
}

#[cfg(unix)]
#[test]
fn a_shelf_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, shelf) = shelf();
    assert_eq!(fs::metadata(shelf.folder()).unwrap().permissions().mode() & 0o777, 0o700);
    drop(shelf);
    let path = folder.join("libraries");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();

    let text = Shelf::open(&path).unwrap_err().to_string();

    assert!(text.contains("E0881") && text.contains("770"), "{text}");
}

#[test]
fn many_threads_that_keep_one_library_leave_one_file() {
    let (_folder, shelf) = shelf();
    let code = vec![7; 100_000];
    let kept = shelf.keep(&code).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| assert!(shelf.keep(&code).is_ok())));
        }
    });
    assert_eq!(files(&shelf), [kept.path()]);
}
