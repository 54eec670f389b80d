//! `store export`, and what an import makes of it.

use super::made::{self, End};
use super::{lines, store};
use crate::cli::text;
use acequia_cli::Exit;
use acequia_examples::flights::{self, Options};
use acequia_tests::{Folder, eventually};
use std::fs;
use std::path::{Path, PathBuf};

/// A new store of what `path` has.
fn made_anew(folder: &Folder, path: &Path) -> PathBuf {
    let (file, anew) = (folder.join("lines"), folder.join("anew"));
    let said = store("export", path, &[]);
    said.says(Exit::Done, &[]);
    fs::write(&file, &said.out).unwrap();
    store("import", &anew, &["--keep-free", "0", "--input", text(&file)]).says(Exit::Done, &["records"]);
    assert_eq!(store("export", &anew, &[]).out, said.out);
    anew
}

#[test]
fn what_is_exported_and_imported_is_the_same_record_by_record() {
    let folder = Folder::new().unwrap();
    let path = made::by_hand(&folder);
    let records = made::records(&path);
    assert!(records[0].lsn.0 > 1 && records.iter().any(|record| record.parents.len() == 3));

    let anew = made_anew(&folder, &path);

    assert!(made::records(&anew) == records, "a record differs");
    store("check", &anew, &[]).says(Exit::Done, &["sound", "closed in order"]);
}

#[test]
fn an_engine_goes_on_over_an_imported_store() {
    let folder = Folder::new().unwrap();
    let anew = made_anew(&folder, &made::by_an_engine(&folder, 40, End::CutOff));

    let records = made::on_a_runtime(async {
        let engine = acequia::Engine::builder().journal(anew.clone()).package(made::numbers()).start().await;
        let engine = engine.unwrap();
        let inspected = engine.reactor("R").unwrap().inspect().await;
        engine.shutdown(std::time::Duration::from_secs(1)).await;
        inspected.to_string()
    });

    assert!(records.contains("39"), "the last of forty firings: {records}");
}

#[test]
fn the_store_of_a_real_run_comes_back_whole() {
    let folder = Folder::new().unwrap();
    let path = folder.join("flights");
    let options =
        Options { path: made::few_departures(&folder), chaos: None, durable: Some(path.clone()), rate: None };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(flights::run(&options, |_| ())).unwrap();
    // The engine's threads let go of the journal a moment after it has stopped.
    runtime.block_on(eventually("the journal is let go of", async || {
        store("check", &path, &[]).exit == Exit::Done
    }));
    store("check", &path, &[]).says(Exit::Done, &["sound"]);

    let anew = made_anew(&folder, &path);

    let (before, after) = (made::records(&path), made::records(&anew));
    assert!(before.len() > 600 && before == after, "{} records, {}", before.len(), after.len());
}

#[test]
fn filters_choose_by_stream_kind_and_place() {
    let folder = Folder::new().unwrap();
    let path = made::by_an_engine(&folder, 30, End::CutOff);
    let all = lines(&store("export", &path, &[]));
    let of = |rest: &[&str]| lines(&store("export", &path, rest));

    let events = of(&["--kind", "event"]);
    assert_eq!(events.len(), 30);
    assert!(events.iter().all(|line| line["kind"] == "event"));
    assert_eq!(of(&["--stream", "numbers"]), events);
    assert_eq!(of(&["--stream", events[0]["stream"].as_str().unwrap()]), events);
    assert_eq!(of(&["--stream", "nobody"]).len(), 0);
    assert_eq!(of(&["--from", "3", "--to", "7"]), all[2..7]);
    assert_eq!(of(&["--kind", "audit", "--kind", "deploy"])[0]["json"]["event"], "start");
    store("export", &path, &["--kind", "nonsense"]).says(Exit::Usage, &["E0900"]);
}

#[test]
fn of_a_damaged_journal_what_lies_before_the_damage_is_printed_and_the_damage_told() {
    let folder = Folder::new().unwrap();
    let path = made::by_an_engine(&folder, 1_300, End::Closed);
    let all = lines(&store("export", &path, &[]));
    let first = path.join("segment-0000000000000001");
    let mut bytes = fs::read(&first).unwrap();
    bytes[20_000] ^= 4;
    fs::write(&first, bytes).unwrap();

    let said = store("export", &path, &[]);

    said.says(Exit::Damaged, &["E0530", "segment 1 at offset"]);
    let printed = lines(&said);
    assert!(printed.len() > 100 && printed.len() < all.len() && printed[..] == all[..printed.len()]);
}
