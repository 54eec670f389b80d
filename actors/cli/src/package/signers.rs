//! Whom packages are taken from, as the command line says it.

use crate::args::Signers;
use crate::error::CommandError;
use acequia_host::{PublicKey, Trust, Verified};
use std::fs;

/// What an engine would be told.
pub(super) fn trust(signers: &Signers) -> Result<Trust, CommandError> {
    let mut trust = if signers.signed { Trust::required() } else { Trust::optional() };
    for given in &signers.trust {
        trust = trust.key(key(given)?);
    }
    for given in &signers.revoked {
        trust = trust.revoked(key(given)?);
    }
    Ok(trust)
}

/// A public key, or what the file of that name holds.
fn key(given: &str) -> Result<PublicKey, CommandError> {
    if let Ok(key) = given.parse() {
        return Ok(key);
    }
    let text = fs::read_to_string(given).map_err(|source| CommandError::Io { path: given.into(), source })?;
    text.trim_end().parse().map_err(|source| CommandError::Key { given: given.to_owned(), source })
}

/// Who answers for a package, in words.
pub(super) fn said(package: &Verified) -> String {
    match package.signature() {
        Some(signature) => format!("by {} for ABI {}", signature.key, signature.abi),
        None => "none".to_owned(),
    }
}
