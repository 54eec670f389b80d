//! The shelf: each library under its own hash, whole or not at all, and never written again.

use acequia_host::shelf::{Shelf, ShelfError};
use acequia_host::version::Digest;
use acequia_tests::Folder;
use std::fs;
use std::path::PathBuf;

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
    let path = shelf.keep(b"code").unwrap();

    assert_eq!(fs::read(&path).unwrap(), b"code");
    assert_eq!(path, shelf.path(Digest::of(b"code")));
    assert!(fs::metadata(&path).unwrap().permissions().readonly());
    assert_ne!(shelf.keep(b"other code").unwrap(), path);
    assert_eq!(files(&shelf).len(), 2);
}

#[cfg(unix)]
#[test]
fn a_library_that_is_there_is_not_written_again() {
    use std::os::unix::fs::MetadataExt as _;
    let (_folder, shelf) = shelf();
    let path = shelf.keep(b"code").unwrap();
    let before = fs::metadata(&path).unwrap();

    assert_eq!(shelf.keep(b"code").unwrap(), path);

    let after = fs::metadata(&path).unwrap();
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
fn what_a_crash_left_half_written_is_swept_at_the_next_opening() {
    let (folder, shelf) = shelf();
    let kept = shelf.keep(b"code").unwrap();
    fs::write(shelf.folder().join("abc.0.part"), b"cod").unwrap();
    drop(shelf);

    let shelf = Shelf::open(folder.join("libraries")).unwrap();

    assert_eq!(files(&shelf), [kept]);
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
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(shelf.keep(&code).is_ok()));
        }
    });
    assert_eq!(files(&shelf), [shelf.path(Digest::of(&code))]);
}
