//! At any moment.

#![expect(
    clippy::print_stdout,
    reason = "what a child and its parent say to each other, or to who reads the long form"
)]

use super::{CHAIN, ELSEWHERE, End, Role, child, run, setting, spawn};
use acequia_tests::Folder;
use std::io::{BufRead, BufReader};
use std::time::Duration;

#[test]
fn a_kill_at_any_moment_takes_nothing_that_was_acknowledged() {
    kill_again_and_again(CHAIN);
}

#[test]
fn a_kill_at_any_moment_takes_nothing_from_a_graph_that_runs_elsewhere() {
    kill_again_and_again(ELSEWHERE);
}

#[expect(clippy::disallowed_methods, reason = "a process is killed at a moment that nobody announces")]
fn kill_again_and_again(role: Role) {
    let kills = setting("ACEQUIA_KILLS").unwrap_or(12);
    let folder = Folder::new().unwrap();
    let mut random = u64::from(std::process::id()) << 20 | 1;
    for kill in 0..kills {
        let mut child = spawn(role, &folder.join(""), 1_000_000, None);
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
    assert_eq!(run(role, &folder.join(""), acknowledged + 100, None), End::Finished);
    println!("moments: {kills} kills, {acknowledged} numbers acknowledged, nothing lost");
}
