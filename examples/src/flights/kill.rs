//! A durable run that is killed at random, again and again, before it may come to its end.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The longest that a run lives once it has started.
const LIFE: Duration = Duration::from_millis(100);

/// Departures a second in a life that will be cut short, so that many lives find something to do.
const RATE: u32 = 20_000;

/// Says that a run has started, to whoever is to kill it.
pub const STARTED: &str = "started";

/// Start this program again with the same arguments, and kill it (SIGKILL: it hears nothing of it) at a random
/// moment of its work, up to `kills` times. A run that ends before it is killed is the last one. Returns how
/// many were killed.
///
/// # Errors
/// If the program cannot be started again.
#[expect(clippy::disallowed_methods, reason = "a process is killed at a moment that nobody announces")]
pub fn run_and_kill(kills: u32) -> io::Result<u32> {
    // Its own process number differs from run to run, which is random enough for a moment.
    let mut random = u64::from(std::process::id()) << 20 | 1;
    let mut killed = 0;
    while killed < kills {
        let mut child = Command::new(std::env::current_exe()?)
            .args(without_kills(std::env::args().skip(1)))
            .args(["--announce", "--rate", &RATE.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut announced = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut announced)?;
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let share = u32::try_from(random >> 40).unwrap_or(0) % 1000;
        std::thread::sleep(LIFE * share / 1000);
        if child.try_wait()?.is_some() || announced.trim() != STARTED {
            child.wait()?;
            return Ok(killed);
        }
        child.kill()?;
        child.wait()?;
        killed += 1;
    }
    Ok(killed)
}

fn without_kills(arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut skip = false;
    for argument in arguments {
        if std::mem::take(&mut skip) || argument.starts_with("--kills=") {
            continue;
        }
        skip = argument == "--kills";
        if !skip {
            kept.push(argument);
        }
    }
    kept
}
