//! `[package]`: who it is.

use super::error::FlawKind;
use super::name::Allowed;
use super::section::{Flaws, Section};
use acequia_core::id::PackageName;
use semver::Version;

/// Keys of the section.
const KEYS: [&str; 7] = ["name", "version", "description", "authors", "license", "language", "runtime"];
/// Supported languages. Declarations do not depend on one, so the list can grow.
const LANGUAGES: [(&str, Language); 1] = [("rust", Language::Rust)];
const RUNTIMES: [(&str, Runtime); 2] = [("engine", Runtime::Engine), ("own", Runtime::Own)];

/// The section `[package]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name, unique in its tenant.
    pub name: PackageName,
    /// The version that its author gave it.
    pub version: Version,
    /// What it is for.
    pub description: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Under which terms.
    pub license: Option<String>,
    /// In which language its library was written.
    pub language: Language,
    /// Where its async code runs.
    pub runtime: Runtime,
}

/// The language of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Language {
    /// Rust.
    #[default]
    Rust,
}

/// Where the async code of a package runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Runtime {
    /// On the engine's work runtime.
    #[default]
    Engine,
    /// On a thread that the sdk starts for it.
    Own,
}

impl Language {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
        }
    }
}

impl Runtime {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Own => "own",
        }
    }
}

impl From<Runtime> for crate::library::Runtime {
    fn from(runtime: Runtime) -> Self {
        match runtime {
            Runtime::Engine => Self::Engine,
            Runtime::Own => Self::Own,
        }
    }
}

/// Read the section. Nothing comes out if a key that must be there is absent or wrong.
pub(super) fn read(section: &Section<'_>, flaws: &mut Flaws<'_>) -> Option<Package> {
    section.allow(&KEYS, flaws);
    for key in ["name", "version"] {
        if section.get(key).is_none() {
            section.missing(key, flaws);
        }
    }
    let name = section.name("name", Allowed::Package, flaws);
    let version = version(section, flaws);
    let text = |key: &str, flaws: &mut Flaws<'_>| section.text(key, flaws).map(str::to_owned);
    let description = text("description", flaws);
    let license = text("license", flaws);
    let authors = authors(section, flaws);
    let language = language(section, flaws);
    let runtime = section.choice("runtime", &RUNTIMES, flaws).unwrap_or_default();
    Some(Package { name: name?.into(), version: version?, description, authors, license, language, runtime })
}

fn version(section: &Section<'_>, flaws: &mut Flaws<'_>) -> Option<Version> {
    let value = section.get("version")?;
    let text = value.text(flaws)?;
    // It becomes part of a file's name.
    let parsed = if text.len() > 64 {
        Err("it is too long".to_owned())
    } else {
        Version::parse(text).map_err(|e| e.to_string())
    };
    parsed
        .map_err(|reason| {
            let kind = FlawKind::Version { key: value.key.clone(), found: text.to_owned(), reason };
            flaws.push(&value.span, kind);
        })
        .ok()
}

fn authors(section: &Section<'_>, flaws: &mut Flaws<'_>) -> Vec<String> {
    let Some(value) = section.get("authors") else { return Vec::new() };
    let elements = value.elements("a list of texts in quotes", flaws).unwrap_or_default();
    elements.iter().filter_map(|element| element.text(flaws)).map(str::to_owned).collect()
}

fn language(section: &Section<'_>, flaws: &mut Flaws<'_>) -> Language {
    let Some(value) = section.get("language") else { return Language::default() };
    let Some(written) = value.text(flaws) else { return Language::default() };
    let known = LANGUAGES.iter().find(|(word, _)| *word == written).map(|(_, language)| *language);
    known.unwrap_or_else(|| {
        let supported = LANGUAGES.map(|(word, _)| word).join(", ");
        flaws.push(&value.span, FlawKind::Language { found: written.to_owned(), supported });
        Language::default()
    })
}
