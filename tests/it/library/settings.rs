//! Settings of kinds that a manifest, or the program, lays over those of a library.

use super::states::older;
use acequia::core::accumulator::{Tuning, WindowShape};
use acequia::library::Library;
use acequia::testing::{Probe, TestEngine};
use acequia::{Load, Package};
use acequia_host::archive::{Contents, Limits};
use acequia_host::{Candidate, CandidateError, Shelf, TARGET, Trust};
use acequia_tests::Folder;
use acequia_tests::library::built;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The package `keeping` in a folder of its own, with what its manifest says of accumulators.
fn folder(library: &Path, accumulators: &str) -> Folder {
    let folder = Folder::new().unwrap();
    let manifest = format!("[package]\nname = \"keeping\"\nversion = \"1.0.0\"\n{accumulators}");
    std::fs::write(folder.join("package.toml"), manifest).unwrap();
    let target = folder.join(Path::new("lib").join(TARGET));
    std::fs::create_dir_all(&target).unwrap();
    std::fs::copy(library, target.join(format!("libkeeping{}", std::env::consts::DLL_SUFFIX))).unwrap();
    folder
}

/// The same as an archive, beside the folder.
fn archived(folder: &Folder) -> PathBuf {
    let contents = Contents::open(&folder.join(""), Limits::default()).unwrap();
    let path = folder.join("keeping-1.0.0.acequia");
    std::fs::write(&path, contents.pack(Limits::default(), &mut |_| ()).unwrap()).unwrap();
    path
}

const CHANGES: &str = r#"
[accumulators.asked]
interval = "3s"

[accumulators.batched]
flush_interval = "2s"
max_buffer_size = 2

[accumulators.kept]
window_capacity = 1

[accumulators.tumbling]
tumbling = "100ms"

[accumulators.sliding]
session = "2ms"

[accumulators.sessions]
lateness = "10ms"
"#;

type Pane = (i64, i64, Vec<i64>);

