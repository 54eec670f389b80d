//! Manifests: no text panics, every flaw has a place in the text, and the digest is that of what is said.

#![no_main]

use acequia_host::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Manifest::parse(text) {
        Ok(manifest) => {
            let again = Manifest::parse(&format!("# A comment.\n{text}")).expect("a comment changes nothing");
            assert_eq!(again.digest(), manifest.digest());
        }
        Err(error) => {
            assert!(!error.flaws.is_empty() && !error.to_string().is_empty());
            let n_lines = text.matches('\n').count() + 1;
            assert!(error.flaws.iter().all(|flaw| (1..=n_lines).contains(&flaw.line) && flaw.column >= 1));
        }
    }
});
