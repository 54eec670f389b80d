//! `unsafe` lives where foreign code is called, and nowhere else.

use super::tree::{Source, sources};
use super::{Finding, NONE, demand_none, lines};

const HOMES: [&str; 2] = ["plugins/abi/", "plugins/host/"];
/// Room for one ring module, once a measurement pays for it; at present the ring is safe code.
const RING: [&str; 0] = [];

fn strays(source: &Source) -> Vec<Finding> {
    let at_home =
        HOMES.iter().any(|home| source.path.starts_with(home)) || RING.contains(&source.path.as_str());
    let found = source.tokens.iter().filter(|token| !at_home && token.is_word("unsafe"));
    found
        .map(|t| {
            Finding::new(
                &source.path,
                t.line,
                "`unsafe`: move it into plugins/abi or plugins/host, or do without",
            )
        })
        .collect()
}

#[test]
fn unsafe_stays_at_home() {
    assert!(RING.len() <= 1, "one ring module at most may hold unsafe code");
    demand_none(sources().iter().flat_map(strays).collect());
}

#[test]
fn unsafe_elsewhere_is_caught() {
    let text = "#![forbid(unsafe_code)]\n// unsafe\nfn f() { unsafe { g() } }\n#[unsafe(no_mangle)]\nunsafe impl Send for A {}";
    assert_eq!(lines(&strays(&Source::new("engine/core/src/a.rs", text))), [3, 4, 5]);
    assert_eq!(lines(&strays(&Source::new("plugins/host/src/a.rs", text))), NONE);
}
