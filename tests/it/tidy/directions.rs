//! Crates depend one way: `engine` <- `plugins` <- `actors`, and only as the table says.
//!
//! The table is that of `docs/ARCHITECTURE.md`. What only tests link does not count.

use super::metadata::{Member, members};
use super::{Finding, demand_none};

/// Folder, crate, and the crates of this workspace that it may depend on, in the order of the layers.
const TABLE: [(&str, &str, &[&str]); 15] = [
    ("engine/core", "acequia-core", &[]),
    ("engine/store", "acequia-store", &["acequia-core"]),
    ("plugins/abi", "acequia-abi", &[]),
    ("plugins/macros", "acequia-macros", &[]),
    ("plugins/sdk", "acequia-sdk", &["acequia-core", "acequia-abi", "acequia-macros"]),
    ("plugins/host", "acequia-host", &["acequia-abi", "acequia-core"]),
    ("actors/system", "acequia", &["acequia-core", "acequia-store", "acequia-host", "acequia-sdk"]),
    ("actors/gateway", "acequia-gateway", &["acequia"]),
    ("actors/cli", "acequia-cli", &["acequia-core", "acequia-host", "acequia", "acequia-gateway"]),
    ("tests", "acequia-tests", &["acequia", "acequia-sdk"]),
    // The tutorial builds its packages as their authors would.
    ("examples", "acequia-examples", &["acequia", "acequia-sdk", "acequia-cli"]),
    ("examples/packages/pricing-percent", "pricing-percent", &["acequia-sdk"]),
    ("examples/packages/pricing-publisher", "pricing-publisher", &["acequia-sdk"]),
    ("examples/packages/pricing-subscriber", "pricing-subscriber", &["acequia-sdk"]),
    // The main job is one of the workloads, and the journal has one of its own.
    (
        "benches",
        "acequia-benches",
        &["acequia", "acequia-core", "acequia-sdk", "acequia-store", "acequia-examples"],
    ),
];

fn breaches(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let manifest = format!("{}/Cargo.toml", member.path);
        let Some((folder, name, allowed)) = TABLE.iter().find(|(_, name, _)| *name == member.name) else {
            let what =
                format!("crate {} is not in the table of layers; enter it, or fold it into one", member.name);
            findings.push(Finding::new(&manifest, 1, what));
            continue;
        };
        if member.path != *folder {
            findings.push(Finding::new(&manifest, 1, format!("crate {name} belongs in {folder}")));
        }
        let ours = |need: &&String| TABLE.iter().any(|(_, name, _)| name == need);
        for need in member.needs.iter().filter(ours).filter(|need| !allowed.contains(&need.as_str())) {
            let what = format!("{name} must not depend on {need}; it may on: {}", join(allowed));
            findings.push(Finding::new(&manifest, 1, what));
        }
    }
    findings
}

fn join(names: &[&str]) -> String {
    if names.is_empty() { "none of ours".to_owned() } else { names.join(", ") }
}

#[test]
fn crates_depend_one_way() {
    demand_none(breaches(&members()));
}

#[test]
fn the_table_itself_points_one_way() {
    let layers = ["engine", "plugins", "actors", "tests", "examples", "benches"];
    let layer = |folder: &str| layers.iter().position(|layer| folder.starts_with(layer));
    for (folder, name, allowed) in TABLE {
        for need in allowed {
            let (needed, ..) = TABLE.iter().find(|(_, name, _)| name == need).unwrap();
            assert!(layer(needed) <= layer(folder), "{name} in {folder} points up at {need}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(path: &str, name: &str, needs: &[&str]) -> Vec<String> {
        let needs = needs.iter().map(|need| (*need).to_owned()).collect();
        let member = Member { name: name.to_owned(), path: path.to_owned(), needs, roots: Vec::new() };
        breaches(&[member]).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_dependency_against_the_layers_is_caught() {
        assert_eq!(caught("engine/core", "acequia-core", &["serde"]), [""; 0]);
        let upwards = caught("engine/core", "acequia-core", &["acequia-sdk"]);
        assert_eq!(upwards, ["acequia-core must not depend on acequia-sdk; it may on: none of ours"]);
        assert_eq!(caught("plugins/sdk", "acequia-sdk", &["acequia-core", "acequia"]).len(), 1);
    }

    #[test]
    fn an_unknown_or_misplaced_crate_is_caught() {
        assert_eq!(caught("engine/extra", "acequia-extra", &[]).len(), 1);
        assert_eq!(caught("engine/sdk", "acequia-sdk", &[]), ["crate acequia-sdk belongs in plugins/sdk"]);
    }
}
