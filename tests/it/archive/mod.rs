//! Packages as files: what is read, what is refused, and that both hold for every damage.

mod evil;
mod folder;
mod limits;
mod mutated;
mod packed;
mod raw;

use acequia_host::archive::{ArchiveError, Contents, Limits};

/// The smallest manifest.
pub(crate) const MANIFEST: &str = "[package]\nname = \"pricing\"\nversion = \"1.2.0\"\n";
/// A library's place and, as nothing here maps it, any bytes.
const LIBRARY: &str = "lib/x86_64-unknown-linux-gnu/libpricing.so";

/// Read an expanded archive.
fn read(expanded: &[u8]) -> Result<Contents, ArchiveError> {
    Contents::read(&packed(expanded), Limits::default())
}

/// Compress as others would.
fn packed(expanded: &[u8]) -> Vec<u8> {
    zstd::encode_all(expanded, 3).unwrap()
}

/// The refusal's whole text, with its causes.
#[track_caller]
fn refused(result: Result<Contents, ArchiveError>) -> String {
    crate::archive::text(&result.expect_err("this is no package"))
}

fn text(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
