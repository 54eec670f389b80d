//! `ractor` is resolved exactly as pinned: our supervision promises rest on that version, and its span
//! propagation slows every message. One careless dependency would switch the feature on for all.

use super::metadata::workspace;
use super::{Finding, demand_none};

const VERSION: &str = "0.16.5";
const ON: [&str; 2] = ["tokio_runtime", "monitors"];
const OFF: [&str; 2] = ["default", "message_span_propogation"];

/// Judges every `ractor` in the tree, given as its version and its features.
fn breaches(resolved: &[(String, Vec<String>)]) -> Vec<Finding> {
    let mut whats = Vec::new();
    if resolved.is_empty() {
        whats.push("ractor is not in the tree; acequia must depend on it".to_owned());
    }
    for (version, features) in resolved {
        if version != VERSION {
            whats.push(format!("ractor {version} is resolved; pin it to ={VERSION}"));
        }
        let has = |feature: &&str| features.iter().any(|on| on == feature);
        let lacking = ON.iter().filter(|feature| !has(feature));
        whats.extend(lacking.map(|feature| format!("ractor {version} lacks `{feature}`; switch it on")));
        let extra = OFF.iter().filter(|feature| has(feature));
        whats.extend(extra.map(|feature| {
            format!(
                "ractor {version} has `{feature}`; find who: `cargo tree --workspace -e features -i ractor`"
            )
        }));
    }
    whats.into_iter().map(|what| Finding::new("Cargo.toml", 1, what)).collect()
}

#[test]
fn ractor_is_resolved_as_pinned() {
    let workspace = workspace();
    let nodes = &workspace.resolve.as_ref().expect("cargo metadata resolves dependencies").nodes;
    let resolved = nodes.iter().filter_map(|node| {
        let package = workspace.packages.iter().find(|package| package.id == node.id)?;
        let features = node.features.iter().map(ToString::to_string).collect();
        (package.name.as_str() == "ractor").then(|| (package.version.to_string(), features))
    });
    demand_none(breaches(&resolved.collect::<Vec<_>>()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n_caught(resolved: &[(&str, &[&str])]) -> usize {
        let owned = |(version, features): &(&str, &[&str])| {
            ((*version).to_owned(), features.iter().map(|feature| (*feature).to_owned()).collect())
        };
        breaches(&resolved.iter().map(owned).collect::<Vec<_>>()).len()
    }

    #[test]
    fn a_changed_ractor_is_caught() {
        let pinned: (&str, &[&str]) = (VERSION, &["monitors", "tokio_runtime", "async-trait"]);
        assert_eq!(n_caught(&[pinned]), 0);
        assert_eq!(n_caught(&[]), 1);
        assert_eq!(n_caught(&[("0.16.6", pinned.1)]), 1);
        assert_eq!(n_caught(&[pinned, ("0.15.0", pinned.1)]), 1);
        assert_eq!(n_caught(&[(VERSION, &["tokio_runtime"])]), 1);
        assert_eq!(
            n_caught(&[(VERSION, &["monitors", "tokio_runtime", "message_span_propogation", "default"])]),
            2
        );
    }
}
