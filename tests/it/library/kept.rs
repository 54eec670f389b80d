//! What accumulators of a library keep goes on in a process that has nothing but the bytes.

use acequia::Trust;
use acequia::core::cell::{Cell, Crumb, Kept, TurnContext};
use acequia::core::ring::{Doorbell, Ring};
use acequia::core::{Encoded, Timestamp};
use acequia::library::Library;
use acequia::testing::TestEngine;
use acequia_tests::Folder;
use acequia_tests::library::built;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// Where the second process finds the records, and the library that goes on with them.
const RECORDS: &str = "ACEQUIA_TEST_RECORDS";
const LIBRARY: &str = "ACEQUIA_TEST_LIBRARY";

/// Nobody waits for a cell that is run by hand.
struct Silent;

impl Doorbell for Silent {
    fn ring(&self) {}
}

/// The cells of a library's reactors, by the names of their only accumulators.
fn cells(engine: &TestEngine, library: &Path) -> Vec<(String, Cell)> {
    let package = Library::open(library, &Trust::optional()).unwrap().package(engine.services());
    package.start().unwrap();
    let cell = |decl: &acequia::ReactorDecl| {
        let name = decl.accumulators[0].name.to_string();
        (name, Cell::new(decl.clone(), Duration::from_secs(1)).unwrap())
    };
    package.reactors().iter().map(cell).collect()
}

/// Push `events`, and run the cell until it rests.
fn run(cell: &mut Cell, events: &[i64], now: Timestamp) {
    let ring = cell.slots()[0].ring().as_any().downcast::<Ring<Encoded>>().unwrap();
    for event in events {
        ring.try_push(Encoded::from_value(event).unwrap()).unwrap();
    }
    let doorbell: Arc<dyn Doorbell> = Arc::new(Silent);
    let cx = TurnContext {
        now,
        clock: &move || now,
        doorbell: &doorbell,
        waker: Waker::noop(),
        crumb: &Crumb::default(),
    };
    while cell.turn(&cx).more {}
}

/// Run the first version, and write what it keeps, one file an accumulator.
async fn first(folder: &Folder) {
    let engine = TestEngine::builder().start().await;
    for (name, mut cell) in cells(&engine, &built("keeping", &[])) {
        let now = Timestamp::from_millis(5_000);
        run(&mut cell, &[1, 4, 8], now);
        let (kept, mut bytes) = (cell.kept(now).unwrap().remove(0), Vec::new());
        kept.encode(&mut bytes).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// Go on with the next version, and check what comes of it.
async fn second(records: &Path, library: &Path) {
    let engine = TestEngine::builder().start().await;
    for (name, mut cell) in cells(&engine, library) {
        let kept = Kept::decode(&std::fs::read(records.join(&name)).unwrap()).unwrap();
        assert_eq!(kept.accumulator.as_str(), name);
        let cached = |cell: &Cell| cell.inspect()["sources"][0]["cache"].clone();
        cell.restore(vec![kept], Timestamp::ZERO).unwrap();
        let last = cached(&cell);
        run(&mut cell, &[12, 25], Timestamp::from_millis(1));
        let seen = serde_json::json!([last, cached(&cell), cell.slots()[0].held()]);

        let wanted = match name.as_str() {
            "passing" => serde_json::json!([[1, 8], [2, 25], 0]),
            // The engine hands these on itself; the newest is offered again.
            "asked" => serde_json::json!([null, 25, 0]),
            "summed" => serde_json::json!([[1, 13], [2, 50], 0]),
            "batched" => serde_json::json!([null, [2, [1, 4, 8, 12]], 1]),
            "kept" => serde_json::json!([[[1, 1], [1, 4], [1, 8]], [[1, 8], [2, 12], [2, 25]], 0]),
            "tumbling" => serde_json::json!([null, [2, 10, [12]], 1]),
            "sliding" => serde_json::json!([[1, -5, [1, 4]], [2, 10, [12]], 1]),
            "sessions" => serde_json::json!([[1, 1, [1, 4]], [2, 12, [12]], 1]),
            other => panic!("nobody knows {other}"),
        };
        assert_eq!(seen, wanted, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_library_keeps_goes_on_in_a_process_that_has_only_the_bytes() {
    if let (Some(records), Some(library)) = (std::env::var_os(RECORDS), std::env::var_os(LIBRARY)) {
        return second(Path::new(&records), Path::new(&library)).await;
    }
    let folder = Folder::new().unwrap();
    first(&folder).await;

    let test = "library::kept::what_a_library_keeps_goes_on_in_a_process_that_has_only_the_bytes";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(RECORDS, folder.join(""))
        .env(LIBRARY, built("keeping", &["two"]))
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
