//! Processes that are killed: at every named point of the durable path, and at any moment.
//!
//! The child is this test binary again. It pushes numbers in order, notes each one that is acknowledged, and
//! looks, whenever it starts, whether both reactors of a chain saw every number once and in order: that is the
//! model with which each life is compared. The long forms, at random points and at random moments:
//!
//! ```text
//! ACEQUIA_CRASHES=500 ACEQUIA_CRASHES_SEED=7 cargo test -p acequia-tests --test it durable::kill::points -- --nocapture
//! ACEQUIA_KILLS=500 cargo test -p acequia-tests --test it durable::kill::moments -- --nocapture
//! ```

mod child;
mod moments;
mod points;

use acequia::store::journal::CrashPoint;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The name of the child, as the test binary knows it.
const CHILD: &str = "durable::kill::child::a_run_to_be_killed";

fn spawn(folder: &Path, until: u64, crash: Option<(CrashPoint, u32)>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([CHILD, "--exact", "--nocapture", "--test-threads=1"])
        .env(child::FOLDER, folder)
        .env(child::UNTIL, until.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some((point, nth)) = crash {
        command.env(child::CRASH, format!("{nth} {point}"));
    }
    command.spawn().unwrap()
}

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was killed where it stood.
    Killed,
    /// It came to its end without reaching the point.
    Finished,
}

/// Let a child run to its end, which must be a good one, or kill it at the point where it stands still.
fn run(folder: &Path, until: u64, crash: Option<(CrashPoint, u32)>) -> End {
    let mut child = spawn(folder, until, crash);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut at = lines.filter_map(|line| line.strip_prefix(child::AT).map(str::to_owned));
    let end = match at.next() {
        Some(reached) => {
            assert_eq!(Some(reached.as_str()), crash.map(|(point, _)| point.as_str()));
            child.kill().unwrap();
            End::Killed
        }
        None => End::Finished,
    };
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("panicked"), "{crash:?}: {told}");
    assert_eq!(output.status.success(), end == End::Finished, "{crash:?}: {told}");
    end
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}
