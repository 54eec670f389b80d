//! Each of the crates that the design gives a part is used by name in a layer, not merely declared.

use super::metadata::{Member, members};
use super::tokens::{Kind, Token};
use super::tree::{Source, read, sources};
use super::{Finding, demand_none};

const GIVEN: [&str; 11] = [
    "ractor",
    "tokio",
    "serde",
    "serde_json",
    "libloading",
    "dashmap",
    "crossbeam-channel",
    "sled",
    "tracing",
    "uuid",
    "thiserror",
];
const LAYERS: [&str; 3] = ["engine/", "plugins/", "actors/"];

/// The keys under `[workspace.dependencies]`, with their lines.
fn declared(manifest: &str) -> Vec<(String, usize)> {
    let after = manifest
        .lines()
        .enumerate()
        .skip_while(|(_, line)| line.trim() != "[workspace.dependencies]")
        .skip(1);
    let within = after.take_while(|(_, line)| !line.starts_with('['));
    within.filter_map(|(at, line)| Some((line.split_once('=')?.0.trim().to_owned(), at + 1))).collect()
}

fn unused(manifest: &str, members: &[Member], sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, line) in declared(manifest).into_iter().filter(|(name, _)| GIVEN.contains(&name.as_str())) {
        let in_layers =
            members.iter().filter(|member| LAYERS.iter().any(|layer| member.path.starts_with(layer)));
        let users: Vec<&Member> = in_layers.filter(|member| member.needs.contains(&name)).collect();
        if users.is_empty() {
            let what = format!(
                "{name} is declared, but no crate of a layer depends on it; give it its part or take it out"
            );
            findings.push(Finding::new("Cargo.toml", line, what));
        }
        for member in users {
            let folder = format!("{}/", member.path);
            let own = sources.iter().filter(|source| source.path.starts_with(&folder));
            if !own.into_iter().any(|source| uses(&source.tokens, &name)) {
                let what = format!("depends on {name} without using it; use it or take it out");
                findings.push(Finding::new(&format!("{folder}Cargo.toml"), 1, what));
            }
        }
    }
    findings
}

/// Whether a path begins with the crate, or a `use` names it.
fn uses(tokens: &[Token], name: &str) -> bool {
    let name = name.replace('-', "_");
    tokens.iter().enumerate().filter(|(_, token)| token.is_word(&name)).any(|(at, _)| {
        let leads = (1..=2).all(|n| tokens.get(at + n).is_some_and(|next| next.is(Kind::Punct, ":")));
        leads || at.checked_sub(1).is_some_and(|before| tokens[before].is_word("use"))
    })
}

#[test]
fn each_given_crate_is_used_directly() {
    demand_none(unused(&read("Cargo.toml"), &members(), sources()));
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[workspace]\n[workspace.dependencies]\n# Names.\ndashmap = \"6\"\nzstd = \"1\"\n[profile.dev]\nuuid = 1";

    fn n_caught(path: &str, needs: &[&str], code: &str) -> usize {
        let needs = needs.iter().map(|need| (*need).to_owned()).collect();
        let member = Member { name: "m".to_owned(), path: path.to_owned(), needs, roots: Vec::new() };
        unused(MANIFEST, &[member], &[Source::new(&format!("{path}/src/lib.rs"), code)]).len()
    }

    #[test]
    fn only_workspace_dependencies_are_declared() {
        assert_eq!(declared(MANIFEST), [("dashmap".to_owned(), 4), ("zstd".to_owned(), 5)]);
    }

    #[test]
    fn a_given_crate_without_a_part_is_caught() {
        assert_eq!(n_caught("engine/core", &["dashmap"], "use dashmap::DashMap;"), 0);
        assert_eq!(n_caught("engine/core", &["dashmap"], "fn f() -> dashmap::DashMap<u8, u8> {}"), 0);
        assert_eq!(
            n_caught("engine/core", &["dashmap"], "// use dashmap::DashMap;\nlet dashmap: u8 = 1;"),
            1
        );
        assert_eq!(n_caught("engine/core", &[], ""), 1);
        assert_eq!(n_caught("benches", &["dashmap"], "use dashmap::DashMap;"), 1);
    }
}
