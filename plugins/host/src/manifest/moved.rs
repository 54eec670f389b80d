//! Keys that manifests once had, here or in systems that people come from, and what to write instead.

const HINTS: [(&str, &str); 25] = [
    ("package_type", "a package may declare anything; take it out"),
    ("triggers", "triggers are declared in the library's code; take the tables out"),
    ("workflows", "workflows are declared in the library's code; take the tables out"),
    ("graphs", "graphs are declared with `#[computation_graph]` in the library's code; take the tables out"),
    ("reactors", "reactors are declared with `#[reactor]`; those of others are `[[requires.reactors]]`"),
    (
        "metadata",
        "its keys stand in `[package]`, `[requires]` and `[accumulators.NAME]`, or in the library's code",
    ),
    ("interface", "the library names its interface itself; take it out"),
    ("interface_version", "the library names its interface itself; take it out"),
    ("extension", "every archive ends in `.acequia`; take it out"),
    ("workflow_name", "workflows are named in the library's code; take it out"),
    ("graph_name", "graphs are named in the library's code, any number of them; take it out"),
    ("entry_module", "the library declares its parts itself with `package!`; take it out"),
    ("requires_python", "packages are native libraries; write `language = \"rust\"` or nothing"),
    ("author", "write `authors = [\"…\"]` in `[package]`"),
    ("licence", "write `license`"),
    ("reaction_mode", "write `criteria = when_any(…)` or `when_all(…)` in `#[reactor]`"),
    ("input_strategy", "write `strategy = latest` or `sequential` in `#[reactor]`"),
    ("criteria", "it belongs to `#[reactor]` in the library's code; take it out"),
    ("strategy", "it belongs to `#[reactor]` in the library's code; take it out"),
    ("accumulator_type", "write `kind` in `[accumulators.NAME]`"),
    ("config", "write its keys into `[accumulators.NAME]` themselves"),
    ("providers", "sources are part of the library's code; take them out"),
    ("constructors", "parts are declared in the library's code; take them out"),
    ("dependencies", "crates stand in Cargo.toml; reactors of other packages are `[[requires.reactors]]`"),
    ("engine_version", "write `engine = \"…\"` in `[requires]`"),
];

/// What to write instead of a key that is none any more.
pub(super) fn hint(key: &str) -> Option<&'static str> {
    HINTS.iter().find(|(known, _)| *known == key).map(|(_, hint)| *hint)
}