/// What each changed kind does with the same events.
async fn changed(engine: &TestEngine, package: Package) {
    let (asked, batched, kept) =
        (Probe::<i64>::new(), Probe::<(i64, Vec<i64>)>::new(), Probe::<Vec<(i64, i64)>>::new());
    let (tumbling, sliding, sessions) = (Probe::<Pane>::new(), Probe::<Pane>::new(), Probe::<Pane>::new());
    let load = Load::new(package)
        .sink("of_asked", "out", asked.sink())
        .sink("of_batched", "out", batched.sink())
        .sink("of_kept", "out", kept.sink())
        .sink("of_tumbling", "out", tumbling.sink())
        .sink("of_sliding", "out", sliding.sink())
        .sink("of_sessions", "out", sessions.sink());
    engine.load(load).await.unwrap();
    for accumulator in ["batched", "kept", "tumbling", "sliding", "sessions"] {
        engine.push_all(accumulator, [1_i64, 2, 20, 14, 99]).await;
    }
    engine.settle().await;

    assert_eq!(batched.all(), [(1, vec![1, 2]), (1, vec![20, 14])], "two at most");
    engine.advance(Duration::from_millis(2_100)).await;
    assert_eq!(batched.all()[2..], [(1, vec![99])], "two seconds at most");
    assert_eq!(kept.all().last().unwrap(), &[(1, 99)]);
    assert!(tumbling.is_empty(), "a hundred milliseconds are not over");
    assert_eq!(
        sliding.all(),
        [(1, 1, vec![1, 2]), (1, 20, vec![20])],
        "its panes are sessions now, and 14 is late"
    );
    assert_eq!(sessions.all(), [(1, 1, vec![1, 2]), (1, 14, vec![14]), (1, 20, vec![20])], "14 is in time");
    engine.advance(Duration::from_secs(4)).await;
    assert_eq!(asked.len(), 3, "at its start, and every three seconds");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn settings_of_the_manifest_reach_a_library_from_a_folder_and_from_an_archive() {
    let folder = folder(&built("keeping", &[]), CHANGES);
    let archive = archived(&folder);
    for path in [folder.join(""), archive] {
        let engine = TestEngine::builder().start().await;
        let package = engine.open(&path).await.unwrap();
        changed(&engine, package).await;
    }
}

#[tokio::test(start_paused = true)]
async fn settings_laid_over_a_librarys_declarations_reach_it_without_a_manifest() {
    let millis = Duration::from_millis;
    let engine = TestEngine::builder().start().await;
    let tuning = |name: &str| match name {
        "asked" => Tuning { interval: Some(millis(3_000)), ..Tuning::default() },
        "batched" => {
            Tuning { flush_interval: Some(millis(2_000)), max_buffer_size: Some(2), ..Tuning::default() }
        }
        "kept" => Tuning { window_capacity: Some(1), ..Tuning::default() },
        "tumbling" => {
            Tuning { shape: Some(WindowShape::Tumbling { size: millis(100) }), ..Tuning::default() }
        }
        "sliding" => Tuning { shape: Some(WindowShape::Session { gap: millis(2) }), ..Tuning::default() },
        "sessions" => Tuning { lateness: Some(millis(10)), ..Tuning::default() },
        _ => Tuning::default(),
    };
    let library = Library::open(built("keeping", &[]), &Trust::optional()).unwrap();
    let package = library.package(engine.services()).map_reactors(|mut reactor| {
        let tuned = reactor.accumulators.drain(..).map(|decl| {
            let tuning = tuning(decl.name.as_str());
            decl.tune(tuning).unwrap()
        });
        let tuned = tuned.collect();
        reactor.accumulators = tuned;
        reactor
    });
    changed(&engine, package).await;
}

/// Why the package is refused as it is opened.
fn refused(library: &Path, accumulators: &str) -> String {
    let folder = folder(library, accumulators);
    let shelf = Folder::new().unwrap();
    let shelf = Shelf::open(shelf.join("shelf")).unwrap();
    let error: CandidateError = Candidate::open(&folder.join(""), &shelf, &Trust::optional()).unwrap_err();
    error.to_string()
}

#[test]
fn a_setting_that_does_not_fit_is_refused_as_the_package_is_opened_by_key_and_kind() {
    let library = built("keeping", &[]);
    let cases = [
        (
            "[accumulators.passing]\nlateness = 1",
            "E0857",
            "`lateness` of accumulator passing, which is a passthrough",
        ),
        (
            "[accumulators.kept]\ninterval = 1",
            "E0857",
            "allowed are `kind`, `ring_capacity`, `overflow`, `attempts`, `delivery` and `window_capacity`",
        ),
        (
            "[accumulators.summed]\nmax_buffer_size = 1",
            "E0857",
            "which is a stream; it belongs to a batch; allowed are",
        ),
        (
            "[accumulators.batched]\nkind = \"state\"",
            "E0859",
            "says that accumulator batched is a state, and in the code it is a batch",
        ),
        ("[accumulators.gone]\nattempts = 1", "E0858", "which the library does not declare"),
    ];
    for (accumulators, code, wanted) in cases {
        let text = refused(&library, accumulators);
        assert!(text.contains(code) && text.contains(wanted), "{text}");
    }
}

#[test]
fn settings_for_a_library_of_an_older_sdk_are_refused_but_for_those_of_the_engine() {
    let library = older("keeping");
    let text = refused(&library, "[accumulators.batched]\nmax_buffer_size = 1");
    assert!(text.contains("E0876: package.toml changes settings of accumulator batched"), "{text}");
    assert!(text.contains("built with acequia-sdk") && text.contains("rebuild it"), "{text}");

    let folder =
        folder(&library, "[accumulators.asked]\ninterval = 1\n[accumulators.batched]\nring_capacity = 7");
    let shelf = Folder::new().unwrap();
    Candidate::open(&folder.join(""), &Shelf::open(shelf.join("shelf")).unwrap(), &Trust::optional())
        .unwrap();
}
