//! What may stand where in a package.

use super::{ArchiveError, EntryPath};
use crate::suggest::listed;

/// The manifest's name.
pub const MANIFEST: &str = "package.toml";
/// The signature's name.
pub const SIGNATURE: &str = "package.sig";
/// The folder of libraries, one folder in it for each target.
pub(super) const LIBRARIES: &str = "lib";
/// The folder of sources.
const SOURCES: &str = "src";
/// Further files at the top: what is needed to build the sources, and what people read.
const FILES: [&str; 7] =
    ["Cargo.toml", "Cargo.lock", "build.rs", "README.md", "CHANGELOG.md", "LICENSE", "LICENSE-*"];

/// Whether a name at the top of an author's folder belongs to the package. What else lies there
/// (`target`, `.git`, `tests`) is the author's own and stays where it is.
pub fn is_part(name: &str) -> bool {
    [MANIFEST, SIGNATURE, LIBRARIES].contains(&name) || name == SOURCES || is_file(name)
}

fn is_file(name: &str) -> bool {
    FILES.contains(&name) || (name.starts_with("LICENSE-") && !name.contains('*'))
}

/// Whether an entry has a place.
pub(super) fn check(path: &EntryPath, is_folder: bool) -> Result<(), ArchiveError> {
    let pieces: Vec<&str> = path.pieces().collect();
    let has_place = match (pieces.as_slice(), is_folder) {
        ([name], false) => [MANIFEST, SIGNATURE].contains(name) || is_file(name),
        ([name], true) => [LIBRARIES, SOURCES].contains(name),
        ([LIBRARIES, _], is_folder) => is_folder,
        ([LIBRARIES, _, _], is_folder) => !is_folder,
        ([first, ..], _) => *first == SOURCES,
        ([], _) => false,
    };
    if has_place {
        return Ok(());
    }
    let parts = [MANIFEST, SIGNATURE, "lib/TARGET/LIBRARY", "src/"].into_iter().chain(FILES);
    Err(ArchiveError::Stranger { entry: path.to_string(), parts: listed(parts) })
}
