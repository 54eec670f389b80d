//! Expanded archives: whatever is accepted obeys the rules, and packs and reads as itself.

#![no_main]

use acequia_host::archive::{Contents, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|expanded: &[u8]| {
    let limits = Limits { ratio: u64::MAX, ..Limits::default() };
    let Ok(contents) = Contents::read_expanded(expanded, limits) else { return };
    assert!(contents.n_entries() <= limits.entries);
    for (path, _) in contents.entries() {
        assert!(!path.as_str().starts_with('/') && path.pieces().all(|piece| !["", ".", ".."].contains(&piece)));
    }
    let archive = contents.pack(limits, &mut |_| {}).expect("what was read can be packed");
    assert_eq!(Contents::read(&archive, limits).expect("what was packed can be read"), contents);
});
