//! What is no library of a package is refused with a text that says what to do, before its code runs.

use acequia::library::{Library, LibraryError, mapped};
use acequia::{FailureKind, Trust, testing::TestEngine};
use acequia_tests::Folder;
use acequia_tests::library::{built, library_of};
use std::path::Path;

/// The error of `path` with all that is behind it.
fn refusal(path: &Path) -> String {
    let error = Library::open(path, &Trust::optional()).unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// A sound library, and where its header is in it.
fn sound() -> (Vec<u8>, usize) {
    let bytes = std::fs::read(built("versioned", &[])).unwrap();
    // Magic, a size, ABI 1, unwinds.
    let is_header = |at: &usize| {
        bytes[*at..].starts_with(b"ACEQUIA\x1a") && bytes[at + 12..at + 20] == [1, 0, 0, 0, 1, 0, 0, 0]
    };
    let at = (0..bytes.len() - 128).find(is_header).unwrap();
    (bytes, at)
}

/// Change the library at an offset from its header; the refusal, and whether it was mapped.
fn changed(offset: usize, to: &[u8]) -> (String, bool) {
    let (mut bytes, header) = sound();
    bytes[header + offset..header + offset + to.len()].copy_from_slice(to);
    let path = library_of(&bytes);
    let text = refusal(&path);
    (text, mapped().iter().any(|mapped| mapped.path == path.canonicalize().unwrap()))
}

#[test]
fn foreign_tables_are_refused_before_the_library_is_mapped() {
    for (offset, to, wanted) in [
        (0, &b"SOMETHIN"[..], "E0702"),
        (8, &[9, 0, 0, 0], "E0704: the package's table has 9 bytes, built with acequia-sdk"),
        (12, &[2, 0, 0, 0], "E0703: the package has ABI 2, built with acequia-sdk"),
        (16, &[0, 0, 0, 0], "E0705: the package aborts when it panics"),
    ] {
        let (text, is_mapped) = changed(offset, to);
        assert!(text.contains(wanted), "{text}");
        assert_eq!(is_mapped, cfg!(not(target_os = "linux")), "its constructors must not run: {text}");
    }
}

#[test]
fn abi_refusal_names_both_sides() {
    let (mut bytes, header) = sound();
    bytes[header + 12] = 7;
    bytes[header + 24..header + 45].copy_from_slice(b"sdk 0.0.9, rustc 1.1\0");
    let text = refusal(&library_of(&bytes));
    assert!(text.contains("has ABI 7, built with sdk 0.0.9, rustc 1.1; this engine needs ABI 1"), "{text}");
}

#[test]
fn libraries_without_the_symbol_are_refused() {
    let (mut bytes, _) = sound();
    let symbol = b"acequia_package_v1\0";
    while let Some(at) = bytes.windows(symbol.len()).position(|window| window == symbol) {
        bytes[at] = b'x';
    }
    let text = refusal(&library_of(&bytes));
    assert!(text.contains("E0712") && text.contains("does not export acequia_package_v1"), "{text}");
}

#[test]
fn what_is_no_library_at_all_is_refused() {
    let folder = Folder::new().unwrap();
    assert!(refusal(&folder.join("absent.so")).contains("E0710"));
    assert!(refusal(&library_of(b"not a library")).contains("E0711"));
    let (bytes, _) = sound();
    for end in [0, 3, 64, 4_096, 100_000] {
        let text = refusal(&library_of(&bytes[..end]));
        assert!(text.contains("E0711") || text.contains("E0719"), "cut at {end}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn hook_that_panics_refuses_the_package_and_leaves_the_process_alone() {
    let engine = TestEngine::builder().start().await;
    let library = Library::open(built("refuses", &[]), &Trust::optional()).unwrap();
    for _ in 0..2 {
        let error = library.init(engine.services()).unwrap_err();
        let LibraryError::Init { package, failure } = error else { panic!("{error}") };
        assert_eq!((package.as_str(), failure.kind), ("refuses", FailureKind::Panic));
        assert_eq!(failure.message, "a panic without text");
    }
}
