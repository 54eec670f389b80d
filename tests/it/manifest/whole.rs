//! A whole manifest, its digest, and its overrides against what a library declares.

use super::{HEAD, parse};
use acequia_core::Overflow;
use acequia_core::accumulator::Kind;
use acequia_core::fault::FaultBudget;
use acequia_host::manifest::{Language, Manifest, Runtime};
use std::time::Duration;

const WHOLE: &str = r#"
[package]
name = "pricing-subscriber"
version = "1.2.0-beta.1"
description = "Signals from prices"
authors = ["Ana", "Ben"]
license = "MIT"
language = "rust"
runtime = "own"

[requires]
engine = ">=0.1, <0.3"

[[requires.reactors]]
reactor = "PriceReactor"
package = "pricing-publisher"
version = "^1"

[[requires.reactors]]
reactor = "Other"

[accumulators.raw_prices]
kind = "batch"
capacity = 1024
overflow = "drop_oldest"
attempts = 5
flush_interval = "250ms"
max_buffer_size = 100

[accumulators.history]
kind = "state"
window_capacity = -1
ring_capacity = 64

[limits]
ring_capacity = 256
delivery_capacity = 128
attempts = 2
faults = 20
dead_letters = 4
fault_window = "2m"
"#;

#[test]
fn a_whole_manifest_is_read() {
    let manifest = Manifest::parse(WHOLE).unwrap();

    let package = &manifest.package;
    assert_eq!(
        (package.name.as_str(), package.version.to_string()),
        ("pricing-subscriber", "1.2.0-beta.1".into())
    );
    assert_eq!(
        (package.description.as_deref(), package.license.as_deref()),
        (Some("Signals from prices"), Some("MIT"))
    );
    assert_eq!(package.authors, ["Ana", "Ben"]);
    assert_eq!((package.language, package.runtime), (Language::Rust, Runtime::Own));
    assert_eq!(manifest.archive_name(), "pricing-subscriber-1.2.0-beta.1.acequia");

    let requires = &manifest.requires;
    assert!(requires.engine.as_ref().unwrap().matches(&semver::Version::new(0, 2, 9)));
    assert_eq!(requires.reactors[0].package.as_ref().unwrap().as_str(), "pricing-publisher");
    assert_eq!(requires.reactors[0].reactor.as_str(), "PriceReactor");
    assert!(!requires.reactors[0].version.as_ref().unwrap().matches(&semver::Version::new(2, 0, 0)));
    assert_eq!((&requires.reactors[1].package, &requires.reactors[1].version), (&None, &None));

    let prices = &manifest.accumulators["raw_prices"];
    assert_eq!((prices.kind, prices.ring(), prices.attempts), (Some(Kind::Batch), Some(1_024), Some(5)));
    assert_eq!((prices.overflow, prices.max_buffer_size), (Some(Overflow::DropOldest), Some(100)));
    assert_eq!(prices.flush_interval, Some(Duration::from_millis(250)));
    let history = &manifest.accumulators["history"];
    assert_eq!((history.window_capacity, history.ring()), (Some(-1), Some(64)));

    let limits = &manifest.limits;
    assert_eq!((limits.ring_capacity, limits.delivery_capacity), (Some(256), Some(128)));
    let budget = FaultBudget { attempts: 2, dead_letters: 4, faults: 20, window: Duration::from_secs(120) };
    assert_eq!(limits.budget(FaultBudget::default()), budget);
}

#[test]
fn what_is_not_said_is_the_default() {
    let manifest = parse("").unwrap();
    assert_eq!((manifest.package.language, manifest.package.runtime), (Language::Rust, Runtime::Engine));
    assert!(manifest.requires.engine.is_none() && manifest.accumulators.is_empty());
    assert_eq!(manifest.limits.budget(FaultBudget::default()), FaultBudget::default());
}

#[test]
fn the_digest_is_that_of_what_is_said_not_of_how() {
    let digest = |text: &str| Manifest::parse(text).unwrap().digest();
    let one = digest(&format!("{HEAD}license = \"MIT\"\n[limits]\nattempts = 16\nfaults = 2"));
    let same = digest(
        "[limits] # first\n\"faults\"   = 2\nattempts = 0x10\n\n[package]\nversion='1.0.0'\nname=\"\\u0070\"\nlicense=\"MIT\"",
    );
    assert_eq!(one, same);

    for other in [
        format!("{HEAD}license = \"MIT\"\n[limits]\nattempts = 16\nfaults = 3"),
        format!("{HEAD}license = \"MIT\"\n[limits]\nattempts = 16"),
        format!("{HEAD}license = \"mit\"\n[limits]\nattempts = 16\nfaults = 2"),
        format!("{HEAD}description = \"MIT\"\n[limits]\nattempts = 16\nfaults = 2"),
    ] {
        assert_ne!(digest(&other), one, "{other}");
    }
}

#[test]
fn the_digest_of_a_manifest_never_changes_between_releases() {
    assert_eq!(
        Manifest::parse(WHOLE).unwrap().digest().to_string(),
        "d6a07ad584443d5caad559319c9af2a508dff25974a9733241dcc47b39c9343c"
    );
}

#[test]
fn an_override_of_what_the_library_does_not_declare_is_refused() {
    let manifest = parse("[accumulators.raw_price]\nattempts = 1").unwrap();
    let text = manifest.fits(&[("raw_prices".into(), Kind::Passthrough)]).unwrap_err().to_string();
    assert!(["E0858", "raw_price", "`raw_prices`"].iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn an_override_is_checked_against_the_kind_that_the_library_declares() {
    let fits = |text: &str, kind| {
        parse(text).unwrap().fits(&[("a".into(), kind)]).map_err(|misfit| misfit.to_string())
    };

    assert_eq!(fits("[accumulators.a]\ninterval = 1", Kind::Polling), Ok(()));
    let text = fits("[accumulators.a]\ninterval = 1", Kind::Batch).unwrap_err();
    assert!(["E0857", "`interval`", "batch", "polling"].iter().all(|part| text.contains(part)), "{text}");
    assert_eq!(fits("[accumulators.a]\nkind = \"polling\"\ninterval = 1", Kind::Polling), Ok(()));
    // What an accumulator is follows from its function; a manifest can only say the same.
    let text = fits("[accumulators.a]\nkind = \"polling\"\ninterval = 1", Kind::Batch).unwrap_err();
    assert!(["E0859", "a polling", "a batch"].iter().all(|part| text.contains(part)), "{text}");
    assert_eq!(fits("[accumulators.a]\ncapacity = 1", Kind::Passthrough), Ok(()));
    assert!(fits("[accumulators.a]\ncapacity = 1", Kind::State).unwrap_err().contains("window_capacity"));
    assert_eq!(fits("[accumulators.a]\nring_capacity = 1", Kind::State), Ok(()));
}
