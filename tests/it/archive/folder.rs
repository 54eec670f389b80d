//! A folder is read under the rules of an archive, into the same contents.

use super::raw::Raw;
use super::{LIBRARY, MANIFEST, read};
use acequia_host::Contents;
use acequia_host::archive::{ArchiveError, Folder, Limits};
use std::fs;
use std::path::{Path, PathBuf};

/// A package in a folder of the test's own.
struct Written {
    folder: acequia_tests::Folder,
}

impl Written {
    fn new() -> Self {
        let folder = acequia_tests::Folder::new().unwrap();
        let written = Self { folder };
        written.file("package.toml", MANIFEST.as_bytes());
        written.file(LIBRARY, b"code");
        written
    }

    fn root(&self) -> PathBuf {
        self.folder.join("")
    }

    fn file(&self, name: impl AsRef<Path>, bytes: &[u8]) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn read(&self) -> Result<Contents, ArchiveError> {
        Contents::open(&self.root(), Limits::default())
    }
}

#[test]
fn a_folder_reads_as_its_archive_does() {
    let written = Written::new();
    written.file("src/deep/lib.rs", b"fn f() {}");
    let contents = written.read().unwrap();

    assert_eq!(contents, read(&Raw::package().file("src/deep/lib.rs", b"fn f() {}").end()).unwrap());
}

#[test]
fn what_is_the_authors_own_is_left_out_and_named() {
    let written = Written::new();
    written.file("target/debug/libpricing.so", b"elsewhere");
    written.file(".git/HEAD", b"ref");
    let folder = Folder::read(&written.root(), Limits::default()).unwrap();

    assert_eq!(folder.left_out, [".git", "target"]);
    assert_eq!(folder.contents.n_entries(), 2);
}

#[cfg(unix)]
#[test]
fn links_pipes_and_sockets_are_refused_by_name() {
    let with = |make: fn(&Path)| {
        let written = Written::new();
        written.file("src/lib.rs", b"");
        make(&written.folder.join("src/odd"));
        written.read().unwrap_err().to_string()
    };
    let link = with(|path| std::os::unix::fs::symlink("/etc/passwd", path).unwrap());
    let folder = with(|path| std::os::unix::fs::symlink("/etc", path).unwrap());
    let socket = with(|path| drop(std::os::unix::net::UnixListener::bind(path).unwrap()));
    let fifo = with(|path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    });

    for (text, said) in
        [(link, "a symbolic link"), (folder, "a symbolic link"), (socket, "a socket"), (fifo, "a fifo")]
    {
        assert!(["E0802", "src/odd", said].iter().all(|part| text.contains(part)), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn names_with_tricks_are_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    for name in [&b"src/a\\b"[..], b"src/\xff", b"src/dot.", b"src/a:b"] {
        let written = Written::new();
        written.file(Path::new(std::ffi::OsStr::from_bytes(name)), b"");
        let text = written.read().unwrap_err().to_string();
        assert!(text.contains("E0801"), "{text}");
    }
    let written = Written::new();
    written.file("src/a", b"");
    written.file("src/A", b"");
    assert!(written.read().unwrap_err().to_string().contains("E0803"));
}

#[test]
fn limits_hold_for_a_folder() {
    let written = Written::new();
    for at in 0..5 {
        written.file(format!("src/{at}"), &[0; 2_000]);
    }
    let read = |limits| Contents::open(&written.root(), limits).unwrap_err().to_string();

    assert!(read(Limits { entries: 7, ..Limits::default() }).contains("E0804"));
    assert!(read(Limits { entries: 3, ..Limits::default() }).contains("E0804"));
    assert!(read(Limits { expanded: 5_000, ..Limits::default() }).contains("E0806"));
    assert!(Contents::open(&written.root(), Limits::default()).is_ok());
}

#[test]
fn a_folder_without_a_manifest_is_refused() {
    let written = Written::new();
    fs::remove_file(written.folder.join("package.toml")).unwrap();
    assert!(written.read().unwrap_err().to_string().contains("E0814"));
}
