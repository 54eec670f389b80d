//! What is packed is read again, by us and by others, and the same contents are the same bytes.

use super::raw::Raw;
use super::{LIBRARY, MANIFEST, packed, read};
use acequia_host::archive::{Contents, EntryPath, Limits, PathFlaw};
use std::io::Read as _;

fn pack(contents: &Contents) -> Vec<u8> {
    contents.pack(Limits::default(), &mut |_| {}).unwrap()
}

#[test]
fn a_packed_package_reads_as_it_was() {
    let contents = read(&Raw::package().file("src/lib.rs", b"fn f() {}").end()).unwrap();
    let again = Contents::read(&pack(&contents), Limits::default()).unwrap();

    assert_eq!(again, contents);
    assert_eq!(again.manifest_text(), MANIFEST);
    assert_eq!(again.library("x86_64-unknown-linux-gnu").unwrap().bytes, b"code");
    assert!(again.library("aarch64-apple-darwin").is_none());
    assert_eq!(again.size(), (MANIFEST.len() + 4 + 9) as u64);
}

#[test]
fn the_same_contents_are_the_same_bytes_however_they_came() {
    let ordered = read(&Raw::package().file("src/a", b"1").file("src/b", b"2").end()).unwrap();
    let owned = |block: &mut [u8; 512]| {
        block[100..107].copy_from_slice(b"0000755");
        block[108..115].copy_from_slice(b"0001750");
        block[136..147].copy_from_slice(b"14000000000");
        block[265..269].copy_from_slice(b"root");
    };
    let reversed = Raw::default()
        .with(b"src/b", b'0', b"2", owned)
        .entry(b"src/", b'5', b"")
        .with(b"src/a", b'0', b"1", owned)
        .file(LIBRARY, b"code")
        .file("package.toml", MANIFEST.as_bytes());
    assert_eq!(pack(&read(&reversed.end()).unwrap()), pack(&ordered));
}

#[test]
fn progress_ends_at_the_size_of_the_contents() {
    let contents = read(&Raw::package().end()).unwrap();
    let mut heard = Vec::new();
    contents.pack(Limits::default(), &mut |n_done| heard.push(n_done)).unwrap();
    assert_eq!(heard, [4, contents.size()]);
}

#[test]
fn another_reader_finds_the_same_entries_without_owner_or_time() {
    let long = format!("src/{}/{}", "d".repeat(100), "f".repeat(100));
    let contents = read(&Raw::package().file("src/a", b"1").end()).unwrap();
    let with_long = {
        let raw =
            Raw::package().file("src/a", b"1").with("f".repeat(100).as_bytes(), b'0', b"long", |block| {
                block[345..449].copy_from_slice(&long.as_bytes()[..104])
            });
        read(&raw.end()).unwrap()
    };
    for contents in [contents, with_long] {
        let expanded = zstd::decode_all(pack(&contents).as_slice()).unwrap();
        let mut found = Vec::new();
        for entry in tar::Archive::new(expanded.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let header = entry.header();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
            assert_eq!((header.mode().unwrap(), header.username().unwrap()), (0o644, Some("")));
            found.push((entry.path().unwrap().to_str().unwrap().to_owned(), bytes));
        }
        let ours: Vec<_> =
            contents.entries().map(|(path, bytes)| (path.to_string(), bytes.to_vec())).collect();
        assert_eq!(found, ours);
    }
}

#[test]
fn an_archive_by_another_writer_is_read() {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in [("package.toml", MANIFEST.as_bytes()), (LIBRARY, b"code")] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        header.set_mtime(1_700_000_000);
        builder.append_data(&mut header, name, bytes).unwrap();
    }
    let theirs = builder.into_inner().unwrap();
    assert_eq!(read(&theirs).unwrap(), read(&Raw::package().end()).unwrap());
}

#[test]
fn a_file_is_read_like_its_bytes_and_an_absent_one_is_named() {
    let folder = acequia_tests::Folder::new().unwrap();
    std::fs::create_dir_all(folder.join("")).unwrap();
    let path = folder.join("pricing-1.2.0.acequia");
    std::fs::write(&path, packed(&Raw::package().end())).unwrap();

    let contents = Contents::open(&path, Limits::default()).unwrap();
    assert_eq!(contents, read(&Raw::package().end()).unwrap());
    let absent = Contents::open(&folder.join("absent"), Limits::default()).unwrap_err();
    assert!(absent.to_string().contains("E0817") && absent.to_string().contains("absent"));
}

#[test]
fn every_path_that_is_accepted_can_be_written() {
    let piece = "p".repeat(99);
    for (path, is_accepted) in [
        ("p".repeat(100), true),
        ("p".repeat(101), false),
        (format!("{piece}/{piece}"), true),
        (format!("{piece}/{}/{piece}", "m".repeat(54)), true),
        // 99 + 1 + 57 is a prefix of 157.
        (format!("{piece}/{}/{piece}", "m".repeat(57)), false),
        (format!("{piece}/{piece}/short"), false),
        (format!("{piece}/{piece}/{piece}"), false),
    ] {
        let checked = EntryPath::new(path.as_bytes());
        assert_eq!(checked.as_ref().err(), (!is_accepted).then_some(&PathFlaw::TooLong), "{path}");
    }
}
