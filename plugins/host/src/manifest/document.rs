//! The whole file.

use super::error::FlawKind;
use super::section::{Flaws, Section};
use super::{Manifest, ManifestError, accumulator, canonical, limits, package, requires};
use toml::de::{DeTable, DeValue};

/// Sections.
const KEYS: [&str; 4] = ["package", "requires", "accumulators", "limits"];
/// The longest file.
const LONGEST: usize = 64 << 10;

/// Read the text of a manifest.
pub(super) fn parse(text: &str) -> Result<Manifest, ManifestError> {
    let mut flaws = Flaws::new(text);
    if text.len() > LONGEST {
        flaws.push(&(0..0), FlawKind::TooLong { size: text.len(), limit: LONGEST });
        return Err(ManifestError { flaws: flaws.placed() });
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let message = error.message().to_owned();
        flaws.push(&error.span().unwrap_or_default(), FlawKind::Syntax { message });
    }
    // What a damaged file seems to say is not worth a message.
    if !flaws.is_empty() {
        return Err(ManifestError { flaws: flaws.placed() });
    }
    let root = Section::new(document.get_ref(), "the file", document.span());
    match (read(&root, &mut flaws), flaws.is_empty()) {
        (Some(manifest), true) => Ok(manifest(canonical::digest(document.get_ref()))),
        _ => Err(ManifestError { flaws: flaws.placed() }),
    }
}

fn read(root: &Section<'_>, flaws: &mut Flaws<'_>) -> Option<impl FnOnce(crate::Digest) -> Manifest + use<>> {
    root.allow(&KEYS, flaws);
    nested(root, flaws);
    let package = match root.section("package", flaws) {
        Some(section) => package::read(&section, flaws),
        None => {
            if root.get("package").is_none() {
                root.missing("package", flaws);
            }
            None
        }
    };
    let requires = root.section("requires", flaws).map(|section| requires::read(&section, flaws));
    let accumulators =
        root.section("accumulators", flaws).map(|section| accumulator::read_all(&section, flaws));
    let limits = root.section("limits", flaws).map(|section| limits::read(&section, flaws));
    let package = package?;
    Some(move |digest| Manifest {
        package,
        requires: requires.unwrap_or_default(),
        accumulators: accumulators.unwrap_or_default(),
        limits: limits.unwrap_or_default(),
        digest,
    })
}

/// The keys of a `[metadata]` section have hints of their own.
fn nested(root: &Section<'_>, flaws: &mut Flaws<'_>) {
    let metadata = root.get("metadata").filter(|value| matches!(value.value, DeValue::Table(_)));
    if let Some(section) = metadata.and_then(|value| value.section("[metadata]".to_owned(), flaws)) {
        let known_here = ["language", "description", "accumulators"];
        section.allow(&known_here, flaws);
    }
}
