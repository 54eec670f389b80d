//! Every trick is refused, and the refusal names the entry.

use super::raw::{BLOCK, Raw};
use super::{MANIFEST, read, refused};

/// A package with one more entry is refused, and the text holds all of `expected`.
#[track_caller]
fn check(name: &[u8], kind: u8, expected: &[&str]) {
    let text = refused(read(&Raw::package().entry(name, kind, b"").end()));
    for part in expected {
        assert!(text.contains(part), "{text:?} lacks {part:?}");
    }
}

#[test]
fn a_path_with_a_trick_is_refused_by_name() {
    check(b"/etc/passwd", b'0', &["E0801", "/etc/passwd", "absolute"]);
    check(b"../up", b'0', &["E0801", "../up", "climbs"]);
    check(b"src/../../up", b'0', &["E0801", "src/../../up", "climbs"]);
    check(b"src/..", b'5', &["E0801", "src/..", "climbs"]);
    check(b"./src/lib.rs", b'0', &["E0801", "./src/lib.rs", "piece `.`"]);
    check(b"src/./lib.rs", b'0', &["E0801", "src/./lib.rs"]);
    check(b"src//lib.rs", b'0', &["E0801", "src//lib.rs", "empty"]);
    check(b"src/lib.rs/", b'0', &["E0801", "src/lib.rs/", "empty"]);
    check(b"src//", b'5', &["E0801", "src/", "empty"]);
    check(b"", b'0', &["E0801", "empty"]);
    check(b"src/lib.rs.", b'0', &["E0801", "src/lib.rs.", "ends in a dot"]);
    check(b"src/lib.rs ", b'0', &["E0801", "ends in a dot or a space"]);
    check(b"src/...", b'0', &["E0801", "src/..."]);
    check(b"src\\..\\up", b'0', &["E0801", "backslash"]);
    check(b"C:/up", b'0', &["E0801", "C:/up", "colon"]);
    check(b"src/a\nb", b'0', &["E0801", "src/a\\nb", "printed"]);
    check("src/a\u{202e}b".as_bytes(), b'0', &["E0801", "printed"]);
    check(b"src/\xff\xfe", b'0', &["E0801", "not UTF-8"]);
}

#[test]
fn whatever_is_neither_file_nor_folder_is_refused_by_name() {
    let kinds: [(u8, &str); 13] = [
        (b'1', "a hard link"),
        (b'2', "a symbolic link"),
        (b'3', "a character device"),
        (b'4', "a block device"),
        (b'6', "a fifo"),
        (b'x', "a pax extension"),
        (b'g', "a pax extension"),
        (b'L', "a GNU long name"),
        (b'K', "a GNU long name"),
        (b'S', "a sparse file"),
        (b'7', "unknown type 0x37"),
        (b'V', "unknown type 0x56"),
        (0xff, "unknown type 0xff"),
    ];
    for (kind, said) in kinds {
        check(b"src/odd", kind, &["E0802", "\"src/odd\"", said]);
    }
}

