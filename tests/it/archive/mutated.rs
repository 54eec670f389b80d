//! Whatever happens to an archive, reading it ends in the same contents or in a refusal, never in a
//! panic or in other contents.

use super::raw::{BLOCK, Raw, header};
use super::{packed, read};
use acequia_host::archive::{Contents, Limits};
use acequia_host::manifest::Manifest;
use proptest::collection::vec;
use proptest::prelude::*;

fn expanded() -> Vec<u8> {
    Raw::package().file("src/lib.rs", &[b'x'; 700]).file("README.md", b"read me").end()
}

/// What any accepted contents obey.
fn check_rules(contents: &Contents) {
    assert!(contents.n_entries() <= 1_000);
    for (path, _) in contents.entries() {
        assert!(
            !path.as_str().starts_with('/') && path.pieces().all(|piece| !["", ".", ".."].contains(&piece))
        );
    }
    let again = Contents::read(
        &contents.pack(Limits { ratio: 10_000, ..Limits::default() }, &mut |_| {}).unwrap(),
        Limits { ratio: 10_000, ..Limits::default() },
    );
    assert_eq!(&again.unwrap(), contents, "what was read can be packed and read again");
}

#[test]
fn every_flipped_bit_of_an_archive_is_refused() {
    let original = Contents::read(&packed(&expanded()), Limits::default()).unwrap();
    let sound = original.pack(Limits::default(), &mut |_| {}).unwrap();
    for at in 0..sound.len() * 8 {
        let mut damaged = sound.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        // The frame's header has bits without a meaning; the contents then are those that were written.
        if let Ok(contents) = Contents::read(&damaged, Limits::default()) {
            assert_eq!(contents, original, "bit {at}");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_header_is_refused_or_changes_what_does_not_count() {
    let sound = expanded();
    let original = read(&sound).unwrap();
    for at in 0..BLOCK * 8 {
        let mut damaged = sound.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        // The spaces around a checksum are the only bytes that no sum covers.
        if let Ok(contents) = read(&damaged) {
            assert_eq!(contents, original, "bit {at}");
            assert!((148..156).contains(&(at / 8)), "bit {at} is not covered by a checksum");
        }
    }
}

proptest! {
    #[test]
    fn damage_to_an_archive_never_panics(damage in vec((0usize..6_000, any::<u8>()), 1..8)) {
        let mut damaged = expanded();
        let length = damaged.len();
        for (at, byte) in damage {
            damaged[at % length] = byte;
        }
        if let Ok(contents) = Contents::read_expanded(&damaged, Limits::default()) {
            check_rules(&contents);
        }
    }

    #[test]
    fn an_inserted_entry_is_refused_or_obeys_the_rules(
        name in vec(prop_oneof![Just(b'/'), Just(b'.'), Just(b'\\'), Just(0u8), b'a'..b'e', any::<u8>()], 0..30),
        kind in prop_oneof![Just(b'0'), Just(b'5'), any::<u8>()],
        data in vec(any::<u8>(), 0..600),
        place in 0usize..3,
    ) {
        let entry = [header(&name, kind, data.len() as u64, |_| {}).to_vec(), data].concat();
        let sound = expanded();
        // Behind the manifest, behind the library, or at the beginning.
        let at = [0, 2 * BLOCK, 4 * BLOCK][place];
        let padded = entry.len().next_multiple_of(BLOCK);
        let inserted = [&sound[..at], &entry, &vec![0; padded - entry.len()], &sound[at..]].concat();
        if let Ok(contents) = Contents::read_expanded(&inserted, Limits::default()) {
            check_rules(&contents);
        }
    }

    #[test]
    fn blocks_in_any_order_are_refused_or_obey_the_rules(order in vec(0usize..11, 0..20)) {
        let sound = expanded();
        let blocks: Vec<&[u8]> = sound.chunks(BLOCK).collect();
        let shuffled: Vec<u8> = order.iter().flat_map(|at| blocks[at % blocks.len()].to_vec()).collect();
        if let Ok(contents) = Contents::read_expanded(&shuffled, Limits::default()) {
            check_rules(&contents);
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_archive_and_never_panic(bytes in vec(any::<u8>(), 0..3_000)) {
        prop_assert!(Contents::read(&bytes, Limits::default()).is_err());
        prop_assert!(Contents::read_expanded(&bytes, Limits::default()).is_err());
    }

    #[test]
    fn an_arbitrary_manifest_never_panics(text in "\\PC{0,200}", piece in "[\\[\\]\"=.a-z0-9\n#-]{0,200}") {
        let _ = Manifest::parse(&text);
        let _ = Manifest::parse(&piece);
        let _ = Manifest::parse(&format!("{}{piece}", super::MANIFEST));
    }
}
