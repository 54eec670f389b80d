//! Whole archives: the frame as well as what is in it. Half of the inputs are compressed here, since
//! mutations seldom leave a frame whole.

#![no_main]

use acequia_host::archive::{Contents, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((first, rest)) if first % 2 == 0 => {
            if let Ok(archive) = zstd::encode_all(rest, 1) {
                let _ = Contents::read(&archive, Limits::default());
            }
        }
        _ => {
            let _ = Contents::read(input, Limits::default());
        }
    }
});
