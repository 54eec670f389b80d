//! `store check`.

use super::made::{self, End};
use super::store;
use acequia::store::disk::FolderDisk;
use acequia::store::journal::{Journal, Settings};
use acequia_cli::Exit;
use acequia_tests::Folder;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const FIRST: &str = "segment-0000000000000001";

fn damage(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_store_that_is_whole_is_sound_and_is_not_changed_by_the_look() {
    let folder = Folder::new().unwrap();
    let path = made::by_an_engine(&folder, 1_300, End::Closed);
    made::with_state(&path);
    let before = made::files(&path);

    let said = store("check", &path, &[]);
    let json = store("check", &path, &["--json"]).json();

    said.says(Exit::Done, &["sound", "closed in order", "rows at LSN", "whole"]);
    assert_eq!((&json["ok"], &json["verdict"]), (&true.into(), &"sound".into()));
    let segments = json["segments"].as_array().unwrap();
    assert!(segments.len() > 1 && segments[0]["records"]["event"].as_u64() > Some(0), "{json}");
    assert_eq!(json["records"], made::records(&path).len());
    assert!(made::files(&path) == before, "the look changed something");
}

#[test]
fn a_flipped_bit_is_told_with_segment_and_offset_and_its_own_exit_code() {
    let folder = Folder::new().unwrap();
    let path = made::by_an_engine(&folder, 1_300, End::Closed);
    damage(&path.join(FIRST), |bytes| bytes[20_000] ^= 4);
    let before = made::files(&path);

    let said = store("check", &path, &[]);
    let json = store("check", &path, &["--json"]).json();

    said.says(Exit::Damaged, &["damaged", "segment 1 at offset"]);
    let offset = json["damage"]["offset"].as_u64().unwrap();
    assert_eq!((&json["damage"]["segment"], &json["ok"]), (&1.into(), &false.into()));
    assert!((10_000..=20_000).contains(&offset), "{offset}");
    assert_eq!(json["segments"][0]["damage"]["offset"], offset);
    assert!(json["segments"][1]["damage"].is_null(), "what lies behind is whole: {json}");
    assert!(made::files(&path) == before, "the look changed something");
}

#[test]
fn a_segment_that_is_cut_or_gone_and_a_mark_that_is_lost_are_damage() {
    let folder = Folder::new().unwrap();
    let whole = made::by_an_engine(&folder, 1_300, End::Closed);
    for (at, (file, cut)) in
        [(FIRST, Some(30_000)), (FIRST, None), ("mark", Some(10))].into_iter().enumerate()
    {
        let path = folder.join(format!("copy-{at}"));
        made::copy(&whole, &path);
        match cut {
            Some(length) => damage(&path.join(file), |bytes| bytes.truncate(length)),
            None => fs::remove_file(path.join(file)).unwrap(),
        }
        let said = store("check", &path, &[]);
        let told = if file == "mark" { "E0531" } else { "segment 1 at offset" };
        said.says(Exit::Damaged, &[told]);
    }
}

#[test]
fn what_a_crash_leaves_is_repairable_and_that_is_no_error() {
    let folder = Folder::new().unwrap();
    let path = made::by_an_engine(&folder, 20, End::CutOff);
    store("check", &path, &[]).says(Exit::Done, &["not closed: its engine was cut off", "sound"]);

    // Half of a frame behind the end, as a write that the power cut would leave.
    let end = store("check", &path, &["--json"]).json()["segments"][0]["bytes"].as_u64().unwrap() as usize;
    damage(&path.join(FIRST), |bytes| bytes[end..end + 40].fill(7));

    let said = store("check", &path, &[]);
    said.says(Exit::Done, &["torn tail", "never acknowledged", "repairable"]);
}

#[test]
fn a_damaged_state_store_is_repairable_as_long_as_its_journal_is_whole() {
    let folder = Folder::new().unwrap();
    let path = made::by_an_engine(&folder, 300, End::Closed);
    made::with_state(&path);
    damage(&path.join("state.anchor"), |bytes| bytes[60] ^= 1);
    store("check", &path, &[]).says(Exit::Done, &["anchor of the state store was damaged", "repairable"]);

    fs::remove_file(path.join("state.anchor")).unwrap();
    store("check", &path, &[]).says(Exit::Done, &["had no anchor", "repairable"]);
}

#[test]
fn a_journal_that_ends_before_the_state_store_has_lost_something() {
    let folder = Folder::new().unwrap();
    let path = made::by_an_engine(&folder, 20, End::CutOff);
    let earlier = folder.join("earlier");
    made::copy(&path, &earlier);
    // Opened and closed again, it is longer, and the state store knows.
    let (journal, _) = Journal::open(Arc::new(FolderDisk::open(&path).unwrap()), Settings::small()).unwrap();
    let mut batch = journal.batch();
    let head = made::records(&earlier)[0].clone();
    for _ in 0..50 {
        batch.push(&head.head(), b"later").unwrap();
    }
    journal.append_and_wait(batch).unwrap();
    journal.close().unwrap();
    drop(journal);
    made::with_state(&path);
    for file in ["mark", FIRST] {
        fs::copy(earlier.join(file), path.join(file)).unwrap();
    }

    store("check", &path, &[]).says(Exit::Damaged, &["E0652", "synced records are gone"]);
}

#[test]
fn a_store_that_an_engine_has_open_is_refused_and_a_folder_without_one_is_not_made() {
    let folder = Folder::new().unwrap();
    let path = made::by_an_engine(&folder, 5, End::Closed);
    let (journal, _) = Journal::open(Arc::new(FolderDisk::open(&path).unwrap()), Settings::small()).unwrap();
    for command in ["check", "export"] {
        store(command, &path, &[]).says(Exit::Refused, &["E0501", "in use by another engine"]);
    }
    drop(journal);
    store("check", &path, &[]).says(Exit::Done, &["sound"]);

    let absent = folder.join("absent");
    for command in ["check", "export"] {
        store(command, &absent, &[]).says(Exit::NotFound, &["E0902"]);
        assert!(!absent.exists());
    }
}
