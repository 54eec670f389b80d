//! What the files of a set of packages tell.

use super::{Line, Verdict, line};
use crate::package::declared::Declared;
use crate::package::signers;
use acequia_host::manifest::RequiredReactor;
use acequia_host::{TARGET, Verified};

/// Judge one package of `set`; `before` are those that were judged already.
pub(super) fn judge(
    package: &Verified,
    before: &[(Verified, Option<Declared>)],
    set: &[(Verified, Option<Declared>)],
) -> Vec<Line> {
    let manifest = package.manifest();
    let mut lines =
        vec![line(package, "manifest", Verdict::Fits, format!("version {}", manifest.package.version))];
    lines.push(line(package, "signature", Verdict::Fits, signers::said(package)));
    lines.push(match package.library(TARGET) {
        Ok(library) => line(
            package,
            "library",
            Verdict::Fits,
            format!("{}, {} bytes", library.path, library.bytes.len()),
        ),
        Err(error) => line(package, "library", Verdict::Refused, error.to_string()),
    });
    if before.iter().any(|(other, _)| other.name() == package.name()) {
        let text = "another package of the set has that name; load one of them";
        lines.push(line(package, "name", Verdict::Refused, text));
    }
    lines.extend(manifest.requires.reactors.iter().map(|required| requirement(package, required, set)));
    lines
}

fn requirement(package: &Verified, required: &RequiredReactor, set: &[(Verified, Option<Declared>)]) -> Line {
    let subject = format!("requires {}", required.reactor);
    let refused = |text: String| line(package, subject.clone(), Verdict::Refused, text);
    let Some(owner) = &required.package else { return by_name(package, required, set) };
    let Some((found, declared)) = set.iter().find(|(other, _)| other.name() == owner) else {
        let text = format!("package {owner} is not in the set; it must be loaded before");
        return line(package, subject, Verdict::Open, text);
    };
    let version = &found.manifest().package.version;
    if let Some(text) = out_of_range(required, found) {
        return refused(text);
    }
    match declared {
        Some(declared) if !declared.reactors.iter().any(|reactor| reactor.name == required.reactor) => {
            let offers: Vec<&str> = declared.reactors.iter().map(|reactor| reactor.name.as_str()).collect();
            refused(format!("package {owner} has no such reactor; it has {offers:?}"))
        }
        Some(_) => line(package, subject, Verdict::Fits, format!("of package {owner} {version}")),
        None => line(
            package,
            subject,
            Verdict::Open,
            format!("package {owner} {version} is in the set; its reactors were not looked into"),
        ),
    }
}

/// What is said of an owner whose release will not do.
fn out_of_range(required: &RequiredReactor, owner: &Verified) -> Option<String> {
    let version = &owner.manifest().package.version;
    let range = required.version.as_ref().filter(|range| !range.matches(version))?;
    Some(format!("package {} must be {range}, and is {version}; take a fitting one", owner.name()))
}

/// A reactor that anybody may own.
fn by_name(package: &Verified, required: &RequiredReactor, set: &[(Verified, Option<Declared>)]) -> Line {
    let owns = |declared: &Declared| declared.reactors.iter().any(|reactor| reactor.name == required.reactor);
    let owner = set.iter().find(|(_, declared)| declared.as_ref().is_some_and(owns));
    let subject = format!("requires {}", required.reactor);
    match owner {
        Some((owner, _)) => match out_of_range(required, owner) {
            Some(text) => line(package, subject, Verdict::Refused, text),
            None => line(package, subject, Verdict::Fits, format!("of package {}", owner.name())),
        },
        None => line(
            package,
            subject,
            Verdict::Open,
            "no package of the set is known to have it; it must be loaded before",
        ),
    }
}
