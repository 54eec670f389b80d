//! Processes that are killed: at every named point of the journal's work, and at any moment.
//!
//! The child is this test binary again. It pushes numbers in order, notes each one that is acknowledged, and
//! looks, whenever it starts, whether both reactors of a chain saw every number once and in order.
//! `ACEQUIA_KILLS=500 cargo test -p acequia-tests --test it durable::kill` is the long form.

mod child;

use acequia::store::journal::CrashPoint;
use acequia_tests::Folder;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// The name of the child, as the test binary knows it.
const CHILD: &str = "durable::kill::child::a_run_to_be_killed";

fn spawn(folder: &Path, until: u64, crash: Option<(CrashPoint, u32)>, elsewhere: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([CHILD, "--exact", "--nocapture", "--test-threads=1"])
        .env(child::FOLDER, folder)
        .env(child::UNTIL, until.to_string())
        .env(child::ELSEWHERE, elsewhere.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some((point, nth)) = crash {
        command.env(child::CRASH, format!("{nth} {point}"));
    }
    command.spawn().unwrap()
}

/// Let a child run to its end, which must be a good one unless it crashes on purpose.
fn run(folder: &Path, until: u64, crash: Option<(CrashPoint, u32)>) -> ExitStatus {
    let output = spawn(folder, until, crash, false).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("panicked"), "{told}");
    output.status
}

#[test]
fn a_crash_at_every_named_point_takes_nothing_that_was_acknowledged() {
    let folder = Folder::new().unwrap();
    let (mut until, mut crashed) = (0, Vec::new());
    for point in CrashPoint::ALL {
        for nth in [0, 3, 11] {
            until += 40;
            if !run(&folder.join(""), until, Some((point, nth))).success() {
                crashed.push(point);
            }
        }
    }
    until += 40;
    assert!(run(&folder.join(""), until, None).success(), "and the last life comes to its end");
    for point in CrashPoint::ALL {
        // Nothing is trimmed here, and a segment of this size is full only now and then.
        let seldom = matches!(point, CrashPoint::Trim | CrashPoint::SegmentRotate);
        assert!(seldom || crashed.contains(&point), "{point} was never reached");
    }
}

#[test]
fn a_kill_at_any_moment_takes_nothing_that_was_acknowledged() {
    kill_again_and_again(false);
}

#[test]
fn a_kill_at_any_moment_takes_nothing_from_a_graph_that_runs_elsewhere_and_lets_it_send_nothing_twice() {
    kill_again_and_again(true);
}

#[expect(clippy::disallowed_methods, reason = "a process is killed at a moment that nobody announces")]
fn kill_again_and_again(elsewhere: bool) {
    let kills = std::env::var("ACEQUIA_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12_u64);
    let folder = Folder::new().unwrap();
    let mut random = u64::from(std::process::id()) << 20 | 1;
    for kill in 0..kills {
        let mut child = spawn(&folder.join(""), 1_000_000, None, elsewhere);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.is_ok_and(|line| line.contains(child::STARTED))),
            "life {kill} started"
        );
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(random >> 58)); // tidy: the kill comes at any moment
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!told.contains("panicked"), "life {kill}: {told}");
    }
    let acknowledged = child::acknowledged(&folder.join(""));
    assert!(run(&folder.join(""), acknowledged + 100, None).success());
}
