//! Limits are those of the page, and hold while an archive streams.

use super::raw::{Raw, header};
use super::{MANIFEST, packed, read, refused};
use acequia_host::archive::{Contents, Limits};

#[test]
fn the_limits_are_those_promised() {
    let limits = Limits::default();
    assert_eq!(
        (limits.entries, limits.packed, limits.expanded, limits.ratio),
        (1_000, 64 << 20, 256 << 20, 100)
    );
}

#[test]
fn a_thousand_entries_are_read_and_one_more_is_refused_by_name() {
    let many = |n: usize| {
        let noise = |at: usize| format!("{:x}", at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        (0..n - 2).fold(Raw::package(), |raw, at| raw.file(&format!("src/{at}"), noise(at).as_bytes())).end()
    };
    let limits = Limits { ratio: 1_000, ..Limits::default() };

    assert_eq!(Contents::read(&packed(&many(1_000)), limits).unwrap().n_entries(), 1_000);
    let text = refused(Contents::read(&packed(&many(1_001)), limits));
    assert!(text.contains("E0804") && text.contains("src/998") && text.contains("1000"), "{text}");
}

#[test]
fn folders_count_as_entries() {
    let folders =
        (0..1_000).fold(Raw::package(), |raw, at| raw.entry(format!("src/{at}/").as_bytes(), b'5', b""));
    let limits = Limits { ratio: 1_000, ..Limits::default() };
    assert!(refused(Contents::read(&packed(&folders.end()), limits)).contains("E0804"));
}

#[test]
fn a_bomb_is_refused_by_its_ratio_and_by_name() {
    let text = refused(read(&Raw::package().file("src/zeros", &vec![0; 8 << 20]).end()));
    assert!(text.contains("E0807") && text.contains("src/zeros") && text.contains("100"), "{text}");
}

#[test]
fn a_bomb_is_refused_before_it_is_expanded() {
    // Its header claims more than anything that follows; what follows would be expanded in vain.
    let claim = header(b"src/claim", b'0', 300 << 20, |_| {});
    let raw = Raw::default().file("package.toml", MANIFEST.as_bytes()).bytes(&claim).cut();
    let text = refused(Contents::read(&packed(&raw), Limits { ratio: u64::MAX, ..Limits::default() }));
    assert!(text.contains("E0806") && text.contains("src/claim"), "{text}");
}

#[test]
fn many_small_entries_together_hit_the_expanded_limit() {
    let limits = Limits { expanded: 8 << 10, ratio: 1_000, ..Limits::default() };
    let raw = (0..8).fold(Raw::package(), |raw, at| raw.file(&format!("src/{at}"), &[at; 600])).end();
    let text = refused(Contents::read(&packed(&raw), limits));
    assert!(text.contains("E0806") && text.contains("src/"), "{text}");
}

#[test]
fn a_large_archive_is_refused_unread() {
    let limits = Limits { packed: 10, ..Limits::default() };
    let text = refused(Contents::read(&packed(&Raw::package().end()), limits));
    assert!(text.contains("E0805") && text.contains("10"), "{text}");
}

#[test]
fn what_is_outside_the_limits_is_not_packed_either() {
    let contents = read(&Raw::package().file("src/noise", &noise(4_000)).end()).unwrap();
    let pack = |limits| contents.pack(limits, &mut |_| {}).unwrap_err().to_string();

    assert!(pack(Limits { entries: 2, ..Limits::default() }).contains("E0804"));
    assert!(pack(Limits { expanded: 4_000, ..Limits::default() }).contains("E0806"));
    assert!(pack(Limits { packed: 100, ..Limits::default() }).contains("E0805"));
    assert!(pack(Limits { ratio: 1, ..Limits::default() }).contains("E0807"));
}

/// Bytes that do not compress.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    };
    (0..n).map(|_| next()).collect()
}
