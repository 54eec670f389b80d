//! `package sign`: writes `package.sig` into a folder, or into an archive.

use super::{Answer, place, table};
use crate::args::Sign;
use crate::error::CommandError;
use crate::exit::Exit;
use acequia_host::archive::{Limits, SIGNATURE};
use acequia_host::{Contents, SecretKey, Signature, Verified};
use serde_json::json;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

pub(crate) fn run(sign: &Sign) -> Result<Answer, CommandError> {
    let key = secret(&sign.key)?;
    // What was signed before and changed since is signed anew.
    let unsigned = Contents::open(&sign.package, Limits::default())?.signed(None);
    let package = Verified::new(unsigned)?;
    let signature = Signature::make(package.contents(), package.manifest(), &key)?;
    let n_files = package.contents().n_entries();
    let path = if sign.package.is_dir() {
        let path = sign.package.join(SIGNATURE);
        place(&path, signature.to_string().as_bytes())?;
        path
    } else {
        let signed = package.contents().clone().signed(Some(&signature));
        place(&sign.package, &signed.pack(Limits::default(), &mut |_| {})?)?;
        sign.package.clone()
    };
    let by = signature.key.to_string();
    let rows = [
        ("package", format!("{} {}", package.name(), package.manifest().package.version)),
        ("files", n_files.to_string()),
        ("ABI", signature.abi.to_string()),
        ("by", by.clone()),
        ("in", path.display().to_string()),
    ];
    let rows = rows.map(|(what, value)| vec![what.to_owned(), value]);
    let next = format!("next: acequia package check --signed --trust {by} {}", sign.package.display());
    Ok(Answer {
        text: format!("{}\n{next}", table(&["signed", ""], rows)),
        json: json!({
            "ok": true,
            "package": package.name().as_str(),
            "files": n_files,
            "abi": signature.abi,
            "signed_by": by,
            "in": path,
        }),
        exit: Exit::Done,
    })
}

/// The secret key in a file that nobody else can read.
fn secret(path: &Path) -> Result<SecretKey, CommandError> {
    let failed = |source| CommandError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    is_private(path, &file.metadata().map_err(failed)?)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    let given = path.display().to_string();
    text.trim_end().parse().map_err(|source| CommandError::Key { given, source })
}

#[cfg(unix)]
fn is_private(path: &Path, about: &fs::Metadata) -> Result<(), CommandError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(CommandError::KeyIsOpen { path: path.to_owned(), mode })
}

#[cfg(not(unix))]
fn is_private(_: &Path, _: &fs::Metadata) -> Result<(), CommandError> {
    Ok(())
}
