//! The files of the repository, as the rules see them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::tokens::{Token, tokens};

/// The top-level folders that hold code.
const CODE: [&str; 6] = ["engine", "plugins", "actors", "tests", "benches", "examples"];

/// One Rust file. Its path is relative to the root of the repository and written with `/`.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Source {
        let tokens = tokens(text).unwrap_or_else(|reason| panic!("{path}: not Rust: {reason}"));
        Source { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// The path without its extension, in pieces.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.trim_end_matches(".rs").split('/').collect()
    }
}

/// Every Rust file under the folders of code.
pub(super) fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let rust = entries().iter().filter(|path| path.ends_with(".rs"));
        rust.filter(|path| CODE.iter().any(|folder| path.starts_with(&format!("{folder}/"))))
            .map(|path| Source::new(path, &read(path)))
            .collect()
    });
    &SOURCES
}

/// The pages that people read: Markdown at the top level and under `docs`.
pub(super) fn pages() -> Vec<(String, String)> {
    let pages = entries().iter().filter(|path| path.ends_with(".md"));
    pages
        .filter(|path| path.starts_with("docs/") || !path.contains('/'))
        .map(|path| (path.clone(), read(path)))
        .collect()
}

/// Paths of all files and folders, without what a build or a version control system puts there.
pub(super) fn entries() -> &'static [String] {
    static ENTRIES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut entries = Vec::new();
        walk(&root(), "", &mut entries);
        entries.sort();
        entries
    });
    &ENTRIES
}

fn walk(folder: &Path, prefix: &str, entries: &mut Vec<String>) {
    let listed = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in listed.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "target" || name == ".git" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), &format!("{path}/"), entries);
        }
        entries.push(path);
    }
}

/// The root of the repository.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a file that must exist.
#[track_caller]
pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path} cannot be read ({e}); write it"))
}
