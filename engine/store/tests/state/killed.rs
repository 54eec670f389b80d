//! A writer in a process of its own, killed while it writes.
//!
//! The child is this very test program, told by its environment to write instead of to test.

use super::conformance::Kind;
use super::folder::Folder;
use acequia_store::Lsn;
use acequia_store::state::{Batch, Row, Table};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const FOLDER: &str = "ACEQUIA_STATE_WRITER";
/// Keys of one batch; all of them have the LSN as their value.
const KEYS: u64 = 20;
const KILLS: u64 = 6;

pub fn leaves_whole_batches<K: Kind>(kind: &str) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write::<K>(Path::new(&folder));
    }
    let folder = Folder::new();
    let mut acknowledged = Lsn::ZERO;
    for kill in 0..KILLS {
        acknowledged = kill_after::<K>(kind, folder.path(), 1 + kill * 7).max(acknowledged);

        // The journal of this test has whatever the store has.
        let store = K::open(folder.path(), Lsn::MAX);
        assert!(store.at() >= acknowledged, "{} is behind {acknowledged}", store.at());
        let rows: Vec<Row> = store.scan(Table::RUNS, b"").collect::<Result<_, _>>().unwrap();
        assert_eq!(rows.len() as u64, KEYS);
        let at = store.at().0.to_be_bytes();
        assert!(rows.iter().all(|row| row.value[..] == at), "a batch was torn at {}", store.at());
    }
}

/// Let a child write and kill it once it has acknowledged `checkpoints` of them; gives the last.
fn kill_after<K: Kind>(kind: &str, folder: &Path, checkpoints: u64) -> Lsn {
    let test = format!("state::conformance::{kind}::a_killed_writer_leaves_whole_batches");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said = lines.filter_map(|line| line.strip_prefix("at ")?.parse().ok().map(Lsn));
    let last = said.take(checkpoints as usize).last();
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success() && status.code().is_none(), "the writer ended by itself: {status}");
    last.unwrap()
}

/// Write until killed, and say each checkpoint.
fn write<K: Kind>(folder: &Path) -> ! {
    let mut store = K::open(folder, Lsn::MAX);
    loop {
        for _ in 0..5 {
            let at = store.at().next();
            let mut batch = Batch::default();
            for key in 0..KEYS {
                batch.put(Table::RUNS, key.to_be_bytes().to_vec(), at.0.to_be_bytes().to_vec());
            }
            store.apply(&batch, at).unwrap();
        }
        // A line of its own, whatever the test program has begun.
        println!("\nat {}", store.checkpoint().unwrap());
    }
}
