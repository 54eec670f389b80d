//! `package new`: a package that builds, tests and loads as it is written.

use super::{Answer, table};
use crate::args::New;
use crate::error::CommandError;
use crate::exit::Exit;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST: usize = 56;
/// Names under which cargo builds nothing.
const RESERVED: [&str; 9] = ["test", "core", "std", "alloc", "proc_macro", "crate", "self", "super", "build"];

const CARGO: &str = include_str!("scaffold/Cargo.toml.txt");
const MANIFEST: &str = include_str!("scaffold/package.toml.txt");
const PUBLISHER: &str = include_str!("scaffold/publisher.rs.txt");
const SUBSCRIBER: &str = include_str!("scaffold/subscriber.rs.txt");
const REQUIRES: &str = include_str!("scaffold/requires.toml.txt");
const IGNORED: &str = "/target\n/lib\n*.acequia\n";

pub(crate) fn run(new: &New) -> Result<Answer, CommandError> {
    let names = [Some(&new.name), new.subscriber_of.as_ref()];
    for name in names.into_iter().flatten() {
        check(name, true)?;
    }
    for name in [&new.reactor, &new.reads].into_iter().flatten() {
        check(name, false)?;
    }
    let folder = new.path.clone().unwrap_or_else(|| PathBuf::from(&new.name));
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(CommandError::Exists { path: folder });
    }
    let files = files(new)?;
    for (name, text) in &files {
        write(&folder.join(name), text)?;
    }
    let shown = folder.display();
    let rows = files.iter().map(|(name, text)| vec![(*name).to_owned(), format!("{} bytes", text.len())]);
    let next = format!(
        "next: cd {shown} && cargo test && acequia package build && acequia package pack\n\
         code of yours goes into src/lib.rs, words about it into package.toml"
    );
    Ok(Answer {
        text: format!("{}\n{next}", table(&["file", "size"], rows)),
        json: json!({
            "ok": true,
            "package": new.name,
            "folder": folder,
            "files": files.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        }),
        exit: Exit::Done,
    })
}

/// The files of the package.
fn files(new: &New) -> Result<Vec<(&'static str, String)>, CommandError> {
    let library = if new.subscriber_of.is_some() { SUBSCRIBER } else { PUBLISHER };
    let requires = if new.subscriber_of.is_some() { REQUIRES } else { "" };
    let files = [
        ("package.toml", format!("{MANIFEST}{requires}")),
        ("Cargo.toml", CARGO.replace("@sdk@", &sdk(new.sdk.as_deref())?)),
        ("src/lib.rs", library.to_owned()),
        (".gitignore", IGNORED.to_owned()),
    ];
    let snake = new.name.replace('-', "_").to_lowercase();
    let filled = |text: String| {
        let text = text
            .replace("@name@", &new.name)
            .replace("@snake@", &snake)
            .replace("@camel@", &camel(&new.name))
            .replace("@publisher@", new.subscriber_of.as_deref().unwrap_or_default())
            .replace("@reactor@", new.reactor.as_deref().unwrap_or_default());
        text.replace("@reads@", new.reads.as_deref().unwrap_or_default())
            .replace("@engine@", &acequia_host::verify::engine().to_string())
    };
    Ok(files.into_iter().map(|(name, text)| (name, filled(text))).collect())
}

/// Where the sdk comes from.
fn sdk(folder: Option<&Path>) -> Result<String, CommandError> {
    let Some(folder) = folder else { return Ok(format!("\"{}\"", env!("CARGO_PKG_VERSION"))) };
    // The package may lie anywhere, so the path to the sdk must not depend on where.
    let folder =
        folder.canonicalize().map_err(|source| CommandError::Io { path: folder.to_owned(), source })?;
    // A TOML text, whatever is in the path.
    let path = serde_json::Value::from(folder.to_string_lossy()).to_string();
    Ok(format!("{{ path = {path} }}"))
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    let failed = |source| CommandError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

fn check(name: &str, may_have_dash: bool) -> Result<(), CommandError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == '-' && may_have_dash);
    let is_name = (1..=LONGEST).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(fits)
        && !RESERVED.contains(&name.to_lowercase().replace('-', "_").as_str());
    if is_name {
        return Ok(());
    }
    Err(CommandError::Name { name: name.to_owned(), reserved: RESERVED.join(", ") })
}

/// `pricing-publisher` as `PricingPublisher`.
fn camel(name: &str) -> String {
    let pieces = name.split(['-', '_']).filter(|piece| !piece.is_empty());
    pieces.map(|piece| piece[..1].to_uppercase() + &piece[1..]).collect()
}