#[test]
fn two_entries_for_one_place_are_refused_by_name() {
    let twice = |name: &str| refused(read(&Raw::package().file("src/a", b"1").file(name, b"2").end()));

    for (name, first) in [("src/a", "src/a"), ("src/A", "src/a"), ("src/a/b", "src/a"), ("src", "src")] {
        let text = twice(name);
        let parts = if name == "src" { ["E0813", name, "part"] } else { ["E0803", name, first] };
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
    assert!(refused(read(&Raw::package().file("package.toml", b"").end())).contains("E0803"));
    let folders = Raw::package().entry(b"src/", b'5', b"").entry(b"src", b'5', b"");
    assert!(refused(read(&folders.end())).contains("E0803"));
    let umlaut = Raw::package().file("src/\u{e4}", b"").file("src/\u{c4}", b"");
    assert!(refused(read(&umlaut.end())).contains("E0803"));
    let file_for_folder = Raw::package().file("src/b/c", b"").file("src/b", b"");
    assert!(refused(read(&file_for_folder.end())).contains("E0803"));
}

#[test]
fn a_folder_may_be_named_before_or_after_what_it_holds() {
    let before = Raw::package().entry(b"src/", b'5', b"").file("src/a", b"1").end();
    let after = Raw::package().file("src/a", b"1").entry(b"src", b'5', b"").end();
    let never = Raw::package().file("src/a", b"1").end();

    assert_eq!(read(&before).unwrap(), read(&never).unwrap());
    assert_eq!(read(&after).unwrap(), read(&never).unwrap());
}

#[test]
fn what_has_no_place_in_a_package_is_refused_by_name() {
    for name in [
        "target/debug/x",
        "package.sig/x",
        "src.sig",
        "Package.toml.bak",
        "lib/libx.so",
        "lib/t/deep/libx.so",
        ".git/config",
    ] {
        let text = refused(read(&Raw::package().file(name, b"").end()));
        assert!(text.contains("E0813") && text.contains(name), "{text}");
    }
    let second = Raw::package().file("lib/x86_64-unknown-linux-gnu/libother.so", b"").end();
    let text = refused(read(&second));
    assert!(
        text.contains("E0816") && text.contains("libother.so") && text.contains("libpricing.so"),
        "{text}"
    );
}

#[test]
fn a_package_without_a_readable_manifest_is_refused() {
    assert!(refused(read(&Raw::default().file("src/lib.rs", b"").end())).contains("E0814"));
    assert!(refused(read(&Raw::default().end())).contains("E0814"));
    assert!(refused(read(&Raw::default().file("package.toml", b"name = \"\xff\"").end())).contains("E0815"));
}

type Change = fn(&mut [u8; BLOCK]);

#[test]
fn a_header_that_lies_is_refused_by_name() {
    let odd = |change: Change| refused(read(&Raw::package().with(b"src/odd", b'0', b"1234", change).end()));
    let cases: [(Change, &str); 10] = [
        (|block| block[257..265].copy_from_slice(b"ustar  \0"), "no ustar header"),
        (|block| block[257..265].fill(0), "no ustar header"),
        (|block| block[50] = b'x', "hidden bytes"),
        (|block| block[400] = b'x', "hidden bytes"),
        (|block| block[505] = 1, "hidden bytes"),
        (|block| block[157] = b'/', "names a target"),
        (|block| block[124..136].copy_from_slice(b"-0000000004\0"), "octal"),
        (|block| block[124..136].fill(0), "octal"),
        (|block| block[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x04"), "octal"),
        (|block| block[124..136].copy_from_slice(b"0000000004x\0"), "octal"),
    ];
    for (change, said) in cases {
        let text = odd(change);
        assert!(["E0808", "src/odd", said].iter().all(|part| text.contains(part)), "{said}: {text}");
    }
}

#[test]
fn an_altered_header_is_refused() {
    let mut bytes = Raw::package().end();
    bytes[0] ^= 1;
    let text = refused(read(&bytes));
    assert!(text.contains("E0808") && text.contains("checksum"), "{text}");
}

#[test]
fn a_folder_with_data_is_refused() {
    let text = refused(read(&Raw::package().entry(b"src/", b'5', b"data").end()));
    assert!(text.contains("E0808") && text.contains("folder with data"), "{text}");
}

#[test]
fn bytes_between_and_behind_entries_are_refused() {
    let mut padded = Raw::package().file("src/odd", b"1234").end();
    let behind = padded.len() - 2 * BLOCK - 1;
    padded[behind] = 7;
    let text = refused(read(&padded));
    assert!(text.contains("E0808") && text.contains("padding") && text.contains("src/odd"), "{text}");

    let lone = Raw::package().bytes(&[0; BLOCK]).file("src/odd", b"1").end();
    assert!(refused(read(&lone)).contains("single block of zeros"));

    let hidden = Raw::package().bytes(&[0; 2 * BLOCK]).file("src/odd", b"1").end();
    assert!(refused(read(&hidden)).contains("E0810"));

    let mut more = super::packed(&Raw::package().end());
    more.extend_from_slice(b"!");
    assert!(refused(acequia_host::Contents::read(&more, super::Limits::default())).contains("E0810"));

    let twice = super::packed(&Raw::package().end()).repeat(2);
    assert!(refused(acequia_host::Contents::read(&twice, super::Limits::default())).contains("E0810"));
}

#[test]
fn zeros_up_to_a_record_may_follow_and_no_more() {
    let whole = Raw::package().end();
    let mut filled = whole.clone();
    filled.resize(10_240, 0);
    assert_eq!(read(&filled).unwrap(), read(&whole).unwrap());

    filled.resize(10_240 + BLOCK, 0);
    assert!(refused(read(&filled)).contains("E0810"));
}

#[test]
fn what_is_no_archive_says_so() {
    let other = |bytes: &[u8]| refused(acequia_host::Contents::read(bytes, super::Limits::default()));
    assert!(other(b"").contains("E0811"));
    assert!(other(b"PK\x03\x04").contains("E0811"));
    assert!(other(&Raw::package().end()).contains("E0811"));
    // A frame that decompressors skip, then an honest one.
    let skipped = [b"\x50\x2a\x4d\x18\x04\0\0\0skip".to_vec(), super::packed(&Raw::package().end())].concat();
    assert!(other(&skipped).contains("E0811"));
}

#[test]
fn an_archive_cut_at_any_byte_is_refused() {
    let expanded = Raw::package().file("src/lib.rs", &[7; 700]).end();
    for length in 0..expanded.len() {
        let text = refused(read(&expanded[..length]));
        assert!(text.contains("E0809"), "{length}: {text}");
    }
    let packed = super::packed(&expanded);
    for length in 0..packed.len() {
        refused(acequia_host::Contents::read(&packed[..length], super::Limits::default()));
    }
}

#[test]
fn an_entry_that_claims_more_than_there_is_is_refused_by_name() {
    let claims = |size: u64| {
        let header = super::raw::header(b"src/odd", b'0', size, |_| {});
        refused(read(&Raw::default().file("package.toml", MANIFEST.as_bytes()).bytes(&header).cut()))
    };
    assert!(claims(1_000).contains("E0809"));
    let text = claims(0o77_777_777_777);
    assert!(text.contains("src/odd") && (text.contains("E0806") || text.contains("E0807")), "{text}");
}
