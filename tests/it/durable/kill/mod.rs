//! Processes that are killed: at every named point of the durable path and of a deploy, and at any moment.
//!
//! The children are this test binary again. One pushes numbers in order, notes each one that is acknowledged, and
//! looks, whenever it starts, whether both reactors of a chain saw every number once and in order. The other
//! loads, routes and unloads, and looks whether the catalog is as before or as after what was in hand. These are
//! the models with which each life is compared. The long forms, at random points and at random moments:
//!
//! ```text
//! ACEQUIA_CRASHES=500 ACEQUIA_CRASHES_SEED=7 cargo test -p acequia-tests --test it kills_at_random_points -- --nocapture
//! ACEQUIA_KILLS=500 cargo test -p acequia-tests --test it durable::kill::moments -- --nocapture
//! ```

mod child;
mod deploys;
mod moments;
mod points;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a child is: its name, as the test binary knows it, and whether the graph of its chain runs elsewhere.
#[derive(Debug, Clone, Copy)]
struct Role {
    test: &'static str,
    elsewhere: bool,
}

const CHAIN: Role = Role { test: "durable::kill::child::a_run_to_be_killed", elsewhere: false };
const ELSEWHERE: Role = Role { elsewhere: true, ..CHAIN };
const DEPLOYS: Role = Role { test: "durable::kill::deploys::deploys_to_be_killed", elsewhere: false };

/// Where a child is to stand still: the name of a point, and how often it is passed before.
type Crash = Option<(&'static str, u32)>;

fn spawn(role: Role, folder: &Path, until: u64, crash: Crash) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([role.test, "--exact", "--nocapture", "--test-threads=1"])
        .env(child::FOLDER, folder)
        .env(child::UNTIL, until.to_string())
        .env(child::ELSEWHERE, role.elsewhere.to_string())
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
fn run(role: Role, folder: &Path, until: u64, crash: Crash) -> End {
    let mut child = spawn(role, folder, until, crash);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut at = lines.filter_map(|line| line.strip_prefix(child::AT).map(str::to_owned));
    let end = match at.next() {
        Some(reached) => {
            assert_eq!(Some(reached.as_str()), crash.map(|(point, _)| point));
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

/// Numbers below a limit, that follow from a seed.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |n| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % n
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}
