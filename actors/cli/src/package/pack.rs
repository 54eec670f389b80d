//! `package pack`: writes the archive.

use super::declared::{self, Loader};
use super::{Answer, place, signers, table};
use crate::args::Pack;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::progress::Progress;
use acequia_host::Verified;
use acequia_host::archive::{Folder, Limits};
use serde_json::json;

pub(crate) fn run(pack: &Pack, loader: Option<&dyn Loader>) -> Result<Answer, CommandError> {
    let Folder { contents, left_out } = Folder::read(&pack.folder, Limits::default())?;
    let package = Verified::new(contents)?;
    let declared = declared::of(&package, loader)?;
    if let Some(declared) = &declared {
        package.fits(&declared.accumulators())?;
    }
    let contents = package.contents();
    let progress = Progress::bytes("packing", contents.size());
    let archive = contents.pack(Limits::default(), &mut |n_done| progress.show(n_done))?;
    drop(progress);
    let path = pack.out.as_ref().unwrap_or(&pack.folder).join(package.manifest().archive_name());
    place(&path, &archive)?;

    let version = declared.map(|declared| package.version(&declared.canonical));
    let said = version.map_or_else(
        || "decided at load, from library and declarations".to_owned(),
        |version| version.to_string(),
    );
    let targets: Vec<&str> = contents.libraries().map(|library| library.target).collect();
    let rows = [
        ("archive", path.display().to_string()),
        ("bytes", format!("{} packed, {} expanded", archive.len(), contents.size())),
        ("entries", contents.n_entries().to_string()),
        (
            "libraries",
            if targets.is_empty() { "none: build one first".to_owned() } else { targets.join(", ") },
        ),
        ("version", said),
        ("manifest", package.manifest().digest().to_string()),
        ("signature", signers::said(&package)),
        ("left out", if left_out.is_empty() { "nothing".to_owned() } else { left_out.join(", ") }),
    ];
    let rows = rows.map(|(what, value)| vec![what.to_owned(), value]);
    Ok(Answer {
        text: format!("{}\nnext: acequia package check {}", table(&["", "value"], rows), path.display()),
        json: json!({
            "ok": true,
            "archive": path,
            "bytes": archive.len(),
            "expanded": contents.size(),
            "entries": contents.n_entries(),
            "libraries": targets,
            "version": version.map(|version| version.to_string()),
            "manifest": package.manifest().digest().to_string(),
            "signed_by": package.signature().map(|signature| signature.key.to_string()),
            "left_out": left_out,
        }),
        exit: Exit::Done,
    })
}
