//! `acequia replay` and `acequia why`.

use crate::cli::store::made::{self, End, on_a_runtime};
use crate::cli::{run, text};
use crate::library::package_folder;
use acequia::Sink;
use acequia::store::disk::FolderDisk;
use acequia::store::journal::Settings;
use acequia::testing::TestEngine;
use acequia_cli::Exit;
use acequia_host::Digest;
use acequia_tests::Folder;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The journal of an engine that ran the library `versioned`.
fn by_a_library(folder: &Folder, package: &Path) -> PathBuf {
    let path = folder.join("journal");
    let disk = Arc::new(FolderDisk::open(&path).unwrap());
    on_a_runtime(async {
        let engine = TestEngine::builder().with(|it| it.journal_on(disk, Settings::small())).start().await;
        let opened = super::durable(engine.open(package).await.unwrap());
        engine.deploy(opened, vec![("scaled".into(), "scale".into(), Sink::json(|_| ()))]).await.unwrap();
        for first in (0..30_i64).step_by(5) {
            engine.push_all("numbers", first..first + 5).await;
            engine.settle().await;
        }
        engine.engine().shutdown(Duration::from_secs(1)).await;
    });
    path
}

#[test]
fn a_package_from_a_file_replays_its_journal_and_another_version_tells_what_it_would_have_done() {
    let folder = Folder::new().unwrap();
    let (one, two) =
        (package_folder("versioned", &[], "1.0.0", ""), package_folder("versioned", &["two"], "2.0.0", ""));
    let journal = by_a_library(&folder, &one.join(""));
    let before = made::files(&journal);
    let replay = |package: &Folder, rest: &[&str]| {
        let package = package.join("");
        let mut args = vec!["replay", text(&journal), "--package", text(&package)];
        args.extend(rest);
        run(&args)
    };

    let same = replay(&one, &[]);
    same.says(Exit::Done, &["Numbers", "equal, over"]);
    let json = replay(&one, &["--json"]).json();
    assert_eq!((&json["equal"], &json["reactors"][0]["compared"]), (&true.into(), &30.into()), "{json}");

    let other = replay(&two, &["--examples", "1"]);
    other.says(Exit::Different, &["Numbers", "other values from scaled.scale", "turns differ"]);
    let json = replay(&two, &["--json"]).json();
    // All that fired; the first turn only began.
    assert_eq!((&json["reactors"][0]["differing"], &json["reactors"][0]["turns"]), (&6.into(), &7.into()));
    assert_eq!(json["first_difference"]["reactor"], "Numbers");
    assert_eq!(json["reactors"][0]["first"][0]["changes"][0]["came"][1], 100);
    let half = json["first_difference"]["lsn"].as_u64().unwrap() - 1;
    replay(&two, &["--until", &half.to_string()]).says(Exit::Done, &["equal"]);
    assert!(made::files(&journal) == before, "a replay only reads");
}

/// Put the archive of a package where an engine keeps it.
fn keep(journal: &Path, package: &Folder) {
    let archive = package.join("kept.acequia");
    fs::write(&archive, packed(&package.join(""))).unwrap();
    let bytes = fs::read(archive).unwrap();
    let hash = Digest::of(&bytes);
    let kept = [b"acequia archive1", hash.as_bytes().as_slice(), &bytes].concat();
    fs::write(journal.join(format!("package-{hash}")), kept).unwrap();
}

fn packed(package: &Path) -> Vec<u8> {
    let contents = acequia_host::archive::Contents::open(package, acequia_host::archive::Limits::default());
    contents.unwrap().pack(acequia_host::archive::Limits::default(), &mut |_| ()).unwrap()
}

#[test]
fn packages_that_are_kept_beside_the_journal_replay_it_unless_there_are_several_versions() {
    let folder = Folder::new().unwrap();
    let (one, two) =
        (package_folder("versioned", &[], "1.0.0", ""), package_folder("versioned", &["two"], "2.0.0", ""));
    let journal = by_a_library(&folder, &one.join(""));

    keep(&journal, &one);
    run(&["replay", text(&journal)]).says(Exit::Done, &["equal, over"]);
    run(&["store", "check", text(&journal)]).says(Exit::Done, &["packages", "belongs to no version"]);

    keep(&journal, &two);
    run(&["replay", text(&journal)]).says(Exit::Usage, &["E0909", "versioned"]);
}

#[test]
fn what_cannot_be_replayed_is_refused_with_a_code() {
    let folder = Folder::new().unwrap();
    let one = package_folder("versioned", &[], "1.0.0", "");
    let numbers = made::by_an_engine(&folder, 3, End::Closed);
    let package = one.join("");
    let replay = |journal: &Path| run(&["replay", text(journal), "--package", text(&package)]);

    replay(&numbers).says(Exit::Refused, &["E0912", "versioned"]);
    replay(&folder.join("absent")).says(Exit::NotFound, &["E0910"]);
    run(&["replay", text(&numbers)]).says(Exit::NotFound, &["E0908", "--package"]);
    run(&["replay", text(&numbers), "--package", "/nonexistent"]).says(Exit::Refused, &["E0817"]);
}

#[test]
fn why_draws_where_an_event_comes_from_and_what_came_of_it() {
    let folder = Folder::new().unwrap();
    let journal = made::by_an_engine(&folder, 30, End::CutOff);
    let events = run(&["store", "export", text(&journal), "--kind", "event"]);
    let event: serde_json::Value = serde_json::from_str(events.out.lines().nth(7).unwrap()).unwrap();
    let (id, lsn) = (event["id"].as_str().unwrap(), event["lsn"].to_string());

    let said = run(&["why", text(&journal), id]);

    said.says(
        Exit::Done,
        &[id, "of numbers", "comes from\n└─ nothing that the journal tells of", "└─ turn of R"],
    );
    assert_eq!(run(&["why", text(&journal), &lsn]).out, said.out);
    let json = run(&["why", text(&journal), id, "--json"]).json();
    assert_eq!((&json["subject"]["event"], &json["subject"]["accumulator"]), (&id.into(), &"numbers".into()));
    let turn = json["effects"]["shown"][0]["turn"].as_str().unwrap();
    run(&["why", text(&journal), turn, "--breadth", "2"]).says(Exit::Done, &["├─ event", "more"]);
    run(&["why", text(&journal), &"0".repeat(32)]).says(Exit::NotFound, &["no event, firing or turn"]);
    run(&["why", text(&folder.join("absent")), id]).says(Exit::NotFound, &["E0920"]);
}
