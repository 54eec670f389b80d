//! Values of the wrong type or out of range, key by key; durations; names; versions.

use super::{HEAD, check, parse};
use acequia_host::manifest::Manifest;
use std::time::Duration;

#[test]
fn every_key_refuses_another_type() {
    for line in ["description", "authors", "license", "language", "runtime"] {
        check(&format!("{line} = 1.5"), (1, line.len() + 4), &["E0845", line, "not a float"]);
    }
    for line in ["name", "version"] {
        let text = HEAD.replace(&format!("{line} = "), &format!("{line} = 1 # "));
        assert!(Manifest::parse(&text).unwrap_err().to_string().contains("E0845"), "{line}");
    }
    for section in ["requires", "accumulators", "limits"] {
        let error = Manifest::parse(&format!("{section} = 1\n{HEAD}")).unwrap_err().to_string();
        assert!(error.contains("E0845") && error.contains(section), "{error}");
    }
    assert!(Manifest::parse("package = 1").unwrap_err().to_string().contains("`package` is a table"));
    check("[requires]\nengine = 1", (2, 10), &["E0845", "engine"]);
    check("[requires]\nreactors = \"R\"", (2, 12), &["E0845", "[[requires.reactors]]"]);
    check("[requires]\nreactors = [1]", (2, 13), &["E0845"]);
    for key in ["reactor", "package", "version"] {
        let error = parse(&format!("[[requires.reactors]]\n{key} = true")).unwrap_err().to_string();
        assert!(error.contains("E0845") && error.contains("boolean"), "{error}");
    }
    check("[accumulators]\na = 1", (2, 5), &["E0845", "`a` is a table"]);
    let keys =
        ["kind", "overflow", "capacity", "ring_capacity", "attempts", "max_buffer_size", "window_capacity"];
    let durations = ["interval", "flush_interval", "tumbling", "session", "lateness"];
    for key in keys.into_iter().chain(durations) {
        check(&format!("[accumulators.a]\n{key} = [1]"), (2, key.len() + 4), &["E0845", key, "array"]);
    }
    for key in ["ring_capacity", "delivery_capacity", "attempts", "faults", "dead_letters", "fault_window"] {
        check(&format!("[limits]\n{key} = false"), (2, key.len() + 4), &["E0845", key, "boolean"]);
    }
}

#[test]
fn every_count_refuses_what_is_out_of_range() {
    let counts = ["capacity", "ring_capacity", "attempts", "max_buffer_size"];
    let in_accumulator = counts.map(|key| ("accumulators.a", key));
    let in_limits = ["ring_capacity", "delivery_capacity", "attempts", "faults", "dead_letters"];
    for (section, key) in in_accumulator.into_iter().chain(in_limits.map(|key| ("limits", key))) {
        for value in ["0", "-1", "16777217", "9223372036854775807"] {
            let text = format!("[{section}]\n{key} = {value}");
            check(&text, (2, key.len() + 4), &["E0846", key, value, "1 to 16777216"]);
        }
        assert!(parse(&format!("[{section}]\n{key} = 1")).is_ok());
        assert!(parse(&format!("[{section}]\n{key} = 16_777_216")).is_ok());
    }
    check("[accumulators.a]\nwindow_capacity = -2", (2, 19), &["E0846", "-1 to"]);
    assert!(parse("[accumulators.a]\nwindow_capacity = -1").is_ok());
}

#[test]
fn durations_are_read_with_every_unit_and_none() {
    for (written, millis) in [
        ("\"250ms\"", 250),
        ("\"5s\"", 5_000),
        ("\"5 s\"", 5_000),
        ("\"2m\"", 120_000),
        ("\"1h\"", 3_600_000),
        ("\"7\"", 7_000),
        ("7", 7_000),
        ("0x10", 16_000),
    ] {
        let manifest = parse(&format!("[limits]\nfault_window = {written}")).unwrap();
        assert_eq!(manifest.limits.fault_window, Some(Duration::from_millis(millis)), "{written}");
    }
}

#[test]
fn what_is_no_duration_is_refused() {
    for written in
        ["\"\"", "\"s\"", "\"5 days\"", "\"1.5s\"", "\"-1s\"", "\"1h30m\"", "-1", "\"99999999999999999999s\""]
    {
        check(&format!("[limits]\nfault_window = {written}"), (2, 16), &["E0852", "250ms"]);
    }
    check("[limits]\nfault_window = 0", (2, 16), &["E0846", "fault_window"]);
    check("[limits]\nfault_window = \"9000h\"", (2, 16), &["E0846"]);
    assert!(parse("[accumulators.a]\nlateness = 0").is_ok());
    for key in ["interval", "flush_interval", "tumbling", "session"] {
        check(&format!("[accumulators.a]\n{key} = 0"), (2, key.len() + 4), &["E0846", key]);
    }
}

#[test]
fn a_word_that_is_not_among_those_possible_is_refused_with_the_nearest() {
    check("[accumulators.a]\nkind = \"bach\"", (2, 8), &["E0847", "did you mean `batch`?", "`window`"]);
    check("[accumulators.a]\noverflow = \"drop-oldest\"", (2, 12), &["E0847", "did you mean `drop_oldest`?"]);
    check("runtime = \"tokio\"", (1, 11), &["E0847", "`engine` and `own`"]);
}

#[test]
fn another_language_is_refused_naming_those_supported() {
    check("language = \"python\"", (1, 12), &["E0848", "python", "supported languages: rust"]);
    assert!(parse("language = \"rust\"").is_ok());
}

#[test]
fn what_is_no_name_is_refused() {
    for name in ["", "-p", "1p", "a b", "a/b", "..", "a.b", "ä", &"x".repeat(65)] {
        let text = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"");
        assert!(Manifest::parse(&text).unwrap_err().to_string().contains("E0849"), "{name:?}");
    }
    for name in ["p", "pricing-publisher", "p_2", &"x".repeat(64)] {
        assert!(
            Manifest::parse(&format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"")).is_ok(),
            "{name:?}"
        );
    }
    check("[[requires.reactors]]\nreactor = \" \"", (2, 11), &["E0849", "can be shown"]);
    check("[[requires.reactors]]\nreactor = \"R\"\npackage = \"a/b\"", (3, 11), &["E0849"]);
    check("[accumulators.\"a\\u0007\"]", (1, 15), &["E0849", "accumulators"]);
    assert!(parse("[accumulators.\"norm.prices\"]\nattempts = 1").is_ok());
}

#[test]
fn what_is_no_version_or_range_is_refused() {
    for version in ["1", "1.0", "v1.0.0", "", "1.0.0/x", &format!("1.0.0-{}", "x".repeat(80))] {
        let text = format!("[package]\nname = \"p\"\nversion = \"{version}\"");
        assert!(Manifest::parse(&text).unwrap_err().to_string().contains("E0850"), "{version:?}");
    }
    check("[requires]\nengine = \"new\"", (2, 10), &["E0851", "new", ">=0.1, <0.3"]);
    check("[[requires.reactors]]\nreactor = \"R\"\nversion = \"~~1\"", (3, 11), &["E0851"]);
}
