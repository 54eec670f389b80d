//! `store import`: a whole new store, or none.

use super::made::{self, End};
use super::store;
use crate::cli::text;
use acequia::store::disk::SimulatedDisk;
use acequia::store::journal::Settings;
use acequia_cli::{CommandError, Exit};
use acequia_tests::Folder;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

fn exported(folder: &Folder, n: u64) -> (PathBuf, String) {
    let lines = store("export", &made::by_an_engine(folder, n, End::Closed), &[]).out;
    let file = folder.join("lines");
    fs::write(&file, &lines).unwrap();
    (file, lines)
}

/// The names in the folder in which stores are made.
fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.join("")).unwrap().map(Result::unwrap);
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_existing_store_is_not_touched() {
    let folder = Folder::new().unwrap();
    let (file, _) = exported(&folder, 5);
    let path = folder.join("store");
    let before = made::files(&path);

    let said = store("import", &path, &["--input", text(&file)]);

    said.says(Exit::Refused, &["E0903"]);
    assert!(made::files(&path) == before);
    fs::create_dir(folder.join("empty")).unwrap();
    let empty = folder.join("empty");
    store("import", &empty, &["--keep-free", "0", "--input", text(&file)]).says(Exit::Done, &["imported"]);
}

#[test]
fn what_is_no_export_is_refused_by_its_line_and_nothing_is_left() {
    let folder = Folder::new().unwrap();
    let (file, whole) = exported(&folder, 5);
    let lines: Vec<&str> = whole.lines().collect();
    let without = |at: usize| [&lines[..at], &lines[at + 1..]].concat().join("\n");
    for (text_of_it, code, place) in [
        (without(2), "E0905", "line 3 has record 4, and 3 comes next"),
        (format!("{}\nnonsense", lines[0]), "E0904", "line 2 is no record"),
        (lines[0].replace("\"id\":\"", "\"id\":\"zz"), "E0904", "32 hexadecimal digits"),
        (lines[0].replace("\"json\":", "\"base64\":\"\",\"json\":"), "E0904", "not one payload"),
        (lines[0].replace("\"lsn\":1", "\"lsn\":0"), "E0905", "1 comes next"),
        (String::new(), "E0906", "no record to import"),
    ] {
        fs::write(&file, text_of_it).unwrap();
        let said = store("import", &folder.join("anew"), &["--keep-free", "0", "--input", text(&file)]);
        said.says(Exit::Failed, &[code, place]);
        assert_eq!(names(&folder), ["lines", "store"], "{code}");
    }
}

#[test]
fn a_full_disk_ends_an_import_and_nothing_is_left() {
    let folder = Folder::new().unwrap();
    let (file, lines) = exported(&folder, 2_000);

    // More is to be left free than any disk has.
    let anew = folder.join("anew");
    let said = store("import", &anew, &["--keep-free", "1000000000000000000", "--input", text(&file)]);
    said.says(Exit::Failed, &["E0907", "E0521"]);
    assert_eq!(names(&folder), ["lines", "store"]);

    // In the middle of it.
    let disk = SimulatedDisk::new(3);
    disk.set_capacity(3 * 64 * 1024);
    let imported =
        acequia_cli::store::import(&mut lines.as_bytes(), Arc::new(disk), Settings::small(), &mut |_| ());
    assert!(matches!(imported, Err(CommandError::Append { .. })), "{imported:?}");
}
