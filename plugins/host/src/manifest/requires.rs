//! `[requires]`: the engine and the reactors that a package needs.

use super::error::FlawKind;
use super::name::Allowed;
use super::section::{Flaws, Section, Value};
use acequia_core::id::{PackageName, ReactorName};
use semver::VersionReq;

/// Keys of the section.
const KEYS: [&str; 2] = ["engine", "reactors"];
/// Keys of one reactor.
const REACTOR_KEYS: [&str; 3] = ["reactor", "package", "version"];

/// The section `[requires]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requires {
    /// Engines that it works with; any, if it says nothing.
    pub engine: Option<VersionReq>,
    /// Reactors of other packages, in the order of the file.
    pub reactors: Vec<RequiredReactor>,
}

/// A reactor of another package that this one binds to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredReactor {
    /// Its name.
    pub reactor: ReactorName,
    /// Who must own it; anybody may, if nothing is said.
    pub package: Option<PackageName>,
    /// Versions of its owner that will do; any, if nothing is said.
    pub version: Option<VersionReq>,
}

/// Read the section.
pub(super) fn read(section: &Section<'_>, flaws: &mut Flaws<'_>) -> Requires {
    section.allow(&KEYS, flaws);
    Requires { engine: range(section, "engine", flaws), reactors: reactors(section, flaws) }
}

fn reactors(section: &Section<'_>, flaws: &mut Flaws<'_>) -> Vec<RequiredReactor> {
    let Some(value) = section.get("reactors") else { return Vec::new() };
    let elements = value.elements("a list of tables `[[requires.reactors]]`", flaws).unwrap_or_default();
    let mut reactors: Vec<RequiredReactor> = Vec::new();
    for element in elements {
        let Some(required) = reactor(&element, flaws) else { continue };
        if reactors.iter().any(|known| known.reactor == required.reactor) {
            let what = format!("required reactor `{}`", required.reactor);
            flaws.push(&element.span, FlawKind::Twice { what });
            continue;
        }
        reactors.push(required);
    }
    reactors
}

fn reactor(value: &Value<'_>, flaws: &mut Flaws<'_>) -> Option<RequiredReactor> {
    let section = value.section("[[requires.reactors]]".to_owned(), flaws)?;
    section.allow(&REACTOR_KEYS, flaws);
    let name = section.name("reactor", Allowed::Item, flaws);
    if section.get("reactor").is_none() {
        section.missing("reactor", flaws);
    }
    let package = section.name("package", Allowed::Package, flaws);
    let version = range(&section, "version", flaws);
    Some(RequiredReactor { reactor: name?.into(), package: package.map(Into::into), version })
}

fn range(section: &Section<'_>, key: &str, flaws: &mut Flaws<'_>) -> Option<VersionReq> {
    let value = section.get(key)?;
    let text = value.text(flaws)?;
    VersionReq::parse(text)
        .map_err(|error| {
            let kind = FlawKind::VersionRange {
                key: key.to_owned(),
                found: text.to_owned(),
                reason: error.to_string(),
            };
            flaws.push(&value.span, kind);
        })
        .ok()
}
