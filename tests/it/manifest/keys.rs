//! Keys that are unknown, gone, absent, or in the wrong company.

use super::{HEAD, check, parse};
use acequia_host::manifest::Manifest;

#[test]
fn an_unknown_key_is_refused_at_its_place_with_the_nearest_known_one() {
    check("licence_file = \"x\"", (1, 1), &["E0842", "licence_file", "[package]", "known are `name`"]);
    check("descripton = \"x\"", (1, 1), &["E0842", "descripton", "did you mean `description`?"]);
    check("  Lang = \"x\"", (1, 3), &["E0842", "`Lang`"]);
    check("[requires]\nengin = \"1\"", (2, 1), &["E0842", "[requires]", "did you mean `engine`?"]);
    check("[[requires.reactors]]\nreacter = \"R\"", (1, 1), &["did you mean `reactor`?", "E0844"]);
    check("[accumulators.a]\nflush-interval = 1", (2, 1), &["did you mean `flush_interval`?"]);
    check("[limits]\natempts = 1", (2, 1), &["did you mean `attempts`?"]);
    check("[limit]\nattempts = 1", (1, 2), &["E0842", "the file", "did you mean `limits`?"]);
}

#[test]
fn a_key_that_was_removed_or_renamed_gets_a_hint() {
    check("package_type = \"reactor\"", (1, 1), &["E0843", "package_type", "take it out"]);
    check("[[triggers]]\nname = \"t\"", (1, 3), &["E0843", "triggers", "declared in the library"]);
    check("author = \"me\"", (1, 1), &["E0843", "authors = ["]);
    check("workflow_name = \"w\"", (1, 1), &["E0843", "workflow_name"]);
    check("interface_version = 7", (1, 1), &["E0843"]);
    check("[accumulators.a]\naccumulator_type = \"batch\"", (2, 1), &["E0843", "write `kind`"]);
    check("[accumulators.a]\nconfig = {}", (2, 1), &["E0843", "[accumulators.NAME]"]);
}

#[test]
fn a_foreign_metadata_section_gets_a_hint_for_each_key() {
    let text = "[metadata]\nworkflow_name = \"w\"\nreaction_mode = \"when_any\"\ninput_strategy = \"latest\"\nentry_module = \"m\"\nrequires_python = \"3\"\n";
    let error = parse(text).unwrap_err();

    let placed: Vec<(usize, bool)> =
        error.flaws.iter().map(|flaw| (flaw.line - 3, flaw.kind.to_string().contains("E0843"))).collect();
    assert_eq!(placed, [(1, true), (2, true), (3, true), (4, true), (5, true), (6, true)]);
    let text = error.to_string();
    assert!(text.contains("criteria = when_any") && text.contains("strategy = latest"), "{text}");
}

#[test]
fn accumulators_as_a_list_are_refused() {
    check("[[accumulators]]\nname = \"a\"", (1, 1), &["E0845", "`accumulators` is a table, not a array"]);
}

#[test]
fn keys_that_must_be_there_are_named() {
    let text = |text: &str| Manifest::parse(text).unwrap_err().to_string();
    assert!(text("").contains("E0844") && text("").contains("`package`"));
    let both = text("[package]\n");
    assert!(both.contains("`name`") && both.contains("`version`"), "{both}");
    assert!(text("[package]\nname = \"p\"").contains("[package] lacks `version`"));
    check("[[requires.reactors]]\npackage = \"p\"", (1, 1), &["E0844", "lacks `reactor`"]);
}

#[test]
fn a_key_of_another_kind_is_refused() {
    for (kind, key, owner) in [
        ("passthrough", "interval = 1", "polling"),
        ("polling", "flush_interval = 1", "batch"),
        ("state", "max_buffer_size = 1", "batch"),
        ("batch", "window_capacity = 1", "state"),
        ("stream", "tumbling = 1", "window"),
        ("stream", "sliding = 1\nslide = 1", "window"),
        ("stream", "session = 1", "window"),
        ("stream", "lateness = 1", "window"),
    ] {
        let text = format!("[accumulators.a]\nkind = \"{kind}\"\n{key}");
        let said = parse(&text).expect_err(&text).to_string();
        assert!(["E0853", kind, owner].iter().all(|part| said.contains(part)), "{said}");
    }
    check(
        "[accumulators.a]\nkind = \"state\"\ncapacity = 1",
        (3, 12),
        &["E0853", "`ring_capacity` or `window_capacity`"],
    );
}

#[test]
fn keys_that_exclude_or_need_each_other_are_refused() {
    check("[accumulators.a]\ncapacity = 1\nring_capacity = 1", (1, 1), &["E0855", "the same"]);
    check("[accumulators.a]\ntumbling = 1\nsession = 1", (1, 1), &["E0855", "one shape"]);
    check("[accumulators.a]\nsliding = 1", (1, 1), &["E0855", "go together"]);
    check("[accumulators.a]\nsliding = 1\nslide = 2", (1, 1), &["E0855", "lose what falls between"]);
    check(
        "[[requires.reactors]]\nreactor = \"R\"\n[[requires.reactors]]\nreactor = \"R\"",
        (3, 1),
        &["E0854", "`R`"],
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let error = Manifest::parse(
        "[package]\nname = 1\nversion = \"x\"\nlanguage = \"cobol\"\n[limits]\nattempts = 0\nrooms = 1",
    )
    .unwrap_err();
    let lines: Vec<usize> = error.flaws.iter().map(|flaw| flaw.line).collect();
    assert_eq!(lines, [2, 3, 4, 6, 7]);
}

#[test]
fn what_is_no_toml_says_where() {
    let error = Manifest::parse(&format!("{HEAD}license = ")).unwrap_err();
    assert_eq!(error.flaws[0].line, 4);
    assert!(error.to_string().contains("E0841"), "{error}");
    let twice = Manifest::parse(&format!("{HEAD}name = \"q\"")).unwrap_err();
    assert!(twice.flaws[0].line == 4 && twice.to_string().contains("E0841"), "{twice}");
    let long = Manifest::parse(&format!("{HEAD}# {}", "x".repeat(70_000))).unwrap_err();
    assert!(long.to_string().contains("E0856"), "{long}");
}

#[test]
fn columns_count_characters() {
    check("authors = [\"\u{e4}\u{f6}\", 1]", (1, 18), &["E0845", "`authors`"]);
}
